/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CHAIN_PROFILE_H
#define SQS_ENTROPY_AWS_CHAIN_PROFILE_H

#include <stdbool.h>

#include "aws/chain.h"
#include "aws/cred_container.h"
#include "aws/sts.h"

/* For chain.c alone: what a profile leads to. */

struct chain_profile {
	struct chain_config cfg;
	struct cred_source environment, container;
	struct sts sts;
	struct sigv4 *sigv4;
	char endpoint[LIMIT_URL];
	char region[LIMIT_REGION]; /* see chain_set_region() */
	char scope[LIMIT_REGION];  /* what requests to STS are signed for */
	/* Nobody is asked: credentials that somebody would have to give are
	 * left empty, with their origin. */
	bool dry;
};

/* ERR_CONFIG: the profile in force was asked for and is not there. */
int chain_profile_check(const struct shared *s, struct err *err) MUST_CHECK;

/* A source that borrows p. */
struct cred_source chain_profile_source(struct chain_profile *p);

#endif

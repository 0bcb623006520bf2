/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CHAIN_OWN_H
#define SQS_ENTROPY_AWS_CHAIN_OWN_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/chain_profile.h"

/* For the chain alone: what a profile holds itself. */

/* One search. */
struct chain_walk {
	struct chain_profile *p;
	const struct shared *s;
	int64_t deadline;
	/* The profile in force and the source profiles behind it. */
	const char *visited[SHARED_DEPTH_MAX];
	size_t n;
};

bool chain_has_key(
    const struct chain_walk *w, const char *profile, const char *key);

/*
 * In this order: a web identity, for which with_env lets the variables go
 * before the profile; keys of the credentials file; credential_process; keys of
 * the configuration file.  ERR_ABSENT: none of them, and why; ERR_CONFIG: it
 * wants a person to sign in, or one of them is broken; what STS and the process
 * have.
 */
int chain_own_load(struct chain_walk *w, const char *profile, bool with_env,
    struct cred *out, struct err *err) MUST_CHECK;

#endif

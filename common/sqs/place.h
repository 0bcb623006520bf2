/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_PLACE_H
#define SQS_ENTROPY_SQS_PLACE_H

#include "base/arn.h"
#include "base/err.h"
#include "sqs/session.h"

/*
 * Part of session: what is found without the network, in the order of the AWS
 * SDKs.
 */

struct place {
	struct arn said;        /* what the queue says of itself (arn.h) */
	char origin[LIMIT_URL]; /* scheme and host of a URL, else "" */
};

/* ERR_CONFIG: the queue is no URL, no ARN and no name. */
int place_find_queue(const char *queue, struct place *p, struct err *err)
    MUST_CHECK;

/* Whoever may tag an instance may choose a queue of AWS's, and neither a host
 * nor another region than the one that is set.  ERR_CONFIG. */
int place_check_tag(const struct session_config *cfg, const struct place *p,
    struct err *err) MUST_CHECK;

/* The endpoint that was set, or the queue's origin, or NULL. */
const char *place_find_endpoint(
    const struct session_config *cfg, const char *origin);

/* s->region, good or not; false when nobody has set one. */
bool place_find_region(
    struct session *s, const struct place *p, const char *endpoint);

#endif

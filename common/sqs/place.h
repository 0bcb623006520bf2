/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_PLACE_H
#define SQS_ENTROPY_SQS_PLACE_H

#include "aws/endpoint.h"
#include "base/arn.h"
#include "base/err.h"
#include "sqs/session.h"

/*
 * Part of session: what is found without the network, and the region that IMDS
 * tells, in the order of the AWS SDKs.  The functions are called in the order
 * in which they stand here.
 */

struct place {
	const char *service;    /* as in its hosts: "sqs" */
	struct arn said;        /* what the queue says of itself (arn.h) */
	char origin[LIMIT_URL]; /* scheme and host of a URL, else "" */
	struct endpoint endpoint;
	char region[LIMIT_REGION];
	char region_from[ENDPOINT_FROM_MAX]; /* who says so, for people */
};

/* Begin *p for a service that is asked in the region of the queue.  ERR_CONFIG:
 * the queue is no URL, no ARN and no name. */
int place_find_queue(const char *service, const char *queue, struct place *p,
    struct err *err) MUST_CHECK;

/* Whoever may tag an instance may choose a queue of AWS's, and neither a host
 * nor another region than the one that is set.  ERR_CONFIG. */
int place_check_tag(const struct session_config *cfg, const struct place *p,
    struct err *err) MUST_CHECK;

/* The endpoint that was set, or the queue's origin; p->endpoint.url is "" when
 * the region decides.  Errors of endpoint_find(), and ERR_CONFIG for a queue's
 * URL beside FIPS or dual-stack whose host is not one of the region's own. */
int place_find_endpoint(const struct session_config *cfg,
    const struct shared *shared, struct place *p, struct err *err) MUST_CHECK;

/* The region that somebody has set.  ERR_ABSENT, with the places that could:
 * nobody has.  Errors of place_set_region(). */
int place_find_region(const struct session_config *cfg,
    const struct shared *shared, struct place *p, struct err *err) MUST_CHECK;

/* The region that from names.  ERR_CONFIG: it is none, or the endpoint that was
 * set is in another one, where no request that is signed for this one is
 * taken. */
int place_set_region(struct place *p, const char *region, const char *from,
    struct err *err) MUST_CHECK;

/* Of all places IMDS comes last: after that ERR_ABSENT, which err tells.
 * Errors of imds.h and of place_set_region(). */
int place_ask_region(struct place *p, struct imds *imds, int64_t deadline,
    struct err *err) MUST_CHECK;

/* Why IMDS failed is in err: say what can be set instead, too.  What IMDS does
 * not have is missing in the configuration; whatever else keeps it from
 * answering stays what it is. */
int place_explain_missing(int rc, const char *what, struct err *err);

/* What a user should know of a place that can be used, or "". */
void place_warn(const struct session_config *cfg, const struct place *p,
    char text[static SESSION_WARNING_MAX]);

#endif

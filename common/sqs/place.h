/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_PLACE_H
#define SQS_ENTROPY_SQS_PLACE_H

#include "base/err.h"
#include "base/url.h"
#include "sqs/session.h"

/*
 * Part of session: what is found without the network, in the order of the AWS
 * SDKs.
 */

bool place_is_region(const char *s);

/* parts->origin: the scheme and host of a queue that is a URL, "" of a name.
 * ERR_CONFIG: neither. */
int place_find_queue(const char *queue, struct url *parts, struct err *err)
    MUST_CHECK;

/* The endpoint that was set, or the queue's origin, or NULL. */
const char *place_find_endpoint(
    const struct session_config *cfg, const char *origin);

/* The region that an AWS SQS host names (sqs.R.amazonaws.com,
 * sqs.R.amazonaws.com.cn, sqs.R.api.aws, sqs-fips.R.amazonaws.com,
 * R.queue.amazonaws.com, VPCE-ID.sqs.R.vpce.amazonaws.com), in region;
 * false when it names none.  Pure. */
bool place_region_of(const char *url, char region[static LIMIT_REGION]);

/* s->region, good or not; false when nobody has set one. */
bool place_find_region(
    struct session *s, const char *origin, const char *endpoint);

#endif

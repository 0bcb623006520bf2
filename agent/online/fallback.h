/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_ONLINE_FALLBACK_H
#define SQS_ENTROPY_AGENT_ONLINE_FALLBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/conf.h"
#include "base/err.h"
#include "sqs/session.h"

/*
 * What a run that got no message asks instead ("fallback"): KMS for random
 * bytes.  They never earn credit, because this half, which talks to the
 * network, could have made them up.
 */

/* ms at the end of a run that are left to it, of all that there are: a service
 * that answers needs a few hundred. */
#define FALLBACK_RESERVE_MS 2000
#define FALLBACK_SHARE      4 /* a quarter of a shorter run */
/* With less time left nobody is asked. */
#define FALLBACK_LEAST_MS   100

/* True if it is configured and the bytes are for the kernel. */
bool fallback_is_wanted(const struct conf *conf);

/* True if the queues were empty or out of reach.  What is denied or configured
 * wrongly is for somebody to mend. */
bool fallback_may_help(int outcome);

int64_t fallback_reserve(int64_t left);

/* Fill out.  Errors of session_open_service() and kms_random(); ERR_TIMEOUT at
 * once, too, when too little time is left. */
int fallback_ask(struct session *s, uint8_t *out, size_t len, int64_t deadline,
    struct err *err) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ONLINE_REFILL_H
#define SQS_ENTROPY_PRODUCER_ONLINE_REFILL_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/conf.h"

/*
 * The rule that keeps a queue topped up: below the low watermark add a burst,
 * then look again after the interval.  Pure.
 */
#define REFILL_SETTLE_MS 60000 /* SQS counts a new message within a minute */

/* What the last look showed, and what this producer sent before. */
struct refill_state {
	int64_t visible;   /* messages that can be received */
	int64_t in_flight; /* received by somebody, not deleted yet */
	int64_t last_send; /* CLOCK_MONOTONIC ms, 0: none yet */
	int64_t last_sent; /* messages sent then */
	int64_t last_seen; /* messages that were visible just before */
};

/*
 * How many messages to send now, 0 or burst.  As long as the service shows
 * fewer messages than there were plus those sent less than REFILL_SETTLE_MS
 * ago, the difference, up to what was sent, counts as if it were in the queue:
 * a short interval must not overshoot.  Messages in flight do not count,
 * because they are as good as used; but so many of them (low watermark + 10
 * bursts) that consumers evidently do not delete stop the refill.
 */
long refill_count(const struct refill_settings *settings,
    const struct refill_state *state, int64_t now);

/* True if refill_count() is 0 because of messages in flight. */
bool refill_is_stuck(
    const struct refill_settings *settings, const struct refill_state *state);

/* How long to wait before the next look, in ms: the interval and up to ten
 * per cent more by chance in [0,1), so that producers do not move in step.
 * Never less, so that the default interval lets the counts settle. */
int64_t refill_wait(const struct refill_settings *settings, double chance);

#endif

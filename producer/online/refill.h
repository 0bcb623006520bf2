/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ONLINE_REFILL_H
#define SQS_ENTROPY_PRODUCER_ONLINE_REFILL_H

#include <stdbool.h>
#include <stdint.h>

#include "producer/conf.h"

/*
 * The rule that keeps a queue topped up: look, send what it says, look again
 * after the interval.  Each queue has a state of its own.  Pure.
 *
 * With a low watermark and a burst, which is the rule of the article that this
 * program follows, fewer messages than the watermark cause a burst.
 *
 * With a depth, a producer sends its share of what is missing: all of it, or
 * with several producers that many times less, rounded up.  Producers that look
 * at the same time overshoot by less than one message each, then.  None knows
 * what the others sent in the last REFILL_SETTLE_MS, and all may have seen the
 * same gap; so one that shares the queue sends no more for twice that time.  By
 * then what all of them sent for that gap is counted.  So they stay within that
 * bound whenever they look and however late SQS counts; only one that is
 * started again has forgotten what it sent a moment ago.  A producer that is
 * down leaves its share to the later looks of the others.
 */
#define REFILL_SETTLE_MS 60000L /* SQS counts a new message within a minute */

/* What the last look showed, and what this producer sent before. */
struct refill_state {
	int64_t visible;   /* messages that can be received */
	int64_t in_flight; /* received by somebody, not deleted yet */
	int64_t last_send; /* CLOCK_MONOTONIC ms, 0: none yet */
	int64_t last_sent; /* messages sent then, and not counted before */
	int64_t last_seen; /* messages that were visible just before */
};

/*
 * How many messages to send now.  As long as the service shows fewer messages
 * than there were plus those sent less than REFILL_SETTLE_MS ago, the
 * difference, up to what was sent, counts as if it were in the queue: a short
 * interval must not overshoot.  Messages in flight do not count, because they
 * are as good as used; but so many of them (low watermark + 10 bursts, or 5
 * times the depth) that consumers evidently do not delete stop the refill.
 */
long refill_count(const struct refill_settings *settings,
    const struct refill_state *state, int64_t now);

/* Note that so many messages were sent, over 0, after the look that state
 * shows.  What was sent before, and is not counted yet, is added to them. */
void refill_note_sent(struct refill_state *state, int64_t now, long sent);

/* True if refill_count() is 0 because of messages in flight. */
bool refill_is_stuck(
    const struct refill_settings *settings, const struct refill_state *state);

/* How long to wait before the next look, in ms: the interval and up to ten
 * per cent more by chance in [0,1), so that producers do not move in step.
 * Never less, so that the default interval lets the counts settle. */
int64_t refill_wait(const struct refill_settings *settings, double chance);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/online/refill.h"

#define STUCK_BURSTS 10
#define JITTER       0.1

/* How many of the messages that were sent last SQS may not count yet. */
static int64_t unsettled(const struct refill_state *state, int64_t now)
{
	int64_t missing = state->last_seen + state->last_sent - state->visible;

	if (state->last_send == 0 || missing < 0 ||
	    now - state->last_send >= REFILL_SETTLE_MS)
		return 0;
	return missing < state->last_sent ? missing : state->last_sent;
}

bool refill_is_stuck(
    const struct refill_settings *settings, const struct refill_state *state)
{
	return state->in_flight >=
	       settings->low_watermark + STUCK_BURSTS * settings->burst;
}

long refill_count(const struct refill_settings *settings,
    const struct refill_state *state, int64_t now)
{
	int64_t depth = state->visible;

	if (depth >= settings->low_watermark ||
	    refill_is_stuck(settings, state))
		return 0;
	depth += unsettled(state, now);
	return depth < settings->low_watermark ? settings->burst : 0;
}

int64_t refill_wait(const struct refill_settings *settings, double chance)
{
	double ms = (double)settings->interval * 1000;

	return (int64_t)(ms + ms * JITTER * chance);
}

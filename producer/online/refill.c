/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/online/refill.h"

#define STUCK_BURSTS 10
#define STUCK_DEPTHS 5
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

void refill_note_sent(struct refill_state *state, int64_t now, long sent)
{
	state->last_sent = unsettled(state, now) + sent;
	state->last_seen = state->visible;
	state->last_send = now;
}

bool refill_is_stuck(
    const struct refill_settings *settings, const struct refill_state *state)
{
	const long most =
	    settings->depth > 0
		? STUCK_DEPTHS * settings->depth
		: settings->low_watermark + STUCK_BURSTS * settings->burst;

	return state->in_flight >= most;
}

/* True if the others may have sent for the gap that this producer sees. */
static bool waits_for_others(const struct refill_settings *settings,
    const struct refill_state *state, int64_t now)
{
	return settings->producers > 1 && state->last_send != 0 &&
	       now - state->last_send < 2 * REFILL_SETTLE_MS;
}

static long count_share(const struct refill_settings *settings,
    const struct refill_state *state, int64_t now)
{
	const int64_t missing =
	    settings->depth - state->visible - unsettled(state, now);

	if (missing <= 0 || waits_for_others(settings, state, now))
		return 0;
	return (
	    long)((missing + settings->producers - 1) / settings->producers);
}

static long count_burst(const struct refill_settings *settings,
    const struct refill_state *state, int64_t now)
{
	int64_t depth = state->visible;

	if (depth >= settings->low_watermark)
		return 0;
	depth += unsettled(state, now);
	return depth < settings->low_watermark ? settings->burst : 0;
}

long refill_count(const struct refill_settings *settings,
    const struct refill_state *state, int64_t now)
{
	if (refill_is_stuck(settings, state))
		return 0;
	return settings->depth > 0 ? count_share(settings, state, now)
				   : count_burst(settings, state, now);
}

int64_t refill_wait(const struct refill_settings *settings, double chance)
{
	double ms = (double)settings->interval * 1000;

	return (int64_t)(ms + ms * JITTER * chance);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/online/refill.h"

#define JITTER 0.1
/* No queue holds as many; sums with it do not overflow. */
#define MOST   (INT64_C(1) << 60)

static int64_t keep_within(int64_t n, int64_t most)
{
	return n < 0 ? 0 : n < most ? n : most;
}

static struct refill_note *find_note(struct refill_state *state, size_t k)
{
	return &state->notes[(state->oldest + k) % REFILL_NOTES];
}

static void drop_settled(struct refill_state *state, int64_t now)
{
	while (state->n > 0 &&
	       now - find_note(state, 0)->last >= REFILL_SETTLE_MS) {
		state->oldest = (state->oldest + 1) % REFILL_NOTES;
		state->n--;
	}
}

/* How many messages may be there that SQS does not count yet. */
static int64_t count_late(
    const struct refill_settings *settings, struct refill_state *state)
{
	int64_t own = 0;

	if (state->n == 0)
		return 0;
	for (size_t k = 0; k < state->n; k++)
		own += find_note(state, k)->sent;
	if (settings->depth > 0)
		own *= settings->producers;
	return keep_within(
	    find_note(state, 0)->held + own - state->visible, own);
}

bool refill_is_stuck(
    const struct refill_settings *settings, const struct refill_state *state)
{
	const long most = settings->depth > 0
			      ? settings->depth + REFILL_STUCK
			      : settings->low_watermark +
				    REFILL_STUCK_BURSTS * settings->burst;

	return state->in_flight >= most;
}

/* A gap is worth a call when it fills a batch.  A depth of less than two
 * batches is not let fall below its half for that. */
static long find_least(long depth)
{
	const long half = (depth + 1) / 2;

	return half < REFILL_BATCH ? half : REFILL_BATCH;
}

static long count_batch(
    const struct refill_settings *settings, const struct refill_state *state)
{
	const int64_t missing = settings->depth - state->held;

	if (missing < find_least(settings->depth))
		return 0;
	return (long)keep_within(
	    (missing + settings->producers - 1) / settings->producers,
	    REFILL_BATCH);
}

long refill_look(const struct refill_settings *settings,
    struct refill_state *state, int64_t visible, int64_t in_flight, int64_t now)
{
	state->visible = keep_within(visible, MOST);
	state->in_flight = in_flight;
	drop_settled(state, now);
	state->held = state->visible + count_late(settings, state);
	if (refill_is_stuck(settings, state))
		return 0;
	if (settings->depth > 0)
		return count_batch(settings, state);
	return state->held < settings->low_watermark ? settings->burst : 0;
}

void refill_note_sent(struct refill_state *state, int64_t now, long sent)
{
	struct refill_note *newest = NULL;
	const int64_t held = state->held;

	state->held += sent;
	state->wait = 0;
	if (state->n > 0)
		newest = find_note(state, state->n - 1);
	/* Should time go backwards, its notes become one. */
	if (newest != NULL && (now - newest->first < REFILL_MERGE_MS ||
				  state->n == REFILL_NOTES)) {
		newest->sent += sent;
		newest->last = now > newest->last ? now : newest->last;
		return;
	}
	*find_note(state, state->n++) = (struct refill_note){
	    .first = now, .last = now, .sent = sent, .held = held};
}

/* What to wait, in seconds, and in state what the next time. */
static int64_t double_wait(
    const struct refill_settings *settings, struct refill_state *state)
{
	const int64_t wait =
	    keep_within(state->wait > 0 ? state->wait : 1, settings->interval);

	state->wait = 2 * wait;
	return wait;
}

int64_t refill_wait(const struct refill_settings *settings,
    struct refill_state *state, enum refill_turn turn, double chance)
{
	int64_t wait = settings->interval;

	if (settings->depth > 0 && turn == REFILL_SENT)
		return 0;
	if (settings->depth > 0 && turn == REFILL_NONE)
		wait = double_wait(settings, state);
	return (int64_t)((double)wait * 1000 * (1 + JITTER * chance));
}

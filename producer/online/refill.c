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

/* How many share the queue with this producer, as far as the rule knows. */
static int64_t count_others(const struct refill_settings *settings)
{
	return settings->depth > 0 ? settings->producers - 1 : 0;
}

static void drop_settled(const struct refill_settings *settings,
    struct refill_state *state, int64_t now)
{
	const int64_t age = count_others(settings) > 0 ? 2 * REFILL_SETTLE_MS
						       : REFILL_SETTLE_MS;

	while (state->n > 0 && now - find_note(state, 0)->last >= age) {
		state->oldest = (state->oldest + 1) % REFILL_NOTES;
		state->n--;
	}
}

/* How many of the messages that all producers sent for the gap of a note SQS
 * may not count yet.  The others are taken to send at times that are spread
 * evenly over REFILL_SETTLE_MS behind this one, and SQS to count each message
 * after a delay that is spread as evenly; the two together make the square. */
static int64_t count_unsettled(const struct refill_settings *settings,
    const struct refill_note *note, int64_t now)
{
	const int64_t theirs = count_others(settings) * note->sent;
	const int64_t left = 2 * REFILL_SETTLE_MS - (now - note->last);

	if (left > REFILL_SETTLE_MS)
		return note->sent + theirs;
	return theirs * left / REFILL_SETTLE_MS * left / (2 * REFILL_SETTLE_MS);
}

/* How many messages may be there that SQS does not count yet. */
static int64_t count_late(const struct refill_settings *settings,
    struct refill_state *state, int64_t now)
{
	int64_t sent = 0, unsettled = 0, most;

	if (state->n == 0)
		return 0;
	for (size_t k = 0; k < state->n; k++) {
		const struct refill_note *note = find_note(state, k);

		sent += note->sent;
		unsettled += count_unsettled(settings, note, now);
	}
	most = find_note(state, 0)->most + sent * (1 + count_others(settings));
	return keep_within(most - state->visible, unsettled);
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

/* Only an idle producer sends for a gap that fills no batch. */
static long count_batch(
    const struct refill_settings *settings, struct refill_state *state)
{
	const int64_t missing = settings->depth - state->held;

	state->small = missing < find_least(settings->depth);
	if (missing <= 0 || (state->small && !state->idle))
		return 0;
	return (long)keep_within(
	    (missing + settings->producers - 1) / settings->producers,
	    REFILL_BATCH);
}

/* The others may have sent their share of the gap, of which nothing is counted
 * yet. */
static int64_t find_most(
    const struct refill_settings *settings, const struct refill_state *state)
{
	const int64_t missing = settings->depth - state->held;

	if (missing <= 0)
		return state->held;
	return state->held +
	       missing * count_others(settings) / settings->producers;
}

long refill_look(const struct refill_settings *settings,
    struct refill_state *state, int64_t visible, int64_t in_flight, int64_t now)
{
	state->visible = keep_within(visible, MOST);
	state->in_flight = in_flight;
	drop_settled(settings, state, now);
	state->held = state->visible + count_late(settings, state, now);
	state->most = find_most(settings, state);
	if (refill_is_stuck(settings, state))
		return 0;
	if (settings->depth > 0)
		return count_batch(settings, state);
	return state->held < settings->low_watermark ? settings->burst : 0;
}

void refill_note_sent(struct refill_state *state, int64_t now, long sent)
{
	const int64_t most = state->most;
	struct refill_note *newest = NULL;

	state->held += sent;
	state->most += sent;
	state->wait = state->small ? REFILL_CALM : 1;
	state->idle = false;
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
	    .first = now, .last = now, .sent = sent, .most = most};
}

/* What to wait, in seconds, and in state what the next time. */
static int64_t double_wait(
    const struct refill_settings *settings, struct refill_state *state)
{
	const int64_t wait =
	    keep_within(state->wait > 0 ? state->wait : 1, settings->interval);

	state->wait = 2 * wait;
	state->idle = state->wait > settings->interval;
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/step.h"

#include <stdbool.h>
#include <string.h>

#define WORDS_LOG2  4 /* at least the words that end at a sample */
#define CHAINS_LOG2 7 /* at least the chains */

/* Bytes that are looked at together.  GCC and clang make vector instructions of
 * it where the processor has them. */
#define GROUP       16
typedef uint8_t group __attribute__((vector_size(GROUP)));

enum order { LITTLE, BIG };

void step_init(struct step *s, double bits_per_byte, unsigned alpha_log2)
{
	for (unsigned w = 1; w <= STEP_WIDTH_MAX; w++)
		s->cutoffs[w] = (struct predictor_cutoffs){
		    predictor_run_cutoff(
			w * bits_per_byte, alpha_log2 + 1 + WORDS_LOG2),
		    predictor_hits_cutoff(w * bits_per_byte,
			alpha_log2 + 1 + CHAINS_LOG2,
			(PREDICTOR_WINDOW + w - 1) / w)};
	step_reset(s);
}

void step_reset(struct step *s)
{
	s->now = 0;
	s->in_window = 0;
	memset(s->chains, 0, sizeof s->chains);
	memset(s->longest, 0, sizeof s->longest);
	memset(s->bytes, 0, sizeof s->bytes);
}

/* For n bytes and up to a group more: not 0 where the words that have their
 * lowest byte there may go on, as the difference of their differences is 0 in
 * that byte. */
static void compare_lowest(
    const uint8_t *lowest, size_t n, unsigned w, uint8_t *equal)
{
	group now, before, first;

	for (size_t i = 0; i < n; i += GROUP) {
		memcpy(&now, lowest + i, GROUP);
		memcpy(&before, lowest + i - w, GROUP);
		memcpy(&first, lowest + i - w - w, GROUP);
		now = (group)(now - before == before - first);
		memcpy(equal + i, &now, GROUP);
	}
}

/* All bytes of the word that ends here, from the lowest on. */
static bool continues(const uint8_t *end, unsigned w, enum order order)
{
	int difference = 0;

	for (unsigned k = 0; k < w; k++) {
		const uint8_t *b = order == BIG ? end - k : end - (w - 1) + k;

		difference += b[0] - 2 * *(b - w) + *(b - w - w);
		if (difference % 256 != 0)
			return false;
		difference /= 256; /* the carry */
	}
	return true;
}

static enum predictor_alarm count_step(
    struct step *s, uint32_t at, unsigned w, enum order order)
{
	struct step_chain *c = &s->chains[order][w][at % w];

	c->run = c->run > 0 && c->last == at - w ? c->run + 1 : 1;
	c->last = at;
	c->hits++;
	if (c->run > s->longest[w])
		s->longest[w] = c->run;
	if (c->run < s->cutoffs[w].run && c->hits < s->cutoffs[w].hits)
		return PREDICTOR_GOOD;
	s->found = w;
	return c->run >= s->cutoffs[w].run ? PREDICTOR_RUN : PREDICTOR_HITS;
}

/* The word that ends here, if it is one of the n new bytes. */
static enum predictor_alarm test_word(
    struct step *s, const uint8_t *end, size_t n, unsigned w, enum order order)
{
	const ptrdiff_t i = end - (s->bytes + STEP_BEHIND);
	const uint32_t at = s->now + (uint32_t)i;

	if (i < 0 || i >= (ptrdiff_t)n || at + 1 < 3 * w ||
	    !continues(end, w, order))
		return PREDICTOR_GOOD;
	return count_step(s, at, w, order);
}

/* The words of one width that end in the n new bytes.  Those that may go on are
 * few: eight bytes at a time are looked at. */
static enum predictor_alarm test_width(struct step *s, size_t n, unsigned w)
{
	const uint8_t *lowest = s->bytes + STEP_BEHIND - (w - 1);
	enum predictor_alarm alarm = PREDICTOR_GOOD;
	const size_t all = w - 1 + n;
	uint8_t equal[STEP_BEHIND + STEP_PIECE];
	uint64_t some;

	compare_lowest(lowest, all, w, equal);
	memset(equal + all, 0, sizeof some);
	for (size_t i = 0; i < all && alarm == PREDICTOR_GOOD; i++) {
		memcpy(&some, equal + i, sizeof some);
		if (some == 0) {
			i += sizeof some - 1;
			continue;
		}
		if (equal[i] == 0)
			continue;
		alarm = test_word(s, lowest + i, n, w, BIG);
		if (alarm == PREDICTOR_GOOD && w > 1)
			alarm = test_word(s, lowest + i + w - 1, n, w, LITTLE);
	}
	return alarm;
}

/* The n new bytes of s->bytes. */
static enum predictor_alarm test_piece(struct step *s, size_t n)
{
	enum predictor_alarm alarm = PREDICTOR_GOOD;

	for (unsigned w = 1; w <= STEP_WIDTH_MAX && alarm == PREDICTOR_GOOD;
	     w++)
		alarm = test_width(s, n, w);
	return alarm;
}

static void begin_chains(struct step *s)
{
	s->in_window = 0;
	for (unsigned w = 0; w <= STEP_WIDTH_MAX; w++)
		for (unsigned i = 0; i < STEP_WIDTH_MAX; i++) {
			s->chains[LITTLE][w][i].hits = 0;
			s->chains[BIG][w][i].hits = 0;
		}
}

enum predictor_alarm step_feed(struct step *s, const uint8_t *data, size_t len)
{
	enum predictor_alarm alarm = PREDICTOR_GOOD;

	for (size_t i = 0, n; i < len && alarm == PREDICTOR_GOOD; i += n) {
		if (s->in_window == PREDICTOR_WINDOW)
			begin_chains(s);
		/* No piece has a part of two windows. */
		n = PREDICTOR_WINDOW - s->in_window;
		n = n < STEP_PIECE ? n : STEP_PIECE;
		n = n < len - i ? n : len - i;
		memcpy(s->bytes + STEP_BEHIND, data + i, n);
		alarm = test_piece(s, n);
		memmove(s->bytes, s->bytes + n, STEP_BEHIND);
		/* What was sent is not kept longer than it is needed. */
		memset(s->bytes + STEP_BEHIND, 0, n);
		s->now += (uint32_t)n;
		s->in_window += (unsigned)n;
	}
	return alarm;
}

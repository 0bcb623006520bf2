/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "producer/offline/step.h"

#define LEN 4096

static struct step step, other;
static uint8_t data[LEN];

static uint64_t random_state;

static uint32_t draw(void)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(random_state >> 32);
}

static void fill_below(unsigned values)
{
	for (size_t i = 0; i < LEN; i++)
		data[i] = (uint8_t)(draw() % values);
}

static uint64_t read_word(size_t at, unsigned w, bool big)
{
	uint64_t word = 0;

	for (unsigned k = 0; k < w; k++)
		word = word << 8 | data[at + (big ? k : w - 1 - k)];
	return word;
}

static void write_word(size_t at, unsigned w, bool big, uint64_t word)
{
	for (unsigned k = 0; k < w; k++)
		data[at + k] = (uint8_t)(word >> 8 * (big ? w - 1 - k : k));
}

static void cutoffs_are_those_of_the_header(void **state)
{
	(void)state;
	step_init(&step, 1, 32);
	for (unsigned w = 1; w <= STEP_WIDTH_MAX; w++) {
		const unsigned n = (PREDICTOR_WINDOW + w - 1) / w;

		assert_int_equal(step.cutoffs[w].run, (37 + w - 1) / w);
		assert_int_equal(
		    step.cutoffs[w].hits, predictor_hits_cutoff(w, 40, n));
	}
	assert_int_equal(step.cutoffs[1].hits, 336);
	assert_int_equal(step.cutoffs[8].hits, 10);
}

/*
 * Words that count from the first on: the third is the first hit.  A chain of
 * another alignment has as many hits a little earlier when the byte before the
 * first word happens to count too.
 */
static void check_run(unsigned w, bool big, unsigned skip, uint64_t by)
{
	size_t last, end = 0;

	step_init(&step, 4, 32);
	fill_below(256);
	last = skip + w * (1 + step.cutoffs[w].run);
	for (size_t at = skip + w; at <= last; at += w)
		write_word(at, w, big, read_word(at - w, w, big) + by);
	while (step_feed(&step, data + end, 1) == PREDICTOR_GOOD)
		end++;
	assert_in_range(end, last, last + w - 1);
	assert_int_equal(step.found, w);
}

static void a_run_of_each_kind_fails_at_its_cutoff(void **state)
{
	(void)state;
	random_state = 1;
	for (unsigned w = 1; w <= STEP_WIDTH_MAX; w++)
		for (unsigned skip = 0; skip < 40; skip += 3)
			for (int turn = 0; turn < 8; turn++)
				check_run(w, turn % 2 == 0, skip,
				    (uint64_t)draw() << 32 | draw());
}

static bool continues_plainly(size_t at, unsigned w, bool big)
{
	const uint64_t mask = UINT64_MAX >> (64 - 8 * w);
	const uint64_t third = read_word(at, w, big);
	const uint64_t second = read_word(at - w, w, big);
	const uint64_t first = read_word(at - 2 * w, w, big);

	return ((third - second) & mask) == ((second - first) & mask);
}

/* Of the words of one kind in the window that ends with the data. */
static unsigned count_plainly(unsigned w, bool big, size_t alignment)
{
	unsigned hits = 0;

	for (size_t end = LEN - PREDICTOR_WINDOW; end < LEN; end++)
		if (end % w == alignment)
			hits += continues_plainly(end - (w - 1), w, big);
	return hits;
}

static void every_hit_is_counted_once(void **state)
{
	static const unsigned values[] = {1, 2, 4, 17, 256};

	(void)state;
	for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
		random_state = k;
		fill_below(values[k]);
		step_init(&step, 1, 32);
		for (unsigned w = 1; w <= STEP_WIDTH_MAX; w++)
			step.cutoffs[w] =
			    (struct predictor_cutoffs){UINT_MAX, UINT_MAX};
		assert_int_equal(step_feed(&step, data, LEN), PREDICTOR_GOOD);
		for (unsigned w = 1; w <= STEP_WIDTH_MAX; w++)
			for (unsigned i = 0; i < w; i++) {
				assert_int_equal(step.chains[1][w][i].hits,
				    count_plainly(w, true, i));
				if (w > 1)
					assert_int_equal(
					    step.chains[0][w][i].hits,
					    count_plainly(w, false, i));
			}
	}
}

static void hits_fail_at_their_cutoff(void **state)
{
	(void)state;
	for (unsigned w = 1; w <= STEP_WIDTH_MAX; w++) {
		size_t fails = 0;

		step_init(&step, 1, 32);
		step.cutoffs[w].run = UINT_MAX;
		/* A counter of this width; all other kinds may hit too. */
		for (unsigned i = 1; i <= STEP_WIDTH_MAX; i++)
			if (i != w)
				step.cutoffs[i] = (struct predictor_cutoffs){
				    UINT_MAX, UINT_MAX};
		for (size_t at = 0; at + w <= LEN; at += w)
			write_word(at, w, true, at * 0x9e3779b97f4a7c15);
		while (step_feed(&step, data + fails, 1) == PREDICTOR_GOOD)
			fails++;
		/* The first two words are no predictions. */
		assert_int_equal(fails + 1, w * (step.cutoffs[w].hits + 2));
	}
}

static void state_is_kept_across_messages(void **state)
{
	static const size_t lengths[] = {1, 2, 7, 15, 16, 17, 511, 513};

	(void)state;
	memset(&step, 0, sizeof step);
	memset(&other, 0, sizeof other);
	random_state = 3;
	fill_below(4);
	step_init(&step, 0.7, 32);
	assert_int_equal(step_feed(&step, data, LEN), PREDICTOR_GOOD);
	for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
		step_init(&other, 0.7, 32);
		for (size_t i = 0, n; i < LEN; i += n) {
			n = LEN - i < lengths[k] ? LEN - i : lengths[k];
			assert_int_equal(
			    step_feed(&other, data + i, n), PREDICTOR_GOOD);
		}
		assert_memory_equal(
		    other.chains, step.chains, sizeof step.chains);
		assert_int_equal(other.now, step.now);
		assert_int_equal(other.in_window, step.in_window);
		assert_memory_equal(other.bytes, step.bytes, STEP_BEHIND);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cutoffs_are_those_of_the_header),
	    cmocka_unit_test(a_run_of_each_kind_fails_at_its_cutoff),
	    cmocka_unit_test(every_hit_is_counted_once),
	    cmocka_unit_test(hits_fail_at_their_cutoff),
	    cmocka_unit_test(state_is_kept_across_messages),
	};

	return cmocka_run_group_tests_name("producer step", tests, NULL, NULL);
}

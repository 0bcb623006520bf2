/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <string.h>

#include "producer/offline/lag.h"

#define LEN 8192

/* Too large for a stack. */
static struct lag lag, other;
static uint8_t data[LEN];

static uint32_t random_state;

static uint32_t draw(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 16;
}

static void fill_below(unsigned values, size_t len)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(draw() % values);
}

static void cutoffs_are_those_of_the_header(void **state)
{
	static const struct {
		double bits;
		unsigned run, hits;
	} cases[] = {{0.1, 420, 511}, {1, 42, 338}, {4, 11, 79}, {8, 6, 20}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		lag_init(&lag, cases[i].bits, 31);
		assert_int_equal(lag.cutoffs.run, cases[i].run);
		assert_int_equal(lag.cutoffs.hits, cases[i].hits);
	}
}

/* Samples that equal those p before, after as many random ones. */
static void check_run(double bits, unsigned p)
{
	size_t end;

	lag_init(&lag, bits, 31);
	lag.cutoffs.hits = UINT_MAX;
	end = p + lag.cutoffs.run;
	random_state = p;
	fill_below(256, p);
	for (size_t i = p; i < end; i++)
		data[i] = data[i - p];
	assert_int_equal(lag_feed(&lag, data, end - 1), PREDICTOR_GOOD);
	assert_int_equal(lag_feed(&lag, data + end - 1, 1), PREDICTOR_RUN);
	assert_int_equal(lag.found, p);
}

static void a_run_of_each_lag_fails_at_its_cutoff(void **state)
{
	(void)state;
	for (unsigned p = 1; p <= LAG_MAX; p++) {
		check_run(8, p);
		check_run(1, p);
		check_run(0.5, p);
	}
}

/* The first window after the samples that are looked back to. */
static void hits_fail_at_their_cutoff(void **state)
{
	(void)state;
	for (unsigned p = 2; p <= LAG_MAX; p *= 2) {
		lag_init(&lag, 4, 31);
		/* In 512 samples 85 of equal values, never two in a row. */
		memset(data, 0, sizeof data);
		random_state = p;
		fill_below(256, LEN);
		for (size_t i = LAG_MAX; i < LAG_MAX + PREDICTOR_WINDOW; i++)
			if (i % 6 == 0)
				data[i] = data[i - p];
		lag.cutoffs.hits = 1000;
		assert_int_equal(
		    lag_feed(&lag, data, LAG_MAX + PREDICTOR_WINDOW - 1),
		    PREDICTOR_GOOD);
		lag.cutoffs.hits = lag.hits[p];
		assert_true(lag.hits[p] >= 85);
		assert_int_equal(lag_feed(&lag, data, 0), PREDICTOR_HITS);
		assert_int_equal(lag.found, p);
		lag.cutoffs.hits++;
		assert_int_equal(lag_feed(&lag, data, 0), PREDICTOR_GOOD);
	}
}

/* Hits of the window that sample `end` is the last of, counted plainly. */
static unsigned count_plainly(size_t end, unsigned p)
{
	unsigned hits = 0;

	for (size_t i = end / PREDICTOR_WINDOW * PREDICTOR_WINDOW; i <= end;
	     i++)
		hits += i >= p && data[i] == data[i - p];
	return hits;
}

/* However many values there are: those that come often take another way than
 * the few that LAG_LATEST holds. */
static void every_hit_is_counted_once(void **state)
{
	static const unsigned values[] = {1, 2, 3, 7, 16, 100, 128, 200, 256};

	(void)state;
	for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
		random_state = values[k];
		fill_below(values[k], LEN);
		lag_init(&lag, 1, 31);
		lag.cutoffs = (struct predictor_cutoffs){UINT_MAX, 60000};
		for (size_t end = 0; end < 4096; end++) {
			assert_int_equal(
			    lag_feed(&lag, data + end, 1), PREDICTOR_GOOD);
			if (end % 613 != 0 && end % 512 != 511)
				continue;
			for (unsigned p = 1; p <= LAG_MAX; p++)
				assert_int_equal(
				    lag.hits[p], count_plainly(end, p));
		}
	}
}

static size_t find_plainly(unsigned cutoff, size_t len)
{
	static unsigned runs[LAG_MAX + 1];

	memset(runs, 0, sizeof runs);
	for (size_t i = 0; i < len; i++)
		for (unsigned p = 1; p <= LAG_MAX && p <= i; p++) {
			runs[p] = data[i] == data[i - p] ? runs[p] + 1 : 0;
			if (runs[p] >= cutoff)
				return i + 1;
		}
	return SIZE_MAX;
}

/* Runs shorter and longer than a gram; of few values they come by chance. */
static void the_first_run_is_found_where_a_plain_loop_finds_it(void **state)
{
	static const struct {
		unsigned values, cutoff;
	} cases[] = {{2, 1}, {2, 2}, {2, 7}, {2, 8}, {2, 9}, {2, 15}, {2, 20},
	    {3, 12}, {16, 4}, {16, 5}, {256, 2}, {256, 3}};

	(void)state;
	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
		for (uint32_t turn = 0; turn < 6; turn++) {
			size_t at = 0;

			random_state = turn;
			fill_below(cases[k].values, LEN);
			lag_init(&lag, 1, 31);
			lag.cutoffs =
			    (struct predictor_cutoffs){cases[k].cutoff, 60000};
			lag_reset(&lag);
			while (at < LEN &&
			       lag_feed(&lag, data + at, 1) == PREDICTOR_GOOD)
				at++;
			assert_int_equal(at < LEN ? at + 1 : SIZE_MAX,
			    find_plainly(cases[k].cutoff, LEN));
		}
}

static void nothing_is_looked_at_beyond_the_longest_lag(void **state)
{
	(void)state;
	for (unsigned p = LAG_MAX + 1; p < LAG_MAX + 20; p++) {
		random_state = p;
		fill_below(256, p);
		for (size_t i = p; i < LEN; i++)
			data[i] = data[i - p];
		lag_init(&lag, 8, 31);
		assert_int_equal(lag_feed(&lag, data, LEN), PREDICTOR_GOOD);
	}
}

/* The same samples, however they are cut into calls, end the same. */
static void state_is_kept_across_messages(void **state)
{
	static const size_t lengths[] = {1, 2, 7, 511, 512, 513, 4096};

	(void)state;
	memset(&lag, 0, sizeof lag);
	memset(&other, 0, sizeof other);
	random_state = 1;
	fill_below(3, LEN);
	lag_init(&lag, 0.5, 31);
	assert_int_equal(lag_feed(&lag, data, LEN), PREDICTOR_GOOD);
	for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
		lag_init(&other, 0.5, 31);
		for (size_t i = 0, n; i < LEN; i += n) {
			n = LEN - i < lengths[k] ? LEN - i : lengths[k];
			assert_int_equal(
			    lag_feed(&other, data + i, n), PREDICTOR_GOOD);
		}
		assert_memory_equal(&other, &lag, sizeof lag);
	}
}

/* A source that runs for a long time: the numbers of samples wrap. */
static void numbers_that_wrap_change_nothing(void **state)
{
	(void)state;
	for (uint32_t before = 0; before < 3000; before += 613) {
		lag_init(&lag, 8, 31);
		lag.now = 0 - before;
		for (unsigned i = 0; i < 256; i++)
			for (unsigned k = 0; k < LAG_LATEST; k++)
				lag.latest[i][k] = lag.now - LAG_MAX - 1;
		for (unsigned i = 0; i < LAG_BUCKETS; i++)
			lag.buckets[i] = lag.now - LAG_MAX - 1;
		random_state = before;
		fill_below(256, LEN);
		memcpy(data + 3100, data + 3000, 6);
		assert_int_equal(lag_feed(&lag, data, 3105), PREDICTOR_GOOD);
		assert_int_equal(lag_feed(&lag, data + 3105, 1), PREDICTOR_RUN);
		assert_int_equal(lag.found, 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cutoffs_are_those_of_the_header),
	    cmocka_unit_test(a_run_of_each_lag_fails_at_its_cutoff),
	    cmocka_unit_test(hits_fail_at_their_cutoff),
	    cmocka_unit_test(every_hit_is_counted_once),
	    cmocka_unit_test(
		the_first_run_is_found_where_a_plain_loop_finds_it),
	    cmocka_unit_test(nothing_is_looked_at_beyond_the_longest_lag),
	    cmocka_unit_test(state_is_kept_across_messages),
	    cmocka_unit_test(numbers_that_wrap_change_nothing),
	};

	return cmocka_run_group_tests_name("producer lag", tests, NULL, NULL);
}

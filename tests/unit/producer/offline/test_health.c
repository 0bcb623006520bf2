/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "producer/offline/health.h"

static void cutoffs_are_those_of_the_facts(void **state)
{
	static const struct {
		double bits;
		unsigned rct[3], apt[3];
	} table[] = {
	    {1, {21, 31, 41}, {311, 325, 337}},
	    {4, {6, 9, 11}, {63, 71, 79}},
	    {6, {5, 6, 8}, {26, 32, 36}},
	    {7, {4, 6, 7}, {18, 23, 27}},
	    {8, {4, 5, 6}, {14, 17, 20}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		for (unsigned k = 0; k < 3; k++) {
			assert_int_equal(
			    health_rct_cutoff(table[i].bits, 20 + 10 * k),
			    table[i].rct[k]);
			assert_int_equal(health_apt_cutoff(table[i].bits,
					     20 + 10 * k, PREDICTOR_WINDOW),
			    table[i].apt[k]);
		}
}

/* Decimal fractions are no binary ones: 30 / 0.003 is more than 10000. */
static void rounding_moves_no_cutoff(void **state)
{
	(void)state;
	assert_int_equal(health_rct_cutoff(0.003, 30), 10001);
	assert_int_equal(health_rct_cutoff(0.009, 9), 1001);
	assert_int_equal(health_rct_cutoff(0.3, 30), 101);
	assert_int_equal(health_rct_cutoff(0.7, 30), 44);
	/* P(20 of 20) is 2^-20: not more than alpha. */
	assert_int_equal(health_apt_cutoff(1, 20, 21), 21);
	assert_int_equal(health_apt_cutoff(1, 40, 41), 41);
}

static void nonsense_is_no_undefined_behaviour(void **state)
{
	(void)state;
	assert_int_equal(health_rct_cutoff(0, 30), UINT32_MAX);
	assert_int_equal(health_rct_cutoff(NAN, 30), UINT32_MAX);
	assert_int_equal(health_rct_cutoff(1e-300, 30), UINT32_MAX);
	assert_int_equal(health_apt_cutoff(0, 30, 512), 512);
	assert_int_equal(health_apt_cutoff(NAN, 30, 512), 512);
	assert_int_equal(health_apt_cutoff(1e-300, 30, 512), 512);
	assert_int_equal(health_apt_cutoff(0.01, 30, 512), 512);
	assert_int_equal(health_apt_cutoff(300, 30, 512), 2);
}

static void a_stuck_byte_is_found_at_the_cutoff(void **state)
{
	static const double bits[] = {0.1, 0.5, 1, 2, 4, 7.9, 8};
	uint8_t stuck[4096];

	(void)state;
	for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
		const unsigned value = (unsigned)i * 37;
		struct health h;

		memset(stuck, (int)value, sizeof stuck);
		health_init(&h, bits[i]);
		assert_int_equal(
		    health_feed(&h, stuck, h.rct_cutoff - 1), HEALTH_GOOD);
		assert_int_equal(health_feed(&h, stuck, 1), HEALTH_REPETITION);
		assert_int_equal(h.value, value);
	}
}

/* Zero is the first value of a fresh state too: it must not count twice. */
static void the_first_sample_counts_once(void **state)
{
	const uint8_t zeros[5] = {0};
	struct health h;

	(void)state;
	health_init(&h, 8);
	assert_int_equal(h.rct_cutoff, 5);
	assert_int_equal(health_feed(&h, zeros, 4), HEALTH_GOOD);
	assert_int_equal(health_feed(&h, zeros, 1), HEALTH_REPETITION);
	assert_int_equal(health_feed(&h, zeros, 4), HEALTH_GOOD);
	assert_int_equal(health_feed(&h, zeros, 1), HEALTH_REPETITION);
}

static void a_run_that_is_broken_counts_anew(void **state)
{
	const uint8_t data[] = {7, 7, 7, 7, 9, 7, 7, 7, 7, 9, 9, 9, 9, 7};
	uint8_t again[64] = {7};
	struct health h;

	(void)state;
	health_init(&h, 8);
	assert_int_equal(health_feed(&h, data, sizeof data), HEALTH_GOOD);
	assert_int_equal(health_feed(&h, data, 4), HEALTH_REPETITION);
	assert_int_equal(h.value, 7);
	health_init(&h, 8);
	memset(again + 1, 8, sizeof again - 1);
	assert_int_equal(
	    health_feed(&h, again, sizeof again), HEALTH_REPETITION);
	assert_int_equal(h.value, 8);
}

/*
 * matches samples of the reference, never two in a row, in the window that
 * starts at skip samples; the others differ from each other.
 */
static enum health_verdict feed_window(struct health *h, unsigned matches)
{
	uint8_t data[PREDICTOR_WINDOW];

	for (unsigned i = 0; i < PREDICTOR_WINDOW; i++)
		data[i] = (uint8_t)(1 + i % 255);
	for (unsigned i = 0; i < PREDICTOR_WINDOW; i++)
		if (i % 2 == 0 && i / 2 < matches)
			data[i] = 0;
	return health_feed(h, data, sizeof data);
}

static void a_window_fails_at_its_cutoff(void **state)
{
	struct health h;

	(void)state;
	health_init(&h, 4);
	assert_int_equal(h.apt_cutoff, 71);
	/* Windows do not add up: each begins with its own reference. */
	for (int i = 0; i < 10; i++)
		assert_int_equal(feed_window(&h, 70), HEALTH_GOOD);
	assert_int_equal(feed_window(&h, 71), HEALTH_PROPORTION);
	assert_int_equal(h.value, 0);
}

/* Ones are three times as frequent as zeros, in each bit. */
static void fill_biased(uint8_t *data, size_t len)
{
	uint32_t x = 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = (uint8_t)(x >> 24 | x >> 16);
	}
}

/* The same samples, however they are cut into calls, end the same. */
static void state_is_kept_across_messages(void **state)
{
	static const size_t lengths[] = {1, 2, 7, 511, 512, 513, 4096};
	uint8_t data[65536 + 77];
	struct health whole, parts;

	(void)state;
	fill_biased(data, sizeof data);
	health_init(&whole, 0.7);
	assert_int_equal(health_feed(&whole, data, sizeof data), HEALTH_GOOD);
	for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
		health_init(&parts, 0.7);
		for (size_t i = 0, n; i < sizeof data; i += n) {
			n = sizeof data - i;
			n = n < lengths[k] ? n : lengths[k];
			assert_int_equal(
			    health_feed(&parts, data + i, n), HEALTH_GOOD);
			health_passed(&parts);
		}
		assert_int_equal(parts.run, whole.run);
		assert_int_equal(parts.last, whole.last);
		assert_int_equal(parts.in_window, whole.in_window);
		assert_int_equal(parts.matches, whole.matches);
		assert_int_equal(parts.reference, whole.reference);
	}
}

static void a_run_over_the_edge_of_a_message_is_seen(void **state)
{
	const uint8_t first[] = {1, 2, 3, 5, 5, 5}, second[] = {5, 5, 1};
	struct health h;

	(void)state;
	health_init(&h, 8);
	assert_int_equal(health_feed(&h, first, sizeof first), HEALTH_GOOD);
	health_passed(&h);
	assert_int_equal(health_feed(&h, NULL, 0), HEALTH_GOOD);
	assert_int_equal(
	    health_feed(&h, second, sizeof second), HEALTH_REPETITION);
}

/* Good samples, one after the other different. */
static void feed_good(struct health *h, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t x = (uint8_t)(i * 7);

		assert_int_equal(health_feed(h, &x, 1), HEALTH_GOOD);
	}
}

static void feed_bad(struct health *h)
{
	const uint8_t stuck[512] = {0};

	assert_int_equal(
	    health_feed(h, stuck, sizeof stuck), HEALTH_REPETITION);
}

static void a_failure_begins_the_start_up_anew(void **state)
{
	struct health h;

	(void)state;
	health_init(&h, 1);
	assert_int_equal(h.startup, HEALTH_STARTUP);
	feed_good(&h, 1000);
	assert_int_equal(h.startup, 24);
	feed_bad(&h);
	assert_int_equal(h.startup, HEALTH_STARTUP);
	feed_good(&h, HEALTH_STARTUP);
	assert_int_equal(h.startup, 0);
	feed_good(&h, 512);
	assert_int_equal(h.startup, 0);
	feed_bad(&h);
	assert_int_equal(h.startup, HEALTH_STARTUP);
}

/* What came before the failure is forgotten, half a run and window too. */
static void a_failure_forgets(void **state)
{
	struct health h;
	uint8_t data[64];

	(void)state;
	health_init(&h, 8);
	memset(data, 1, sizeof data);
	data[sizeof data - 1] = 9;
	assert_int_equal(health_feed(&h, data, sizeof data), HEALTH_REPETITION);
	assert_false(h.begun);
	assert_int_equal(h.run, 0);
	assert_int_equal(h.in_window, 0);
	assert_int_equal(h.matches, 0);
	assert_int_equal(health_feed(&h, data, 4), HEALTH_GOOD);
}

static void three_failures_in_a_row_are_the_end(void **state)
{
	struct health h;

	(void)state;
	health_init(&h, 1);
	for (int i = 0; i < HEALTH_FAILURES; i++) {
		assert_false(health_is_dead(&h));
		/* A start-up test alone is not a message. */
		feed_good(&h, HEALTH_STARTUP);
		feed_bad(&h);
	}
	assert_true(health_is_dead(&h));
}

static void a_good_message_between_clears_the_count(void **state)
{
	struct health h;

	(void)state;
	health_init(&h, 1);
	for (int i = 0; i < 10; i++) {
		feed_bad(&h);
		feed_bad(&h);
		assert_false(health_is_dead(&h));
		feed_good(&h, HEALTH_STARTUP + 512);
		health_passed(&h);
	}
	feed_bad(&h);
	feed_bad(&h);
	feed_bad(&h);
	assert_true(health_is_dead(&h));
}

static void the_dead_stay_dead(void **state)
{
	const uint8_t good[4] = {1, 2, 3, 4};
	struct health h;

	(void)state;
	health_init(&h, 1);
	for (int i = 0; i < HEALTH_FAILURES; i++)
		feed_bad(&h);
	health_passed(&h);
	assert_true(health_is_dead(&h));
	for (int i = 0; i < 2000; i++)
		assert_int_equal(health_feed(&h, good, 4), HEALTH_REPETITION);
	assert_int_equal(health_feed(&h, good, 0), HEALTH_REPETITION);
	assert_int_equal(h.startup, HEALTH_STARTUP);
	assert_true(health_is_dead(&h));
}

static void failures_are_explained(void **state)
{
	char text[128], small[8];
	struct health h;

	(void)state;
	health_init(&h, 1);
	health_explain(&h, text, sizeof text);
	assert_string_equal(text, "no test has failed");
	feed_bad(&h);
	health_explain(&h, text, sizeof text);
	assert_string_equal(text, "repetition count test: byte 0x00 came 31 "
				  "times in a row (cutoff 31)");
	health_init(&h, 4);
	assert_int_equal(feed_window(&h, 200), HEALTH_PROPORTION);
	health_explain(&h, text, sizeof text);
	assert_string_equal(text, "adaptive proportion test: byte 0x00 came 71 "
				  "times in 512 (cutoff 71)");
	health_explain(&h, small, sizeof small);
	assert_string_equal(small, "adaptiv");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cutoffs_are_those_of_the_facts),
	    cmocka_unit_test(rounding_moves_no_cutoff),
	    cmocka_unit_test(nonsense_is_no_undefined_behaviour),
	    cmocka_unit_test(a_stuck_byte_is_found_at_the_cutoff),
	    cmocka_unit_test(the_first_sample_counts_once),
	    cmocka_unit_test(a_run_that_is_broken_counts_anew),
	    cmocka_unit_test(a_window_fails_at_its_cutoff),
	    cmocka_unit_test(state_is_kept_across_messages),
	    cmocka_unit_test(a_run_over_the_edge_of_a_message_is_seen),
	    cmocka_unit_test(a_failure_begins_the_start_up_anew),
	    cmocka_unit_test(a_failure_forgets),
	    cmocka_unit_test(three_failures_in_a_row_are_the_end),
	    cmocka_unit_test(a_good_message_between_clears_the_count),
	    cmocka_unit_test(the_dead_stay_dead),
	    cmocka_unit_test(failures_are_explained),
	};

	return cmocka_run_group_tests_name(
	    "producer health", tests, NULL, NULL);
}

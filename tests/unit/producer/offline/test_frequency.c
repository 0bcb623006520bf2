/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "producer/offline/frequency.h"

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
			    frequency_rct_cutoff(table[i].bits, 20 + 10 * k),
			    table[i].rct[k]);
			assert_int_equal(frequency_apt_cutoff(table[i].bits,
					     20 + 10 * k, PREDICTOR_WINDOW),
			    table[i].apt[k]);
		}
}

/* Decimal fractions are no binary ones: 30 / 0.003 is more than 10000. */
static void rounding_moves_no_cutoff(void **state)
{
	(void)state;
	assert_int_equal(frequency_rct_cutoff(0.003, 30), 10001);
	assert_int_equal(frequency_rct_cutoff(0.009, 9), 1001);
	assert_int_equal(frequency_rct_cutoff(0.3, 30), 101);
	assert_int_equal(frequency_rct_cutoff(0.7, 30), 44);
	/* P(20 of 20) is 2^-20: not more than alpha. */
	assert_int_equal(frequency_apt_cutoff(1, 20, 21), 21);
	assert_int_equal(frequency_apt_cutoff(1, 40, 41), 41);
}

static void nonsense_is_no_undefined_behaviour(void **state)
{
	(void)state;
	assert_int_equal(frequency_rct_cutoff(0, 30), UINT32_MAX);
	assert_int_equal(frequency_rct_cutoff(NAN, 30), UINT32_MAX);
	assert_int_equal(frequency_rct_cutoff(1e-300, 30), UINT32_MAX);
	assert_int_equal(frequency_apt_cutoff(0, 30, 512), 512);
	assert_int_equal(frequency_apt_cutoff(NAN, 30, 512), 512);
	assert_int_equal(frequency_apt_cutoff(1e-300, 30, 512), 512);
	assert_int_equal(frequency_apt_cutoff(0.01, 30, 512), 512);
	assert_int_equal(frequency_apt_cutoff(300, 30, 512), 2);
}

static void a_stuck_byte_is_found_at_the_cutoff(void **state)
{
	static const double bits[] = {0.1, 0.5, 1, 2, 4, 7.9, 8};
	uint8_t stuck[4096];

	(void)state;
	for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
		const unsigned value = (unsigned)i * 37;
		struct frequency h;

		memset(stuck, (int)value, sizeof stuck);
		frequency_init(&h, bits[i], 30);
		assert_int_equal(frequency_feed(&h, stuck, h.rct_cutoff - 1),
		    PREDICTOR_GOOD);
		assert_int_equal(frequency_feed(&h, stuck, 1), PREDICTOR_RUN);
		assert_int_equal(h.last, value);
	}
}

/* Zero is the first value of a fresh state too: it must not count twice. */
static void the_first_sample_counts_once(void **state)
{
	const uint8_t zeros[5] = {0};
	struct frequency h;

	(void)state;
	frequency_init(&h, 8, 30);
	assert_int_equal(h.rct_cutoff, 5);
	assert_int_equal(frequency_feed(&h, zeros, 4), PREDICTOR_GOOD);
	assert_int_equal(frequency_feed(&h, zeros, 1), PREDICTOR_RUN);
	frequency_reset(&h);
	assert_int_equal(frequency_feed(&h, zeros, 4), PREDICTOR_GOOD);
	assert_int_equal(frequency_feed(&h, zeros, 1), PREDICTOR_RUN);
}

static void a_run_that_is_broken_counts_anew(void **state)
{
	const uint8_t data[] = {7, 7, 7, 7, 9, 7, 7, 7, 7, 9, 9, 9, 9, 7};
	uint8_t again[64] = {7};
	struct frequency h;

	(void)state;
	frequency_init(&h, 8, 30);
	assert_int_equal(frequency_feed(&h, data, sizeof data), PREDICTOR_GOOD);
	assert_int_equal(frequency_feed(&h, data, 4), PREDICTOR_RUN);
	assert_int_equal(h.last, 7);
	frequency_init(&h, 8, 30);
	memset(again + 1, 8, sizeof again - 1);
	assert_int_equal(
	    frequency_feed(&h, again, sizeof again), PREDICTOR_RUN);
	assert_int_equal(h.last, 8);
}

/*
 * matches samples of the reference, never two in a row, in the window that
 * starts at skip samples; the others differ from each other.
 */
static enum predictor_alarm feed_window(struct frequency *h, unsigned matches)
{
	uint8_t data[PREDICTOR_WINDOW];

	for (unsigned i = 0; i < PREDICTOR_WINDOW; i++)
		data[i] = (uint8_t)(1 + i % 255);
	for (unsigned i = 0; i < PREDICTOR_WINDOW; i++)
		if (i % 2 == 0 && i / 2 < matches)
			data[i] = 0;
	return frequency_feed(h, data, sizeof data);
}

static void a_window_fails_at_its_cutoff(void **state)
{
	struct frequency h;

	(void)state;
	frequency_init(&h, 4, 30);
	assert_int_equal(h.apt_cutoff, 71);
	/* Windows do not add up: each begins with its own reference. */
	for (int i = 0; i < 10; i++)
		assert_int_equal(feed_window(&h, 70), PREDICTOR_GOOD);
	assert_int_equal(feed_window(&h, 71), PREDICTOR_HITS);
	assert_int_equal(h.last, 0);
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
	struct frequency whole, parts;

	(void)state;
	fill_biased(data, sizeof data);
	frequency_init(&whole, 0.7, 30);
	assert_int_equal(
	    frequency_feed(&whole, data, sizeof data), PREDICTOR_GOOD);
	for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
		frequency_init(&parts, 0.7, 30);
		for (size_t i = 0, n; i < sizeof data; i += n) {
			n = sizeof data - i;
			n = n < lengths[k] ? n : lengths[k];
			assert_int_equal(frequency_feed(&parts, data + i, n),
			    PREDICTOR_GOOD);
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
	struct frequency h;

	(void)state;
	frequency_init(&h, 8, 30);
	assert_int_equal(
	    frequency_feed(&h, first, sizeof first), PREDICTOR_GOOD);
	assert_int_equal(frequency_feed(&h, NULL, 0), PREDICTOR_GOOD);
	assert_int_equal(
	    frequency_feed(&h, second, sizeof second), PREDICTOR_RUN);
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
	};

	return cmocka_run_group_tests_name(
	    "producer frequency", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "producer/offline/health.h"

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
	assert_false(h.frequency.begun);
	assert_int_equal(h.frequency.run, 0);
	assert_int_equal(h.frequency.in_window, 0);
	assert_int_equal(h.frequency.matches, 0);
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

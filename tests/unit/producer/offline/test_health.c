/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a failure of a source leads to, whichever test found it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "producer/offline/health.h"

#define BLOCK 512 /* bytes of a message, unless a test says another length */
#define LONG  40960

/* Too large for a stack. */
static struct health health;
static uint8_t data[LONG];

static const double claims[] = {0.1, 1, 8};
#define CLAIMS (sizeof claims / sizeof *claims)

static uint64_t random_state = 1;

/* A 64-bit congruential generator's high bytes, in an order of their own. */
static uint64_t draw(void)
{
	uint64_t x = 0;

	for (int i = 0; i < 2; i++) {
		random_state =
		    random_state * 6364136223846793005 + 1442695040888963407;
		x = x << 32 | random_state >> 32;
	}
	return x;
}

static void fill_random(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)draw();
}

static void feed_good(struct health *h, size_t n)
{
	fill_random(data, n);
	assert_int_equal(health_feed(h, data, n), HEALTH_GOOD);
}

static void feed_bad(struct health *h)
{
	const uint8_t stuck[BLOCK] = {0};

	assert_int_equal(
	    health_feed(h, stuck, sizeof stuck), HEALTH_REPETITION);
}

static void good_bytes_pass(void **state)
{
	(void)state;
	for (size_t k = 0; k < CLAIMS; k++) {
		health_init(&health, claims[k], BLOCK);
		feed_good(&health, sizeof data);
		assert_int_equal(health.startup, 0);
	}
}

static void the_start_up_test_has_whole_blocks(void **state)
{
	static const struct {
		size_t block, startup;
	} cases[] = {{32, 2048}, {100, 2100}, {512, 2048}, {1000, 3000},
	    {2048, 4096}, {16384, 32768}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		health_init(&health, 1, cases[i].block);
		assert_int_equal(health.startup, cases[i].startup);
	}
}

static void a_failure_begins_the_start_up_anew(void **state)
{
	struct health *h = &health;

	(void)state;
	health_init(h, 1, BLOCK);
	assert_int_equal(h->startup, HEALTH_STARTUP);
	feed_good(h, HEALTH_STARTUP - 24);
	assert_int_equal(h->startup, 24);
	feed_bad(h);
	assert_int_equal(h->startup, HEALTH_STARTUP);
	feed_good(h, HEALTH_STARTUP);
	assert_int_equal(h->startup, 0);
	feed_good(h, BLOCK);
	assert_int_equal(h->startup, 0);
	feed_bad(h);
	assert_int_equal(h->startup, HEALTH_STARTUP);
}

/* No test may fail for what came before a failure: each is as at the start. */
static void a_failure_forgets(void **state)
{
	static struct health fresh;

	(void)state;
	memset(&fresh, 0, sizeof fresh);
	memset(&health, 0, sizeof health);
	health_init(&fresh, 8, BLOCK);
	health_init(&health, 8, BLOCK);
	fill_random(data, 1000);
	data[996] = data[997] = data[998] = data[999] = data[995];
	assert_int_equal(health_feed(&health, data, 1000), HEALTH_REPETITION);
	assert_memory_equal(&health.lag, &fresh.lag, sizeof fresh.lag);
	assert_memory_equal(&health.step, &fresh.step, sizeof fresh.step);
	assert_memory_equal(&health.copy, &fresh.copy, sizeof fresh.copy);
	assert_false(health.frequency.begun);
	assert_int_equal(health.frequency.run, 0);
	assert_int_equal(health.frequency.in_window, 0);
	assert_int_equal(health.frequency.matches, 0);
}

static void three_failures_in_a_row_are_the_end(void **state)
{
	struct health *h = &health;

	(void)state;
	health_init(h, 1, BLOCK);
	for (int i = 0; i < HEALTH_FAILURES; i++) {
		assert_false(health_is_dead(h));
		/* A start-up test alone is not a message. */
		feed_good(h, HEALTH_STARTUP);
		feed_bad(h);
	}
	assert_true(health_is_dead(h));
}

static void a_good_message_between_clears_the_count(void **state)
{
	struct health *h = &health;

	(void)state;
	health_init(h, 1, BLOCK);
	for (int i = 0; i < 10; i++) {
		feed_bad(h);
		feed_bad(h);
		assert_false(health_is_dead(h));
		feed_good(h, HEALTH_STARTUP + BLOCK);
		health_passed(h);
	}
	feed_bad(h);
	feed_bad(h);
	feed_bad(h);
	assert_true(health_is_dead(h));
}

static void the_dead_stay_dead(void **state)
{
	struct health *h = &health;

	(void)state;
	health_init(h, 1, BLOCK);
	for (int i = 0; i < HEALTH_FAILURES; i++)
		feed_bad(h);
	health_passed(h);
	assert_true(health_is_dead(h));
	fill_random(data, sizeof data);
	for (size_t i = 0; i < sizeof data; i += BLOCK)
		assert_int_equal(
		    health_feed(h, data + i, BLOCK), HEALTH_REPETITION);
	assert_int_equal(health_feed(h, data, 0), HEALTH_REPETITION);
	assert_int_equal(h->startup, HEALTH_STARTUP);
	assert_true(health_is_dead(h));
}

/* Two sources of which one repeats the other: each has its own memory. */
static void sources_are_apart(void **state)
{
	static struct health other;

	(void)state;
	health_init(&health, 8, BLOCK);
	health_init(&other, 8, BLOCK);
	fill_random(data, 8 * BLOCK);
	for (size_t i = 0; i < 8; i++) {
		const uint8_t *block = data + i * BLOCK;

		assert_int_equal(
		    health_feed(&health, block, BLOCK), HEALTH_GOOD);
		assert_int_equal(
		    health_feed(&other, block, BLOCK), HEALTH_GOOD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_bytes_pass),
	    cmocka_unit_test(the_start_up_test_has_whole_blocks),
	    cmocka_unit_test(a_failure_begins_the_start_up_anew),
	    cmocka_unit_test(a_failure_forgets),
	    cmocka_unit_test(three_failures_in_a_row_are_the_end),
	    cmocka_unit_test(a_good_message_between_clears_the_count),
	    cmocka_unit_test(the_dead_stay_dead),
	    cmocka_unit_test(sources_are_apart),
	};

	return cmocka_run_group_tests_name(
	    "producer health", tests, NULL, NULL);
}

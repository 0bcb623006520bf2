/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of a source find together when it repeats or counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
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

/* True if the start-up test fails with what data begins with.  The cutoffs are
 * computed once for all that is asked of one claim. */
static bool is_found(double bits, size_t block)
{
	static struct health fresh;
	static double of;

	if (of < bits || of > bits || fresh.copy.len != block)
		health_init(&fresh, bits, block);
	of = bits;
	health = fresh;
	assert_true(health.startup <= sizeof data);
	return health_feed(&health, data, health.startup) != HEALTH_GOOD;
}

static void fill_period(size_t period)
{
	fill_random(data, period);
	for (size_t i = period; i < sizeof data; i++)
		data[i] = data[i - period];
}

static void every_period_is_found_before_a_message(void **state)
{
	(void)state;
	for (size_t k = 0; k < CLAIMS; k++)
		for (unsigned period = 1; period <= LAG_MAX; period++) {
			fill_period(period);
			assert_true(is_found(claims[k], BLOCK));
		}
}

/* Words that begin `skip` bytes before the source does. */
static void fill_counter(
    unsigned width, bool big, uint64_t from, uint64_t by, unsigned skip)
{
	for (size_t i = 0; i < sizeof data; i++) {
		const size_t at = i + skip, k = at % width;
		const uint64_t word = from + at / width * by;

		data[i] = (uint8_t)(word >> 8 * (big ? width - 1 - k : k));
	}
}

/* In either order and at each alignment. */
static void check_counters(double bits, unsigned width, uint64_t step)
{
	for (unsigned skip = 0; skip < width; skip++)
		for (int big = 0; big < 2; big++) {
			fill_counter(width, big == 1, draw(), step, skip);
			assert_true(is_found(bits, BLOCK));
		}
}

/* By steps small and large, up and down. */
static void every_counter_is_found_before_a_message(void **state)
{
	static const uint64_t steps[] = {0, 1, 2, 3, 255, 256, 257, 1000, 65537,
	    0x010203, 0x9e3779b9, 0x9e3779b97f4a7c15, 0 - (uint64_t)1,
	    0 - (uint64_t)7};

	(void)state;
	for (size_t k = 0; k < CLAIMS; k++)
		for (unsigned width = 1; width <= STEP_WIDTH_MAX; width++)
			for (size_t i = 0; i < sizeof steps / sizeof *steps;
			     i++)
				check_counters(claims[k], width, steps[i]);
}

/* Lines of NMEA 0183 with their checksums. */
static void fill_lines(const char *format, unsigned from, unsigned by)
{
	char line[128];
	size_t len = 0;

	while (len < sizeof data) {
		unsigned sum = 0;
		size_t n = (size_t)snprintf(line, sizeof line, format, from);

		for (size_t i = 1; i < n; i++)
			sum ^= (uint8_t)line[i];
		n += (size_t)snprintf(
		    line + n, sizeof line - n, "*%02X\r\n", sum);
		n = n < sizeof data - len ? n : sizeof data - len;
		memcpy(data + len, line, n);
		len += n;
		from += by;
	}
}

/* From the claim of 1 bit on, which is the default: where less is claimed, the
 * digits that change may be all that the claim promises. */
static void sentences_that_repeat_or_count_are_found(void **state)
{
	static const char *const formats[] = {
	    "$GPGGA,%06u,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,",
	    "$GPRMC,%06u.00,A,4807.0380,N,01131.0000,E,022.4,084.4,230394",
	    "$GPZDA,%06u.00,28,11,2026,00,00", "$GPTXT,01,01,02,count=%u",
	    "$X,%u"};

	(void)state;
	for (int bits = 1; bits <= 8; bits *= 2)
		for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
			for (unsigned by = 0; by <= 1000; by = by * 7 + 1)
				for (unsigned from = 0; from < 90000;
				     from = from * 10 + 7) {
					fill_lines(formats[i], from, by);
					assert_true(is_found(bits, BLOCK));
				}
}

/* Whatever a message takes: also what no lag reaches. */
static void a_block_for_ever_is_found_before_a_message(void **state)
{
	static const size_t blocks[] = {
	    32, 33, 100, 512, 1000, 1024, 1025, 1500, 4096, 16384};

	(void)state;
	for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
		fill_period(blocks[i]);
		for (size_t k = 0; k < CLAIMS; k++)
			assert_true(is_found(claims[k], blocks[i]));
	}
}

/* A message that comes twice, long after the start. */
static void a_second_copy_of_a_message_is_found(void **state)
{
	static const size_t blocks[] = {512, 1024, 1025, 5000, 16384};

	(void)state;
	for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
		const size_t block = blocks[i];

		health_init(&health, 1, block);
		feed_good(&health, health.startup);
		for (int k = 0; k < 3; k++)
			feed_good(&health, block);
		assert_int_equal(health_feed(&health, data, block),
		    block <= LAG_MAX ? HEALTH_LAG : HEALTH_COPY);
	}
}

/* Not in the start-up test but in the middle of a message, and over its edge.
 */
static void a_source_that_begins_to_repeat_is_found(void **state)
{
	static const struct {
		size_t good, period;
	} cases[] = {{0, 4}, {100, 4}, {508, 1}, {511, 700}, {300, 1024}};
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		health_init(&health, 1, BLOCK);
		feed_good(&health, health.startup);
		fill_random(data, cases[i].good + cases[i].period);
		len = cases[i].good + cases[i].period;
		for (; len < 4096; len++)
			data[len] = data[len - cases[i].period];
		for (len = 0; len < 4096; len += BLOCK)
			if (health_feed(&health, data + len, BLOCK) !=
			    HEALTH_GOOD)
				break;
		/* A run of 42 is not long. */
		assert_true(len <= cases[i].good + cases[i].period + 42);
	}
}

static void check_explained(double bits, size_t block, const char *expected)
{
	assert_true(is_found(bits, block));
	assert_string_equal(health_explain(&health), expected);
}

static void failures_are_explained(void **state)
{
	(void)state;
	health_init(&health, 1, BLOCK);
	assert_string_equal(health_explain(&health), "no test has failed");
	memset(data, 0, sizeof data);
	check_explained(1, BLOCK,
	    "repetition count test: byte 0x00 came 31 times in a row (cutoff "
	    "31)");
	fill_period(2);
	data[0] = data[2] = 0xaa;
	for (size_t i = 2; i < sizeof data; i++)
		data[i] = data[i - 2];
	check_explained(4, BLOCK,
	    "adaptive proportion test: byte 0xaa came 71 times in 512 (cutoff "
	    "71)");
	fill_period(4);
	check_explained(1, BLOCK,
	    "lag test: 42 bytes in a row equal those 4 before (cutoff 42)");
	fill_lines("$GPZDA,%06u.00,28,11,2026,00,00", 1, 1);
	check_explained(1, BLOCK,
	    "lag test: 448 bytes of 512 equal those 38 before (cutoff "
	    "338)");
	fill_counter(4, true, 0x12345678, 0x9abcdef1, 0);
	check_explained(1, BLOCK,
	    "step test: 10 words of 4 bytes in a row count on (cutoff 10)");
	fill_period(2000);
	check_explained(
	    1, 2000, "block test: a block of 2000 bytes equals the one before");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_period_is_found_before_a_message),
	    cmocka_unit_test(every_counter_is_found_before_a_message),
	    cmocka_unit_test(sentences_that_repeat_or_count_are_found),
	    cmocka_unit_test(a_block_for_ever_is_found_before_a_message),
	    cmocka_unit_test(a_second_copy_of_a_message_is_found),
	    cmocka_unit_test(a_source_that_begins_to_repeat_is_found),
	    cmocka_unit_test(failures_are_explained),
	};

	return cmocka_run_group_tests_name(
	    "producer health, what repeats", tests, NULL, NULL);
}

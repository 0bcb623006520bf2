/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "producer/assess/margins.h"

#define CLAIM 1.0
#define BLOCK 512

static struct margins m;
static uint8_t bytes[8192];

static uint32_t next = 1;
static uint8_t draw(void)
{
	next = next * 1664525 + 1013904223;
	return (uint8_t)(next >> 24);
}

static void fill(void)
{
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = draw();
}

static const struct margin *measured(enum margin_test test)
{
	assert_true(margins_begin(&m, CLAIM, BLOCK));
	margins_feed(&m, bytes, sizeof bytes);
	margins_end(&m);
	return &m.margin[test];
}

static void the_cutoffs_are_those_of_the_producer(void **state)
{
	struct health h;

	(void)state;
	health_init(&h, CLAIM, BLOCK);
	fill();
	assert_int_equal(
	    measured(MARGIN_REPETITION)->cutoff, h.frequency.rct_cutoff);
	assert_int_equal(
	    m.margin[MARGIN_PROPORTION].cutoff, h.frequency.apt_cutoff);
	assert_int_equal(m.margin[MARGIN_LAG_RUN].cutoff, h.lag.cutoffs.run);
	assert_int_equal(m.margin[MARGIN_LAG_HITS].cutoff, h.lag.cutoffs.hits);
	assert_int_equal(m.margin[MARGIN_COPY_RUN].cutoff, h.copy.cutoffs.run);
	assert_int_equal(
	    m.margin[MARGIN_COPY_HITS].cutoff, h.copy.cutoffs.hits);
	assert_int_equal(
	    m.margin[MARGIN_STEP_RUN].cutoff, h.step.cutoffs[1].run);
}

static void the_most_is_counted_exactly(void **state)
{
	enum margin_test first;

	(void)state;
	fill();
	memset(bytes + 5000, bytes[4999] + 1, 20); /* beyond a window's end */
	bytes[5020] = (uint8_t)(bytes[4999] + 2);
	assert_int_equal(measured(MARGIN_REPETITION)->most, 20);
	assert_false(margins_fail(&m, &first));
	fill();
	memset(bytes + 5000, bytes[4999] + 1, 300);
	bytes[5300] = (uint8_t)(bytes[4999] + 2);
	assert_int_equal(measured(MARGIN_REPETITION)->most, 300);
	assert_true(margins_fail(&m, &first));
	assert_int_equal(first, MARGIN_REPETITION);
	fill();
	for (size_t i = 512; i < 512 + 400; i += 2)
		bytes[i] = 7; /* a window's first byte is its reference */
	assert_in_range(measured(MARGIN_PROPORTION)->most, 200, 204);
	fill();
	memcpy(bytes + 5000, bytes + 4300, 30);
	bytes[5030] = (uint8_t)(bytes[4330] + 1);
	bytes[4299] = (uint8_t)(bytes[4999] + 1);
	assert_int_equal(measured(MARGIN_LAG_RUN)->most, 30);
	assert_in_range(m.margin[MARGIN_LAG_HITS].most, 30, 34);
	fill();
	for (size_t i = 0; i < 25; i++)
		bytes[5000 + i] = (uint8_t)(100 + 3 * i);
	assert_in_range(measured(MARGIN_STEP_RUN)->most, 23, 25);
	fill();
	memcpy(bytes + 3 * BLOCK, bytes + 2 * BLOCK, BLOCK);
	assert_int_equal(measured(MARGIN_COPY_RUN)->most, 1);
	assert_int_equal(m.margin[MARGIN_COPY_HITS].most, 1);
	assert_true(margins_fail(&m, &first));
}

/* The producer's own tests fail where a margin is lost, and nowhere else. */
static void the_verdict_is_that_of_the_health_tests(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 6; kind++) {
		static struct health h;
		enum margin_test first;

		fill();
		for (size_t i = 1000; i < 4000; i++)
			bytes[i] = kind == 1   ? (uint8_t)i
				   : kind == 2 ? (uint8_t)(i % 3)
				   : kind == 3 ? bytes[i - 700]
				   : kind == 4 ? 9
				   : kind == 5 ? (uint8_t)(bytes[i] & 1)
					       : bytes[i];
		health_init(&h, CLAIM, BLOCK);
		(void)measured(MARGIN_REPETITION);
		assert_int_equal(margins_fail(&m, &first),
		    health_feed(&h, bytes, sizeof bytes) != HEALTH_GOOD);
	}
}

static void pieces_make_no_difference(void **state)
{
	struct margin whole[MARGIN_TESTS];

	(void)state;
	fill();
	memset(bytes + 700, 3, 40);
	for (size_t i = 0; i < 200; i++)
		bytes[3000 + i] = (uint8_t)(i / 2);
	(void)measured(MARGIN_REPETITION);
	memcpy(whole, m.margin, sizeof whole);
	assert_true(margins_begin(&m, CLAIM, BLOCK));
	for (size_t i = 0, n; i < sizeof bytes; i += n) {
		n = 1 + i % 61;
		n = n < sizeof bytes - i ? n : sizeof bytes - i;
		margins_feed(&m, bytes + i, n);
	}
	margins_end(&m);
	for (unsigned i = 0; i < MARGIN_TESTS; i++) {
		assert_int_equal(m.margin[i].cutoff, whole[i].cutoff);
		/* Hits of a window whose end was fed apart are counted to. */
		assert_int_equal(m.margin[i].most, whole[i].most);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_cutoffs_are_those_of_the_producer),
	    cmocka_unit_test(the_most_is_counted_exactly),
	    cmocka_unit_test(the_verdict_is_that_of_the_health_tests),
	    cmocka_unit_test(pieces_make_no_difference),
	};

	return cmocka_run_group_tests_name("margins", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "producer/assess/estimates.h"

/* cmocka's own compares as float. */
#define near(is, wanted, most) assert_true(fabs((is) - (wanted)) <= (most))

static struct estimates of(const char *bytes, size_t len)
{
	struct statistics s = {0};
	struct estimates e;

	statistics_feed(&s, (const uint8_t *)bytes, len);
	estimates_make(&s, &e);
	return e;
}

/* The examples of SP 800-90B, sections 6.3.1 and 6.3.3, as printed there. */
static void the_examples_of_the_standard_are_met(void **state)
{
	/* 10001110 01010101 11001100 01110010 10101110 */
	const struct estimates e = of("\x8e\x55\xcc\x72\xae", 5);

	(void)state;
	near(estimates_common(8, 20), 0.5363, 2e-4);
	near(e.markov, 0.761, 5e-4);
}

/* All eight bits of each byte, and those between two bytes. */
static void bits_follow_each_other_over_bytes(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		double markov, common_of_bit;
	} cases[] = {{"\0\0\0\0", 4, 0, 0}, {"\xff\xff\xff", 3, 0, 0},
	    /* 0101...: every bit is known from the one before; the first has
	     * one bit of surprise, in 128 */
	    {"UUUUUUUUUUUUUUUU", 16, 1.0 / 128, 0.6852},
	    /* 0000000011111111: a change is 1 in 15, so 1 of 8 from 0 and 0 of
	     * 7 from 1; the likeliest begins with 1 (1 bit) and stays */
	    /* 0101010101010110: 1 follows each 0, and 0 seven of eight 1; the
	     * likeliest begins with 0 and has 63 times the rarer of them */
	    {"\x55\x56", 2, (1 + 63 * 0.192645077942396) / 128, 0.2624},
	    {"\0\xff", 2, 1.0 / 128, 0.2624}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct estimates e = of(cases[i].bytes, cases[i].len);

		if (e.markov - cases[i].markov > 1e-9 ||
		    cases[i].markov - e.markov > 1e-9)
			fail_msg("%zu: %.9f", i, e.markov);
		near(e.common_of_bit, cases[i].common_of_bit, 2e-2);
	}
}

static void the_least_is_per_byte(void **state)
{
	char bytes[4096];
	struct estimates e;

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 167); /* each value as often */
	e = of(bytes, sizeof bytes);
	assert_true(e.common > 7 && e.common < 8);
	assert_true(e.least <= e.common);
	assert_true(e.least <= 8 * e.markov);
	assert_true(e.least <= 8 * e.common_of_bit);
	memset(bytes, 0x55, sizeof bytes);
	e = of(bytes, sizeof bytes);
	near(e.common, 0, 0);
	near(e.least, 0, 0);
}

static void of_next_to_nothing_nothing_is_said(void **state)
{
	const struct estimates none = of("", 0), one = of("a", 1);

	(void)state;
	near(none.least, 0, 0);
	near(one.least, 0, 0);
	near(of("ab", 2).common, 0, 0);
}

static void what_is_recommended_is_rounded_down_and_has_a_cap(void **state)
{
	static const struct {
		double least;
		bool all;
		double claim;
	} cases[] = {{7.9, false, 1}, {7.9, true, 4}, {3.999, true, 3.9},
	    {0.99, false, 0.9}, {0.1, false, 0.1}, {0.0999, true, 0},
	    {0, true, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		near(estimates_recommend(cases[i].least, cases[i].all),
		    cases[i].claim, 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_examples_of_the_standard_are_met),
	    cmocka_unit_test(bits_follow_each_other_over_bytes),
	    cmocka_unit_test(the_least_is_per_byte),
	    cmocka_unit_test(of_next_to_nothing_nothing_is_said),
	    cmocka_unit_test(what_is_recommended_is_rounded_down_and_has_a_cap),
	};

	return cmocka_run_group_tests_name("estimates", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "producer/assess/statistics.h"

/* cmocka's own compares as float. */
#define near(is, wanted, most) assert_true(fabs((is) - (wanted)) <= (most))

static struct statistics_result judged(const char *bytes, size_t len)
{
	struct statistics s = {0};
	struct statistics_result r;

	statistics_feed(&s, (const uint8_t *)bytes, len);
	statistics_judge(&s, &r);
	return r;
}

/* By hand, from the formulas. */
static void each_figure_is_right(void **state)
{
	struct statistics_result r = judged("\x01\x02\x03", 3);

	(void)state;
	/* (3 * (1*2 + 2*3 + 3*1) - 6^2) / (3 * (1 + 4 + 9) - 6^2) */
	near(r.correlation, -0.5, 1e-12);
	near(r.mean, 2, 0);
	/* 3 * (1 - 3/256)^2 / (3/256) + 253 * 3/256 */
	near(r.chi_square, 253, 1e-9);
	near(r.entropy, log2(3), 1e-12);
	assert_int_equal(r.compression, 80);
	assert_true(isnan(r.pi) && isnan(r.error));
	r = judged("\x01\x02\x03\x04", 4);
	near(r.entropy, 2, 1e-12);
	assert_int_equal(r.compression, 75);
	r = judged("\x01", 1);
	near(r.chi_square, 255, 1e-9);
	assert_int_equal(r.compression, 100);
	r = judged("\x05\x05\x05\x05\x05\x05\x05", 7);
	assert_true(isnan(r.correlation));
	near(r.entropy, 0, 0);
}

/* A point on the circle counts; the seventh byte is of the next point. */
static void points_are_of_six_bytes(void **state)
{
	static const struct {
		const char bytes[13];
		double pi;
	} cases[] = {{"\0\0\0\0\0\0", 4}, {"\xff\xff\xff\0\0\0", 4},
	    {"\xff\xff\xff\0\0\x01", 0}, {"\xff\xff\xff\xff\xff\xff", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		near(judged(cases[i].bytes, 6).pi, cases[i].pi, 0);
	near(judged("\0\0\0\0\0\0\xff\xff\xff\xff\xff", 11).pi, 4, 0);
	near(judged("\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff", 12).pi, 2, 0);
	near(judged("\0\0\0\0\0\0", 6).error, 100 * (4 - M_PI) / M_PI, 1e-9);
}

static void pieces_make_no_difference(void **state)
{
	uint8_t bytes[1000];
	struct statistics whole = {0}, pieces = {0};

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * i >> 3);
	statistics_feed(&whole, bytes, sizeof bytes);
	for (size_t i = 0, n; i < sizeof bytes; i += n) {
		n = 1 + i % 7;
		n = n < sizeof bytes - i ? n : sizeof bytes - i;
		statistics_feed(&pieces, bytes + i, n);
		statistics_feed(&pieces, bytes, 0);
	}
	assert_memory_equal(&whole, &pieces, sizeof whole);
	assert_int_equal(whole.total, sizeof bytes);
}

/* From tables of the distribution's quantiles. */
static void the_tail_is_that_of_tables(void **state)
{
	static const struct {
		double x;
		unsigned freedom;
		double tail;
	} cases[] = {{3.841459, 1, 0.05}, {6.634897, 1, 0.01},
	    {7.814728, 3, 0.05}, {0.584374, 3, 0.9}, {293.247835, 255, 0.05},
	    {254.333636, 255, 0.5}, {205.421, 255, 0.99}, {0, 255, 1},
	    {1e9, 255, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const double tail =
		    statistics_chi_tail(cases[i].x, cases[i].freedom);

		if (fabs(tail - cases[i].tail) > 2e-5)
			fail_msg("%f: %f", cases[i].x, tail);
	}
	/* Each term is below e^-20, and none is counted. */
	near(statistics_chi_tail(600, 255), 0, 1e-60); /* 1e-29 */
	assert_true(statistics_chi_tail(450, 255) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_figure_is_right),
	    cmocka_unit_test(points_are_of_six_bytes),
	    cmocka_unit_test(pieces_make_no_difference),
	    cmocka_unit_test(the_tail_is_that_of_tables),
	};

	return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/trouble.h"

static void each_reason_is_new_once(void **state)
{
	struct trouble t = {0};
	int64_t lasted = -1;

	(void)state;
	assert_false(trouble_is_over(&t, 5, &lasted));
	assert_true(trouble_is_new(&t, "refused", 10));
	assert_false(trouble_is_new(&t, "refused", 20));
	assert_true(trouble_is_new(&t, "silent", 30));
	/* Two that take turns are no news. */
	assert_false(trouble_is_new(&t, "refused", 40));
	assert_false(trouble_is_new(&t, "silent", 50));
	assert_int_equal(lasted, -1);
	assert_true(trouble_is_over(&t, 60, &lasted));
	assert_int_equal(lasted, 50);
	assert_false(trouble_is_over(&t, 70, &lasted));
	/* Later it is news again. */
	assert_true(trouble_is_new(&t, "refused", 80));
	assert_true(trouble_is_over(&t, 81, &lasted));
	assert_int_equal(lasted, 1);
}

static void words_with_digits_make_no_difference(void **state)
{
	static const struct {
		const char *first, *second;
		bool other;
	} cases[] = {{"HTTP 503 (request 1f-a9)", "HTTP 503 (request 77-b)", 0},
	    {"behind by 301 s", "behind by 302 s", 0},
	    {"after 1 try", "after 2 tries", 1}, {"", "", 0}, {"a b", "ab", 1},
	    {"a 1 b", "a b", 1}, {"role x", "role y", 1}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct trouble t = {0};

		assert_true(trouble_is_new(&t, cases[i].first, 1));
		if (trouble_is_new(&t, cases[i].second, 2) != cases[i].other)
			fail_msg("%s, %s", cases[i].first, cases[i].second);
	}
}

/* A service that invents a text for each answer fills no disk. */
static void the_number_of_reasons_is_bounded(void **state)
{
	struct trouble t = {0};
	char reason[3] = "aa";
	unsigned told = 0;

	(void)state;
	for (unsigned i = 0; i < 26 * 26; i++) {
		reason[0] = (char)('a' + i % 26);
		reason[1] = (char)('a' + i / 26);
		told += trouble_is_new(&t, reason, 1) ? 1 : 0;
	}
	assert_int_equal(told, TROUBLE_REASONS);
}

static void a_time_is_told_in_two_units(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {{-1, "0 s"}, {0, "0 s"}, {999, "0 s"}, {1000, "1 s"},
	    {59999, "59 s"}, {60000, "1 min"}, {3599999, "59 min"},
	    {3600000, "1 h 0 min"}, {11520000, "3 h 12 min"},
	    {86399999, "23 h 59 min"}, {86400000, "1 day 0 h"},
	    {190800000, "2 days 5 h"}, {INT64_MAX, "106751991167 days 7 h"}};
	char text[TROUBLE_TIME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		trouble_say_time(text, cases[i].ms);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_reason_is_new_once),
	    cmocka_unit_test(words_with_digits_make_no_difference),
	    cmocka_unit_test(the_number_of_reasons_is_bounded),
	    cmocka_unit_test(a_time_is_told_in_two_units),
	};

	return cmocka_run_group_tests_name("trouble", tests, NULL, NULL);
}

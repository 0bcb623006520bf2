/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "base/date.h"
#include "base/err.h"

static void a_date_of_rfc_3339_is_read_in_utc_only(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = {
	    {"1970-01-01T00:00:00Z", 0},
	    {"2026-11-22T08:00:00Z", 1795334400},
	    {"2026-11-22T08:00:00.123456Z", 1795334400},
	    {"2026-11-22T08:00:00+00:00", 1795334400},
	    {"2026-11-22T09:30:00+01:30", 1795334400},
	    {"2026-11-21T20:00:00.5-12:00", 1795334400},
	    {"2024-02-29T23:59:59Z", 1709251199},
	    {"2016-12-31T23:59:60Z", 1483228800},
	    {"9999-12-31T23:59:59Z", 253402300799},
	};
	static const char *const bad[] = {"", "2026-11-22", "now",
	    "2026-11-22 08:00:00Z", "2026-11-22T08:00:00",
	    "2026-11-22T08:00:00+0100", "2026-11-22T08:00:00+24:00",
	    "2026-11-22T08:00:00-00:60", "2026-11-22T08:00:00 01:00",
	    "2026-13-22T08:00:00Z", "2026-00-22T08:00:00Z",
	    "2023-02-29T08:00:00Z", "2026-11-31T08:00:00Z",
	    "2026-11-22T24:00:00Z", "2026-11-22T08:60:00Z",
	    "2023-02-30T08:00:60Z", "2026-11-31T23:59:60Z",
	    "2026-11-22T08:00:61Z", "2026-11-22T08:00:00.Z",
	    "2026-11-22T08:00:00Zx", "+026-11-22T08:00:00Z",
	    "2026-1 -22T08:00:00Z", "1969-12-31T23:59:59Z"};
	int64_t wall;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(date_parse_rfc3339(good[i].text, &wall), 0);
		assert_int_equal(wall, good[i].seconds * 1000);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (date_parse_rfc3339(bad[i], &wall) != ERR_FORMAT)
			fail_msg("accepted: %s", bad[i]);
}

static void a_date_of_http_is_read_in_its_one_form(void **state)
{
	static const char *const bad[] = {"", "Sunday, 22-Nov-26 08:00:00 GMT",
	    "Sun Nov 22 08:00:00 2026", "Sun, 22 Nov 2026 08:00:00 UTC",
	    "Sun, 22 ovD 2026 08:00:00 GMT", "Sun, 32 Nov 2026 08:00:00 GMT",
	    "Sun, -2 Nov 2026 08:00:00 GMT", "Sun, 22 Nov 2026 08:00:00 GMT "};
	int64_t wall;

	(void)state;
	assert_int_equal(
	    date_parse_http("Sun, 22 Nov 2026 08:00:00 GMT", &wall), 0);
	assert_int_equal(wall, 1795334400000);
	assert_int_equal(
	    date_parse_http("Thu, 01 Jan 1970 00:00:00 GMT", &wall), 0);
	assert_int_equal(wall, 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (date_parse_http(bad[i], &wall) != ERR_FORMAT)
			fail_msg("accepted: %s", bad[i]);
}

static void both_parsers_agree_with_the_libc(void **state)
{
	char text[64];
	int64_t wall;

	(void)state;
	for (time_t t = 0; t < 4102444800; t += 86399 * 3) {
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(text, sizeof text,
				"%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
		assert_int_equal(date_parse_http(text, &wall), 0);
		assert_int_equal(wall, (int64_t)t * 1000);
		assert_true(strftime(text, sizeof text, "%FT%TZ", &tm) > 0);
		assert_int_equal(date_parse_rfc3339(text, &wall), 0);
		assert_int_equal(wall, (int64_t)t * 1000);
	}
}

static void a_time_is_written_as_x_amz_date_wants_it(void **state)
{
	char out[DATE_AMZ_MAX];

	(void)state;
	date_format_amz(1795334400999, out);
	assert_string_equal(out, "20261122T080000Z");
	date_format_amz(0, out);
	assert_string_equal(out, "19700101T000000Z");
	date_format_amz(INT64_MAX, out);
	assert_string_equal(out, "19700101T000000Z");
}

static void a_time_is_written_for_people(void **state)
{
	char out[DATE_TEXT_MAX];
	int64_t wall;

	(void)state;
	date_format_rfc3339(1795334400999, out);
	assert_string_equal(out, "2026-11-22T08:00:00Z");
	assert_int_equal(date_parse_rfc3339(out, &wall), 0);
	assert_int_equal(wall, 1795334400000);
	date_format_rfc3339(INT64_MAX, out);
	assert_string_equal(out, "1970-01-01T00:00:00Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_date_of_rfc_3339_is_read_in_utc_only),
	    cmocka_unit_test(a_date_of_http_is_read_in_its_one_form),
	    cmocka_unit_test(both_parsers_agree_with_the_libc),
	    cmocka_unit_test(a_time_is_written_as_x_amz_date_wants_it),
	    cmocka_unit_test(a_time_is_written_for_people),
	};

	return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}

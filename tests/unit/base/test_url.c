/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "base/url.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void a_url_is_split_into_origin_and_path_or_refused(void **state)
{
	static const struct {
		const char *text, *origin, *path;
	} good[] = {
	    {"https://sqs.eu-west-1.amazonaws.com",
		"https://sqs.eu-west-1.amazonaws.com", ""},
	    {"HTTPS://SQS.EU-WEST-1.AmazonAWS.com:443/",
		"https://sqs.eu-west-1.amazonaws.com", "/"},
	    {"http://127.0.0.1:80/1/Q", "http://127.0.0.1", "/1/Q"},
	    {"http://127.0.0.1:443/1/Q", "http://127.0.0.1:443", "/1/Q"},
	    {"https://[::1]:5000/1/q.fifo", "https://[::1]:5000", "/1/q.fifo"},
	};
	static const char *const bad[] = {"", "sqs", "ftp://h/", "https://",
	    "https:///1/q", "https://user@h/", "https://u:p@h/1/q",
	    "https://h/1/q?x", "https://h/1/q#x", "https://h\\x/",
	    "https://h/a b", "https://h/\r\nX: y", "https://h x/",
	    "https://h/\xc3\xa9", "https://h\xc3\xa9/", "//h/1/q",
	    " https://h/1/q", "http://h:80:80/", "http://h:", "http://h:x/",
	    "http://h:123456/", "http://::1/", "http://[::1/", "http://[]/",
	    "http://::1]/", "http://[::1]x/", "http://[h]/", "http://:80/"};
	char long_one[LIMIT_URL + 16];
	struct url url;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(url_split(good[i].text, &url), 0);
		assert_string_equal(url.origin, good[i].origin);
		assert_string_equal(url.path, good[i].path);
		assert_ptr_equal(url.host, strstr(url.origin, "//") + 2);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(url_split(bad[i], &url), ERR_FORMAT);
	memset(long_one, 'a', sizeof long_one);
	memcpy(long_one, "https://", 8);
	long_one[LIMIT_URL] = '\0';
	assert_int_equal(url_split(long_one, &url), ERR_LIMIT);
	long_one[LIMIT_URL - 1] = '\0';
	assert_int_equal(url_split(long_one, &url), 0);
}

static void a_queue_has_two_segments_at_least(void **state)
{
	static const struct {
		const char *text;
		bool has;
	} urls[] = {{"https://h/1/q", true}, {"https://h/x/1/q", true},
	    {"https://h/1/..", false}, {"https://h/./1/q", false},
	    {"https://h/1/...", true}, {"https://h", false},
	    {"https://h/", false}, {"https://h/q", false},
	    {"https://h/1/q/", false}, {"https://h//q", false},
	    {"https://h/1//q", false}};
	struct url url;

	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		assert_int_equal(url_split(urls[i].text, &url), 0);
		assert_int_equal(url_has_queue(&url), urls[i].has);
	}
}

static void a_name_is_not_meant_as_a_url(void **state)
{
	(void)state;
	assert_false(url_is_meant("entropy.fifo"));
	assert_false(url_is_meant(""));
	assert_true(url_is_meant("https://h/1/q"));
	assert_true(url_is_meant("h/q"));
	assert_true(url_is_meant("h:q"));
}

static void the_scheme_is_http_or_https(void **state)
{
	(void)state;
	assert_int_equal(url_scheme_len("https://h"), 8);
	assert_int_equal(url_scheme_len("HTTP://h"), 7);
	assert_int_equal(url_scheme_len("http:/h"), 0);
	assert_int_equal(url_scheme_len(" http://h"), 0);
	assert_int_equal(url_scheme_len("ftp://h"), 0);
	assert_int_equal(url_scheme_len(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_scheme_is_http_or_https),
	    cmocka_unit_test(a_name_is_not_meant_as_a_url),
	    cmocka_unit_test(a_url_is_split_into_origin_and_path_or_refused),
	    cmocka_unit_test(a_queue_has_two_segments_at_least),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}

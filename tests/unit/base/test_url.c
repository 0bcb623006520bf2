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
	    " https://h/1/q"};
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
	    {"https://h/1/..", true}, {"https://h", false},
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

static void the_path_of_a_queue_is_taken_from_its_url(void **state)
{
	static const char *const good[][2] = {
	    {"https://sqs.eu-west-1.amazonaws.com/123456789012/q",
		"/123456789012/q"},
	    {"https://h/1/q/", "/1/q"}, {"HTTPS://H/1/Q", "/1/Q"},
	    {"http://127.0.0.1:5000/1/q.fifo", "/1/q.fifo"},
	    {"http://[::1]:5000/1/q", "/1/q"},
	    {"https://h/1/q?Action=x", "/1/q"}, {"https://h/1/q#f", "/1/q"},
	    {"https://h/1/q/?a/b#c/d", "/1/q"}, {"https://h/1/q#?", "/1/q"},
	    {"https://h/queue/eu-west-1/1/q", "/queue/eu-west-1/1/q"},
	    {"https://h/q", "/q"}};
	char path[LIMIT_PATH + 1];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		assert_int_equal(url_queue_path(good[i][0], path), 0);
		assert_string_equal(path, good[i][1]);
	}
}

static void a_url_without_a_plain_queue_path_is_refused(void **state)
{
	static const char *const bad[] = {"", "q", "/1/q", "https:", "https://",
	    "https:///1/q", "https://h", "https://h/", "https://h//",
	    "https://h?/1/q", "https://h#/1/q", "ftp://h/1/q", "https:/h/1/q",
	    " https://h/1/q", "https://h/1/q ", "https://h/1/q\n",
	    "https://h//1/q", "https://h/1//q", "https://h/1/q//",
	    "https://h/1/./q", "https://h/1/../q", "https://h/1/q/..",
	    "https://h/.", "https://user@h/1/q", "https://h/1/q;x",
	    "https://h/1/\303\274", "https://h/1\\q", "https://h\\1/q"};
	char path[LIMIT_PATH + 1] = "kept";
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		if (url_queue_path(bad[i], path) != ERR_FORMAT)
			fail_msg("accepted: %s", bad[i]);
	assert_string_equal(path, "kept");
}

static void a_queue_path_beyond_its_limit_is_refused(void **state)
{
	char url[9 + LIMIT_PATH + 8] = "https://h/";
	char path[LIMIT_PATH + 1];
	const size_t at = strlen(url);

	(void)state;
	memset(url + at, 'q', LIMIT_PATH - 1);
	assert_int_equal(url_queue_path(url, path), 0);
	assert_int_equal(strlen(path), LIMIT_PATH);
	(void)strcat(url, "/?x");
	assert_int_equal(url_queue_path(url, path), 0);
	assert_int_equal(strlen(path), LIMIT_PATH);
	url[at + LIMIT_PATH - 1] = 'q';
	assert_int_equal(url_queue_path(url, path), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_scheme_is_http_or_https),
	    cmocka_unit_test(a_name_is_not_meant_as_a_url),
	    cmocka_unit_test(a_url_is_split_into_origin_and_path_or_refused),
	    cmocka_unit_test(a_queue_has_two_segments_at_least),
	    cmocka_unit_test(the_path_of_a_queue_is_taken_from_its_url),
	    cmocka_unit_test(a_url_without_a_plain_queue_path_is_refused),
	    cmocka_unit_test(a_queue_path_beyond_its_limit_is_refused),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "json/parse.h"

static int parse(const char *text)
{
	struct json *root;
	int rc = json_parse(text, strlen(text), &root);

	if (rc != 0)
		assert_null(root);
	json_free(root);
	return rc;
}

static void each_value_of_a_document_is_found_where_it_stands(void **state)
{
	static const char text[] =
	    " {\"a\": [1, \"two\", null, {\"b\": true}], "
	    "\"\\u00e9\\ud83d\\ude00\": \"x\\ny\", "
	    "\"f\": false, \"e\": {}, \"z\": []}\n";
	const struct json *a, *v;
	struct json *root;
	const char *key;
	int64_t n;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), &root), 0);
	assert_true(json_is_object(root));
	a = json_get(root, "a");
	assert_int_equal(json_count(a), 4);
	assert_int_equal(json_integer(json_at(a, 0), &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(json_string(json_at(a, 1)), "two");
	assert_non_null(json_at(a, 2));
	assert_true(json_is_true(json_get(json_at(a, 3), "b")));
	assert_false(json_is_true(json_get(root, "f")));
	assert_null(json_at(a, 4));
	v = json_get(root, "\xc3\xa9\xf0\x9f\x98\x80");
	assert_string_equal(json_string(v), "x\ny");
	assert_ptr_equal(json_member(root, 1, &key), v);
	assert_string_equal(key, "\xc3\xa9\xf0\x9f\x98\x80");
	assert_null(json_member(root, 5, &key));
	assert_null(key);
	assert_int_equal(json_count(json_get(root, "z")), 0);
	json_free(root);
}

static void a_member_that_is_null_is_not_there(void **state)
{
	static const char text[] =
	    "{\"n\":null,\"a\":[null],\"m\":null,\"b\":false,\"o\":null}";
	struct json *root;
	const char *key;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), &root), 0);
	assert_null(json_get(root, "n"));
	assert_non_null(json_get(root, "b"));
	assert_int_equal(json_count(json_get(root, "a")), 1);
	assert_non_null(json_at(json_get(root, "a"), 0));
	assert_non_null(json_member(root, 0, &key));
	assert_string_equal(key, "a");
	assert_non_null(json_member(root, 1, &key));
	assert_string_equal(key, "b");
	assert_null(json_member(root, 2, &key));
	json_free(root);
	assert_int_equal(parse("{\"a\":null,\"a\":1}"), ERR_FORMAT);
	assert_int_equal(parse("{\"a\":1,\"a\":null}"), ERR_FORMAT);
}

static void a_look_up_in_another_kind_of_value_finds_nothing(void **state)
{
	static const char text[] = "[{\"a\":1},2,\"3\"]";
	struct json *root;
	int64_t n;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), &root), 0);
	assert_false(json_is_object(root));
	assert_true(json_is_array(root));
	assert_false(json_is_array(json_at(root, 0)));
	assert_false(json_is_array(NULL));
	assert_null(json_get(root, "a"));
	assert_null(json_get(NULL, "a"));
	assert_null(json_get(json_at(root, 0), "b"));
	assert_null(json_at(json_at(root, 0), 0));
	assert_null(json_member(root, 0, NULL));
	assert_null(json_string(root));
	assert_null(json_string(json_at(root, 1)));
	assert_int_equal(json_count(json_at(root, 2)), 0);
	assert_int_equal(json_integer(NULL, &n), ERR_ABSENT);
	assert_int_equal(json_integer(root, &n), ERR_FORMAT);
	json_free(root);
	json_free(NULL);
}

static int integer(const char *text, int64_t *n)
{
	struct json *root;
	int rc = json_parse(text, strlen(text), &root);

	if (rc == 0)
		rc = json_integer(root, n);
	json_free(root);
	return rc;
}

static void an_integer_is_exact_or_refused(void **state)
{
	static const struct {
		const char *text;
		int rc;
		int64_t n;
	} cases[] = {
	    {"0", 0, 0},
	    {"-0", 0, 0},
	    {"9007199254740993", 0, 9007199254740993},
	    {"9223372036854775807", 0, INT64_MAX},
	    {"9223372036854775808", ERR_FORMAT, 0},
	    {"-9223372036854775808", 0, INT64_MIN},
	    {"-9223372036854775809", ERR_FORMAT, 0},
	    {"99999999999999999999999999", ERR_FORMAT, 0},
	    {"1.0", ERR_FORMAT, 0},
	    {"1e3", ERR_FORMAT, 0},
	    {"\"1700000000123\"", 0, 1700000000123},
	    {"\"9223372036854775808\"", ERR_FORMAT, 0},
	    {"\"\"", ERR_FORMAT, 0},
	    {"\"-1\"", ERR_FORMAT, 0},
	    {"\"+1\"", ERR_FORMAT, 0},
	    {"\" 1\"", ERR_FORMAT, 0},
	    {"\"1x\"", ERR_FORMAT, 0},
	    {"true", ERR_FORMAT, 0},
	    {"null", ERR_FORMAT, 0},
	};
	int64_t n;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		n = 0;
		assert_int_equal(integer(cases[i].text, &n), cases[i].rc);
		assert_true(n == cases[i].n);
	}
}

static void text_that_is_not_json_is_refused(void **state)
{
	static const char *const texts[] = {"", " ", "{", "[", "{\"a\"}",
	    "{\"a\":}", "{\"a\":1,}", "[1,]", "[1 2]", "{}{}", "{} x", "1 2",
	    "\"abc", "\"abc\\", "\"abc\\\"", "tru", "nul", "01", "-", "1.",
	    "1e", ".5", "+1", "0x10", "NaN", "Infinity", "'a'", "{a:1}", "[1]]",
	    "\"\\x41\"", "\"\\u12\"", "\"\\u12g4\"", "\"a\nb\"", "\"a\tb\"",
	    "// c\n1", "/* c */1", "\xef\xbb\xbf{}", "{\"a\":1", "[\"a\"", "\\",
	    "{\"a\":1 \"b\":2}", "[,]", "}", "]", ":", "{\"a\":1,\"a\":2}",
	    "{\"a\":1,\"\\u0061\":2}", "[{\"x\":{\"k\":1,\"k\":1}}]"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(parse(texts[i]), ERR_FORMAT);
}

/* What yajl 2.1.0 would let pass, or what ends in its assertions
 * (CVE-2017-16516). */
static void text_that_yajl_would_mishandle_is_refused(void **state)
{
	static const char *const texts[] = {"\"\\u0000\"", "{\"\\u0000\":1}",
	    "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\n\"",
	    "\"\\ud800\\\\uzzzz\"", "\"\\ud800\\u0041\"", "\"\\ud800x\"",
	    "\"\\ud83d\\ud83d\"", "\"\\ud83d\\u\"", "\"\xc0\x80\"",
	    "\"\xc1\xbf\"", "\"\xe0\x80\x80\"", "\"\xed\xa0\x80\"",
	    "\"\xed\xbf\xbf\"", "\"\xf0\x80\x80\x80\"", "\"\xf4\x90\x80\x80\"",
	    "\"\xf8\x88\x80\x80\x80\"", "\"\x80\"", "\"\xc3\"", "\"\xe2\x82\"",
	    "\"\xf0\x9f\x98\"", "\"\xff\"", "\xc3\xa9"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(parse(texts[i]), ERR_FORMAT);
	assert_int_equal(parse("\"\\ud83d\\ude00\\uFFFF\\u00e9\\u0001\""), 0);
	assert_int_equal(parse("\"\xed\x9f\xbf\xf4\x8f\xbf\xbf\x7f\""), 0);
}

static void a_nul_byte_is_refused_wherever_it_stands(void **state)
{
	struct json *root;

	(void)state;
	assert_int_equal(json_parse("\"a\0b\"", 5, &root), ERR_FORMAT);
	assert_int_equal(json_parse("1\0", 2, &root), ERR_FORMAT);
	assert_int_equal(json_parse("\0", 1, &root), ERR_FORMAT);
	assert_int_equal(json_parse("", 0, &root), ERR_FORMAT);
}

/* Cut everywhere: never accepted, never read beyond. */
static void a_document_cut_anywhere_is_refused(void **state)
{
	static const char text[] =
	    "{\"Messages\":[{\"Body\":\"a\\u00e9\xc3\xa9\\\\\",\"n\":-12.5e+3,"
	    "\"t\":true,\"f\":false,\"z\":null}]}";
	struct json *root;

	(void)state;
	for (size_t len = 0; len < sizeof text - 1; len++) {
		char *copy = malloc(len + 1);

		assert_non_null(copy);
		memcpy(copy, text, len);
		copy = realloc(copy, len > 0 ? len : 1);
		assert_non_null(copy);
		assert_int_equal(json_parse(copy, len, &root), ERR_FORMAT);
		free(copy);
	}
	assert_int_equal(parse(text), 0);
}

static char *repeat(const char *s, size_t n, const char *t, size_t m)
{
	char *text = malloc(strlen(s) * n + strlen(t) * m + 1), *p = text;

	assert_non_null(text);
	for (size_t i = 0; i < n; i++, p += strlen(s))
		memcpy(p, s, strlen(s));
	for (size_t i = 0; i < m; i++, p += strlen(t))
		memcpy(p, t, strlen(t));
	*p = '\0';
	return text;
}

static void assert_repeated(
    const char *s, size_t n, const char *t, size_t m, int rc)
{
	char *text = repeat(s, n, t, m);

	assert_int_equal(parse(text), rc);
	free(text);
}

static void deeper_nesting_than_the_limit_is_refused(void **state)
{
	(void)state;
	assert_repeated("[", JSON_DEPTH_MAX, "]", JSON_DEPTH_MAX, 0);
	assert_repeated(
	    "[", JSON_DEPTH_MAX + 1, "]", JSON_DEPTH_MAX + 1, ERR_LIMIT);
	assert_repeated("[", 1000000, "", 0, ERR_LIMIT);
	assert_repeated("{\"a\":", 200000, "", 0, ERR_LIMIT);
	assert_repeated(
	    "[", JSON_DEPTH_MAX, "]", JSON_DEPTH_MAX - 1, ERR_FORMAT);
}

static void more_values_than_the_limit_are_refused(void **state)
{
	char *text = repeat("[", 1, "0,", JSON_VALUES_MAX - 1);
	size_t len = strlen(text);
	struct json *root;

	(void)state;
	text[len - 1] = ']';
	assert_int_equal(json_parse(text, len, &root), 0);
	assert_int_equal(json_count(root), JSON_VALUES_MAX - 1);
	json_free(root);
	free(text);
	text = repeat("[", 1, "0,", JSON_VALUES_MAX);
	text[strlen(text) - 1] = ']';
	assert_int_equal(parse(text), ERR_LIMIT);
	free(text);
}

/* Tokens of every size through yajl's growing buffers, whose memory is
 * reckoned beforehand: with an escape they are decoded into one. */
static void a_string_up_to_the_limit_is_parsed(void **state)
{
	static const size_t sizes[] = {1, 2045, 2046, 2047, 2048, 2049, 4095,
	    4096, 16384, 20000, JSON_STRING_MAX - 2};
	struct json *root;

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		char *text = repeat("[\"", 1, "x", sizes[i]);
		char *whole = repeat(text, 1, "\\n\",\"\\\"\"]", 1);

		assert_int_equal(json_parse(whole, strlen(whole), &root), 0);
		assert_int_equal(
		    strlen(json_string(json_at(root, 0))), sizes[i] + 1);
		json_free(root);
		/* Unended: the token is kept for more, which never comes. */
		assert_int_equal(
		    json_parse(whole, strlen(text), &root), ERR_FORMAT);
		free(whole);
		free(text);
	}
}

static void a_string_or_number_beyond_the_limit_is_refused(void **state)
{
	char *text = repeat("\"", 1, "x", JSON_STRING_MAX + 1);

	(void)state;
	assert_int_equal(parse(text), ERR_LIMIT);
	free(text);
	assert_repeated("1", JSON_STRING_MAX, "", 0, 0);
	assert_repeated("1", JSON_STRING_MAX + 1, "", 0, ERR_LIMIT);
	assert_repeated("[", 1, "1", 1 << 20, ERR_LIMIT);
}

static void a_text_beyond_the_limit_is_not_looked_at(void **state)
{
	struct json *root;

	(void)state;
	assert_int_equal(
	    json_parse("1", (size_t)JSON_TEXT_MAX + 1, &root), ERR_LIMIT);
}

/* Every byte of a document replaced by each of some: no crash, and what is
 * accepted can be walked. */
static void a_changed_byte_does_no_harm_to_the_parser(void **state)
{
	static const char text[] =
	    "{\"a\":[1,\"\\ud83d\\ude00\",{\"b\":\"\\\\\"}"
	    "],\"c\":-1.5e3,\"d\":\"\xc3\xa9\"}";
	static const char bytes[] = "\"\\{}[],:u0d9 -.e\n\xc3\xa9\xed\x01";
	char copy[sizeof text];
	struct json *root;

	(void)state;
	for (size_t i = 0; i < sizeof text - 1; i++) {
		for (size_t k = 0; k < sizeof bytes; k++) {
			memcpy(copy, text, sizeof text);
			copy[i] = bytes[k];
			(void)!json_parse(copy, sizeof text - 1, &root);
			(void)json_string(json_at(json_get(root, "a"), 1));
			json_free(root);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_value_of_a_document_is_found_where_it_stands),
	    cmocka_unit_test(a_member_that_is_null_is_not_there),
	    cmocka_unit_test(a_look_up_in_another_kind_of_value_finds_nothing),
	    cmocka_unit_test(an_integer_is_exact_or_refused),
	    cmocka_unit_test(text_that_is_not_json_is_refused),
	    cmocka_unit_test(text_that_yajl_would_mishandle_is_refused),
	    cmocka_unit_test(a_nul_byte_is_refused_wherever_it_stands),
	    cmocka_unit_test(a_document_cut_anywhere_is_refused),
	    cmocka_unit_test(deeper_nesting_than_the_limit_is_refused),
	    cmocka_unit_test(more_values_than_the_limit_are_refused),
	    cmocka_unit_test(a_string_up_to_the_limit_is_parsed),
	    cmocka_unit_test(a_string_or_number_beyond_the_limit_is_refused),
	    cmocka_unit_test(a_text_beyond_the_limit_is_not_looked_at),
	    cmocka_unit_test(a_changed_byte_does_no_harm_to_the_parser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that come in pieces, with strings of any length. */
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

#define MIB ((size_t)1 << 20)

/* Elements that were taken: how many, and of the last its string. */
struct taken {
	size_t n, changed;
	char last[JSON_STRING_MAX + 1];
	int rc; /* what to answer */
};

static int take(void *ctx, const struct json *element)
{
	struct taken *t = ctx;
	const char *s = json_string(element);

	t->n++;
	t->changed += json_changed(element) ? 1 : 0;
	(void)snprintf(t->last, sizeof t->last, "%s", s != NULL ? s : "-");
	return t->rc;
}

/* Read a document in pieces of so many bytes. */
static int read_pieces(const char *text, size_t len, size_t piece,
    const struct json_each *each, struct json **out)
{
	struct json_stream *s;
	int rc = 0, end;

	assert_int_equal(json_stream_new(each, &s), 0);
	for (size_t i = 0; i < len && rc == 0; i += piece)
		rc = json_stream_add(
		    s, text + i, len - i < piece ? len - i : piece);
	end = json_stream_end(s, out);
	if (rc != 0)
		assert_int_equal(end, rc); /* a failure stays */
	if (end != 0)
		assert_null(*out);
	json_stream_free(s);
	return end;
}

static int read_whole(const char *text, struct json **out)
{
	return read_pieces(text, strlen(text), strlen(text) + 1, NULL, out);
}

static void pieces_of_any_size_are_one_document(void **state)
{
	static const char text[] =
	    "{\"a\":[1,\"\\ud83d\\ude00\\\\\\\"\\u005c\",{\"b\":\"\\/\"}],"
	    "\"\xc3\xa9\xf0\x9f\x98\x80\":-12,\"e\":\"\xe2\x82\xac\","
	    "\"z\":true}";
	struct json *root;
	int64_t n;

	(void)state;
	for (size_t piece = 1; piece < sizeof text; piece++) {
		assert_int_equal(
		    read_pieces(text, sizeof text - 1, piece, NULL, &root), 0);
		assert_string_equal(
		    json_string(json_at(json_get(root, "a"), 1)),
		    "\xf0\x9f\x98\x80\\\"\\");
		assert_string_equal(
		    json_string(json_get(json_at(json_get(root, "a"), 2), "b")),
		    "/");
		assert_int_equal(
		    json_integer(
			json_get(root, "\xc3\xa9\xf0\x9f\x98\x80"), &n),
		    0);
		assert_int_equal(n, -12);
		assert_string_equal(
		    json_string(json_get(root, "e")), "\xe2\x82\xac");
		assert_true(json_is_true(json_get(root, "z")));
		assert_false(json_changed(root));
		json_free(root);
	}
}

static char *append(char *p, const char *unit, size_t n)
{
	const size_t len = strlen(unit);

	for (size_t i = 0; i < n; i++, p += len)
		memcpy(p, unit, len);
	*p = '\0';
	return p;
}

/* What is written for a character, and that character. */
static const struct {
	const char *written, *means;
} units[] = {
    {"x", "x"},
    {"\\\"", "\""},
    {"\\\\", "\\"},
    {"\\u0022", "\""},
    {"\\u005c", "\\"},
    {"\xc3\xa9", "\xc3\xa9"},
    {"\\u00e9", "\xc3\xa9"},
    {"\xe2\x82\xac", "\xe2\x82\xac"},
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
    {"\\ud83d\\ude00", "\xf0\x9f\x98\x80"},
};

/* The string is head bytes of 'a' and n times the unit; cut, it keeps as many
 * whole ones as fit. */
static void assert_cut(size_t unit, size_t head, size_t n, size_t piece)
{
	const char *written = units[unit].written, *means = units[unit].means;
	const size_t fit = (JSON_STRING_MAX - head) / strlen(written);
	const size_t kept = n < fit ? n : fit;
	char *text = malloc(head + n * strlen(written) + 64), *p = text;
	struct taken t = {0};
	const struct json_each each = {"M", take, &t};
	struct json *root;

	assert_non_null(text);
	p = append(p, "{\"M\":[\"", 1);
	p = append(p, "a", head);
	p = append(p, written, n);
	p = append(p, "\"],\"t\":\"u\"}", 1);
	assert_int_equal(
	    read_pieces(text, (size_t)(p - text), piece, &each, &root), 0);
	assert_int_equal(t.n, 1);
	assert_int_equal(strlen(t.last), head + kept * strlen(means));
	for (size_t i = 0; i < kept; i++)
		assert_memory_equal(
		    t.last + head + i * strlen(means), means, strlen(means));
	assert_int_equal(t.changed, n > fit);
	/* What follows is as it was. */
	assert_string_equal(json_string(json_get(root, "t")), "u");
	assert_false(json_changed(root));
	json_free(root);
	free(text);
}

static void a_long_string_is_cut_behind_a_whole_character(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		assert_cut(i, 0, MIB, 65536);
		for (size_t head = 0; head < 13; head++)
			assert_cut(i, head, JSON_STRING_MAX, 1000 + head);
	}
}

static void a_string_of_just_the_limit_is_whole(void **state)
{
	(void)state;
	assert_cut(0, 0, JSON_STRING_MAX, 4096);
	assert_cut(0, 0, JSON_STRING_MAX + 1, 4096);
	assert_cut(1, 0, JSON_STRING_MAX / 2, 4095);
	assert_cut(1, 1, JSON_STRING_MAX / 2, 4095);
	assert_cut(9, 8, (JSON_STRING_MAX - 8) / 12, 7);
}

static void what_is_no_character_is_replaced_and_told(void **state)
{
	static const struct {
		const char *text, *means;
	} cases[] = {
	    {"\"\\u0000\"", "?"},
	    {"\"a\\ud800\"", "a?"},
	    {"\"\\udc00b\"", "?b"},
	    {"\"\\ud800\\n\"", "?\n"},
	    {"\"\\ud800\\\\uzzzz\"", "?\\uzzzz"},
	    {"\"\\ud800\\u0041\"", "?A"},
	    {"\"\\ud83d\\ud83d\\ude00\"", "?\xf0\x9f\x98\x80"},
	    {"\"\\ud83d\\u\"", "??"},
	    {"\"\\u12g4\"", "?12g4"},
	    {"\"\\x41\"", "?x41"},
	    {"\"a\nb\tc\"", "a?b?c"},
	    {"\"\xc0\x80\"", "??"},
	    {"\"\xed\xa0\x80\"", "???"},
	    {"\"\xf4\x90\x80\x80\"", "????"},
	    {"\"\xc3\"", "?"},
	    {"\"\xe2\x82\"", "??"},
	    {"\"\xf0\x9f\x98z\"", "???z"},
	    {"\"\xff\\\"\"", "?\""},
	};
	struct taken t = {0};
	const struct json_each each = {"M", take, &t};
	struct json *root;
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t piece = 1; piece < 4; piece++) {
			const int len = snprintf(
			    text, sizeof text, "{\"M\":[%s]}", cases[i].text);

			t.changed = 0;
			assert_int_equal(
			    read_pieces(text, (size_t)len, piece, &each, &root),
			    0);
			assert_string_equal(t.last, cases[i].means);
			assert_int_equal(t.changed, 1);
			json_free(root);
		}
		/* Elsewhere nobody would look whether it was changed. */
		assert_int_equal(read_whole(cases[i].text, &root), ERR_FORMAT);
	}
	assert_int_equal(
	    read_pieces("{\"M\":[\"a\0b\"]}", 13, 5, &each, &root), 0);
	assert_string_equal(t.last, "a?b");
	json_free(root);
}

static void what_is_changed_outside_the_elements_is_refused(void **state)
{
	static const char *const texts[] = {"{\"M\":\"\\ud800\"}",
	    "{\"M\\u0000\":[]}", "{\"M\":[],\"a\":[\"\xff\"]}",
	    "{\"a\":{\"M\":[\"\xff\"]}}", "[[\"\xff\"]]", "\"\xff\"",
	    "{\"M\":{\"a\":[\"\xff\"]}}"};
	struct taken t = {0};
	const struct json_each each = {"M", take, &t};
	struct json *root;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(
		    read_pieces(texts[i], strlen(texts[i]), 3, &each, &root),
		    ERR_FORMAT);
	assert_int_equal(t.n, 0);
}

static int read_member(void *ctx, const struct json *element)
{
	int64_t *n = ctx;

	assert_int_equal(json_integer(json_get(element, "b"), n), 0);
	assert_true(json_changed(element));
	assert_false(json_changed(json_get(element, "b")));
	return 0;
}

/* Two keys that are one when they are cut do not make the document bad. */
static void a_long_key_is_cut_and_told(void **state)
{
	char *text = malloc(3 * MIB), *p = text;
	int64_t n = 0;
	const struct json_each each = {"M", read_member, &n};
	struct json *root;

	(void)state;
	assert_non_null(text);
	p = append(p, "{\"M\":[{\"", 1);
	p = append(p, "k", MIB);
	p = append(p, "1\":1,\"", 1);
	p = append(p, "k", MIB);
	p = append(p, "2\":2,\"b\":3}]}", 1);
	assert_int_equal(
	    read_pieces(text, (size_t)(p - text), MIB, &each, &root), 0);
	assert_int_equal(n, 3);
	json_free(root);
	free(text);
}

static void text_that_is_not_json_is_refused_in_any_pieces(void **state)
{
	static const char *const texts[] = {"", " ", "{", "[\"a\"", "{\"a\"}",
	    "{\"a\":}", "[1,]", "[1 2]", "{}{}", "{} x", "\"abc", "\"abc\\",
	    "\"abc\\\"", "\"\\u00", "\"\\ud83d\\u", "\"\xf0\x9f", "tru", "01",
	    "'a'", "\xc3\xa9", "\x7f", "{\"a\":1,\"a\":2}", "// c\n1"};
	struct json *root;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		for (size_t piece = 1; piece < 5; piece++)
			assert_int_equal(read_pieces(texts[i], strlen(texts[i]),
					     piece, NULL, &root),
			    ERR_FORMAT);
}

static void elements_are_taken_one_by_one_and_do_not_stay(void **state)
{
	struct taken t = {0};
	const struct json_each each = {"M", take, &t};
	char *text = malloc(MIB), *p = text;
	struct json *root;

	(void)state;
	assert_non_null(text);
	/* Arrays of that name elsewhere, and what is no array, stay. */
	p = append(p, "{\"a\":{\"M\":[1,2]},\"M\":[", 1);
	p = append(p, "{\"M\":[1],\"b\":[\"c\"]},", 3 * JSON_VALUES_MAX);
	p = append(p, "[[]],null,true,7,\"last\"],\"b\":\"c\"}", 1);
	assert_int_equal(
	    read_pieces(text, (size_t)(p - text), 999, &each, &root), 0);
	assert_int_equal(t.n, 3 * JSON_VALUES_MAX + 5);
	assert_string_equal(t.last, "last");
	assert_int_equal(t.changed, 0);
	assert_true(json_is_array(json_get(root, "M")));
	assert_int_equal(json_count(json_get(root, "M")), 0);
	assert_int_equal(json_count(json_get(json_get(root, "a"), "M")), 2);
	assert_string_equal(json_string(json_get(root, "b")), "c");
	json_free(root);
	t.n = 0;
	assert_int_equal(
	    read_pieces("{\"M\":{\"a\":1}}", 13, 13, &each, &root), 0);
	json_free(root);
	assert_int_equal(read_pieces("[[1]]", 5, 5, &each, &root), 0);
	json_free(root);
	assert_int_equal(t.n, 0);
	free(text);
}

static void an_element_knows_that_a_string_in_it_was_cut(void **state)
{
	struct taken t = {0};
	const struct json_each each = {"M", take, &t};
	char *text = malloc(2 * MIB), *p = text;
	struct json *root;

	(void)state;
	assert_non_null(text);
	p = append(p, "{\"M\":[{\"a\":{\"b\":\"", 1);
	p = append(p, "\\\"", MIB / 2);
	p = append(p, "\"}},{\"a\":{\"b\":\"c\"}},\"d\"]}", 1);
	assert_int_equal(
	    read_pieces(text, (size_t)(p - text), 16384, &each, &root), 0);
	assert_int_equal(t.n, 3);
	assert_int_equal(t.changed, 1);
	json_free(root);
	free(text);
}

static void what_the_taker_says_ends_the_document(void **state)
{
	struct taken t = {.rc = ERR_NOMEM};
	const struct json_each each = {"M", take, &t};
	struct json *root;

	(void)state;
	assert_int_equal(
	    read_pieces("{\"M\":[1,2,3]}", 13, 1, &each, &root), ERR_NOMEM);
	assert_int_equal(t.n, 1);
}

/* Many long strings in one element are more than a message of SQS. */
static void an_element_of_more_than_the_limit_is_refused(void **state)
{
	struct taken t = {0};
	const struct json_each each = {"M", take, &t};
	char *text = malloc(2 * MIB), *p = text;
	struct json *root;

	(void)state;
	assert_non_null(text);
	p = append(p, "{\"M\":[[", 1);
	for (int i = 0; i < 50; i++) {
		p = append(p, i == 0 ? "\"" : ",\"", 1);
		p = append(p, "x", JSON_STRING_MAX - 1);
		p = append(p, "\"", 1);
	}
	p = append(p, "]]}", 1);
	assert_int_equal(
	    read_pieces(text, (size_t)(p - text), MIB, &each, &root),
	    ERR_LIMIT);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pieces_of_any_size_are_one_document),
	    cmocka_unit_test(a_long_string_is_cut_behind_a_whole_character),
	    cmocka_unit_test(a_string_of_just_the_limit_is_whole),
	    cmocka_unit_test(what_is_no_character_is_replaced_and_told),
	    cmocka_unit_test(what_is_changed_outside_the_elements_is_refused),
	    cmocka_unit_test(a_long_key_is_cut_and_told),
	    cmocka_unit_test(text_that_is_not_json_is_refused_in_any_pieces),
	    cmocka_unit_test(elements_are_taken_one_by_one_and_do_not_stay),
	    cmocka_unit_test(an_element_knows_that_a_string_in_it_was_cut),
	    cmocka_unit_test(what_the_taker_says_ends_the_document),
	    cmocka_unit_test(an_element_of_more_than_the_limit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

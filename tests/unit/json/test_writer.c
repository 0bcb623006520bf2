/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "json/parse.h"
#include "json/text.h"
#include "json/writer.h"
#include <math.h>

static void assert_written(struct json_writer *w, int rc, const char *text)
{
	struct buf *out = buf_new(1 << 16);

	assert_int_equal(json_writer_finish(w, out), rc);
	assert_string_equal(buf_str(out), text);
	buf_free(out);
	json_writer_free(w);
}

static void values_are_written_in_order_and_escaped(void **state)
{
	struct json_writer *w = json_writer_new();

	(void)state;
	json_begin_object(w, NULL);
	json_begin_array(w, "a\"\\\n\x01");
	json_put_integer(w, NULL, INT64_MIN);
	json_put_string(w, NULL, "\xc3\xa9\t/");
	json_begin_object(w, NULL);
	json_end_object(w);
	json_begin_array(w, NULL);
	json_end_array(w);
	json_put_integer(w, NULL, 7);
	json_end_array(w);
	json_put_string(w, "b", "");
	json_end_object(w);
	assert_written(w, 0,
	    "{\"a\\u0022\\u005c\\u000a\\u0001\":[-9223372036854775808,"
	    "\"\xc3\xa9\\u0009/\",{},[],7],\"b\":\"\"}");
}

static void numbers_have_decimals_and_truth_has_words(void **state)
{
	struct json_writer *w = json_writer_new();

	(void)state;
	json_begin_array(w, NULL);
	json_put_number(w, NULL, 7.9997984, 6);
	json_put_number(w, NULL, -0.5, 1);
	json_put_number(w, NULL, 1e15, 0);
	json_put_number(w, NULL, NAN, 3);
	json_put_number(w, NULL, INFINITY, 3);
	json_put_boolean(w, NULL, true);
	json_put_boolean(w, NULL, false);
	json_end_array(w);
	assert_written(
	    w, 0, "[7.999798,-0.5,1000000000000000,null,null,true,false]");
}

/* Documents are shown, as --status --json does. */
static void control_characters_are_written_as_escapes(void **state)
{
	struct json_writer *w = json_writer_new();

	(void)state;
	json_begin_array(w, NULL);
	json_put_string(
	    w, NULL, "a\x7f\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0\xc3\x9b");
	json_end_array(w);
	assert_written(
	    w, 0, "[\"a\\u007f\\u0080\\u009b\\u009f\xc2\xa0\xc3\x9b\"]");
	w = json_writer_new();
	json_begin_array(w, NULL);
	json_put_string(w, NULL, "long and plain, then\n\xc3\xa9 and plain");
	json_put_string(w, NULL, "long, then no character:\xff");
	json_end_array(w);
	assert_written(w, ERR_FORMAT, "");
	w = json_writer_new();
	json_begin_array(w, NULL);
	json_put_string(w, NULL, "long and plain, then\n\xc3\xa9 and plain");
	json_end_array(w);
	assert_written(
	    w, 0, "[\"long and plain, then\\u000a\xc3\xa9 and plain\"]");
}

static void calls_that_make_no_json_end_in_an_error(void **state)
{
	struct json_writer *w;

	(void)state;
	assert_written(json_writer_new(), ERR_INTERNAL, "");
	w = json_writer_new();
	json_begin_object(w, NULL);
	assert_written(w, ERR_INTERNAL, "");
	w = json_writer_new();
	json_begin_object(w, NULL);
	json_put_string(w, NULL, "value without a key");
	assert_written(w, ERR_INTERNAL, "");
	w = json_writer_new();
	json_begin_array(w, NULL);
	json_put_string(w, "a", "member of no object");
	assert_written(w, ERR_INTERNAL, "");
	w = json_writer_new();
	json_begin_array(w, NULL);
	json_end_object(w);
	assert_written(w, ERR_INTERNAL, "");
	w = json_writer_new();
	json_put_integer(w, NULL, 1);
	json_put_integer(w, NULL, 2);
	assert_written(w, ERR_INTERNAL, "");
	w = json_writer_new();
	json_end_array(w);
	assert_written(w, ERR_INTERNAL, "");
	json_begin_object(NULL, NULL);
	json_put_integer(NULL, "a", 1);
	json_begin_array(NULL, "b");
	json_put_string(NULL, NULL, "");
	json_end_array(NULL);
	json_end_object(NULL);
	assert_written(NULL, ERR_NOMEM, "");
}

static void too_long_too_deep_or_not_utf8_is_not_written(void **state)
{
	struct json_writer *w = json_writer_new();
	struct buf *out = buf_new(3);

	(void)state;
	json_put_string(w, NULL, "abc");
	assert_int_equal(json_writer_finish(w, out), ERR_LIMIT);
	assert_int_equal(buf_len(out), 0);
	buf_free(out);
	json_writer_free(w);
	w = json_writer_new();
	json_put_string(w, NULL, "\xff");
	assert_written(w, ERR_FORMAT, "");
	w = json_writer_new();
	for (int i = 0; i <= JSON_DEPTH_MAX; i++)
		json_begin_array(w, NULL);
	assert_written(w, ERR_LIMIT, "");
}

/* All text, written and read back. */
static void text_that_was_written_is_read_back(void **state)
{
	struct buf *out = buf_new(1 << 16);
	struct json_writer *w;
	struct json *root;
	char text[128];

	(void)state;
	for (int i = 0; i < 127; i++)
		text[i] = (char)(i + 1);
	text[127] = '\0';
	w = json_writer_new();
	json_put_string(w, NULL, text);
	assert_int_equal(json_writer_finish(w, out), 0);
	assert_int_equal(json_parse(buf_data(out), buf_len(out), &root), 0);
	assert_string_equal(json_string(root), text);
	json_free(root);
	json_writer_free(w);
	buf_free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_written_in_order_and_escaped),
	    cmocka_unit_test(numbers_have_decimals_and_truth_has_words),
	    cmocka_unit_test(control_characters_are_written_as_escapes),
	    cmocka_unit_test(calls_that_make_no_json_end_in_an_error),
	    cmocka_unit_test(too_long_too_deep_or_not_utf8_is_not_written),
	    cmocka_unit_test(text_that_was_written_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

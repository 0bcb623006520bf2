/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static void graphic_characters_are_the_visible_ones_of_ascii(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		const char text[] = {'a', (char)c, 'b'};

		assert_int_equal(
		    text_is_graphic(text, sizeof text), c > 0x20 && c < 0x7f);
	}
	assert_true(text_is_graphic("", 0));
	assert_true(text_is_graphic("ab cd", 2));
}

static void a_byte_of_no_character_becomes_a_question_mark(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		const bool shown = c >= 0x20 && c < 0x7f;
		char text[] = {'a', (char)c, '\n'};

		assert_int_equal(text_is_printable(text, 2), shown);
		text_make_printable(text, 2);
		assert_int_equal(text[0], 'a');
		assert_int_equal((unsigned char)text[1], shown ? c : '?');
		assert_int_equal(text[2], '\n');
	}
}

static void assert_printed(const char *text, const char *expected)
{
	char copy[64], printed[64] = "";
	FILE *to = fmemopen(printed, sizeof printed, "w");

	assert_non_null(to);
	strcpy(copy, text);
	text_make_printable(copy, strlen(copy));
	assert_string_equal(copy, expected);
	text_print(to, text);
	assert_int_equal(fclose(to), 0);
	assert_string_equal(printed, expected);
	assert_int_equal(
	    text_is_printable(text, strlen(text)), strcmp(text, expected) == 0);
}

static void what_would_command_a_terminal_is_not_printed(void **state)
{
	char text[8];

	(void)state;
	/* CSI as ESC [, as U+009B, as a byte; OSC; a line of somebody's own */
	assert_printed("a\x1b[2Jb", "a?[2Jb");
	assert_printed("a\xc2\x9b"
		       "2Jb",
	    "a??2Jb");
	assert_printed("a\x9b"
		       "2Jb",
	    "a?2Jb");
	assert_printed("\x9d"
		       "0;x\x07",
	    "?0;x?");
	assert_printed("x\nsqs: y\r", "x?sqs: y?");
	for (int c = 0x80; c < 0xa0; c++) {
		(void)snprintf(text, sizeof text, "\xc2%c", c);
		assert_printed(text, "??");
	}
	/* What is UTF-8 and no control character stays. */
	assert_printed("\xc2\xa0\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91",
	    "\xc2\xa0\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91");
	/* A C1 control in a longer form, half of a pair, cut, no lead. */
	assert_printed("\xe0\x82\x9b", "???");
	assert_printed("\xed\xa0\x80", "???");
	assert_printed("\xf4\x90\x80\x80", "????");
	assert_printed("a\xe2\x82", "a??");
	assert_printed("\xc3\x9b\x9b", "\xc3\x9b?");
	assert_printed("\xe2\xc2\x9b", "???");
}

static void capitals_alone_become_small(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++)
		assert_int_equal((unsigned char)text_lower((char)c),
		    c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static void assert_number(const char *text, uint64_t max, uint64_t expected)
{
	uint64_t n = 0;

	if (!text_read_number(text, strlen(text), max, &n))
		fail_msg("refused: %s", text);
	assert_true(n == expected);
}

static void digits_are_a_number_up_to_the_maximum(void **state)
{
	(void)state;
	assert_number("0", 0, 0);
	assert_number("000", 0, 0);
	assert_number("7", 7, 7);
	assert_number("007", 7, 7);
	assert_number("4294967295", UINT32_MAX, UINT32_MAX);
	assert_number("18446744073709551615", UINT64_MAX, UINT64_MAX);
	assert_number("018446744073709551615", UINT64_MAX, UINT64_MAX);
}

static void no_other_text_is_a_number(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
	} bad[] = {{"", 9}, {" 1", 9}, {"1 ", 9}, {"+1", 9}, {"-1", 9},
	    {"-0", 9}, {"0x1", 99}, {"1.0", 99}, {"1e1", 99}, {"a", 9},
	    {"1:", 99}, {"1/", 99}, {"\xb2", 9}, {"1\n", 99}, {"1", 0},
	    {"8", 7}, {"10", 9}, {"4294967296", UINT32_MAX},
	    {"18446744073709551616", UINT64_MAX},
	    {"99999999999999999999", UINT64_MAX},
	    {"184467440737095516150", UINT64_MAX}};
	uint64_t n = 42;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (text_read_number(
			bad[i].text, strlen(bad[i].text), bad[i].max, &n))
			fail_msg("accepted: %s", bad[i].text);
	assert_true(n == 42);
}

static void no_more_than_the_given_bytes_are_read(void **state)
{
	uint64_t n = 0;

	(void)state;
	assert_true(text_read_number("123x", 2, 99, &n));
	assert_true(n == 12);
	assert_false(text_read_number("1\0002", 3, 99, &n));
}

static void a_switch_is_true_false_or_not_set(void **state)
{
	static const char *const good[] = {
	    "", "false", "true", "", "FALSE", "True"};
	static const char *const bad[] = {" ", "yes", "1", "0", "on", "t",
	    "true ", " true", "tru\xc3\xa9", "truefalse", "no"};
	enum text_switch value = TEXT_UNSET;

	(void)state;
	for (int i = 0; i < 6; i++) {
		assert_true(text_read_switch(good[i], &value));
		assert_int_equal(value, i % 3);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (text_read_switch(bad[i], &value))
			fail_msg("a switch: \"%s\"", bad[i]);
	assert_int_equal(value, TEXT_TRUE);
}

static void bytes_become_two_small_hexadecimal_digits_each(void **state)
{
	const uint8_t bytes[] = {0x00, 0x0f, 0xf0, 0xff, 0x9a, 0xa9};
	char hex[TEXT_HEX_LEN(sizeof bytes)];

	(void)state;
	text_hex(hex, bytes, sizeof bytes);
	assert_string_equal(hex, "000ff0ff9aa9");
	text_hex(hex, bytes, 0);
	assert_string_equal(hex, "");
}

/* Each cut is between characters, and no byte is written behind size. */
static void a_page_becomes_the_beginning_of_one_line(void **state)
{
	static const char page[] = "\r\n <html>\n\t<h1>caf\xc3\xa9</h1>\n\n";
	char text[32];

	(void)state;
	text_squeeze(text, sizeof text, page, sizeof page - 1);
	assert_string_equal(text, "<html> <h1>caf?"
				  "?</h1>");
	text_squeeze(text, 8, page, sizeof page - 1);
	assert_string_equal(text, "<html>");
	text_squeeze(text, 10, page, sizeof page - 1);
	assert_string_equal(text, "<html> <h");
	text_squeeze(text, sizeof text, "a\0b", 3);
	assert_string_equal(text, "a?b");
	text_squeeze(text, sizeof text, " \n", 2);
	assert_string_equal(text, "");
}

static void what_is_too_long_loses_its_middle(void **state)
{
	static const char said[] =
	    "h\xc3\xa9\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xb2"
	    "middle middle middle"
	    "\xf0\x9f\x8e\xb2\xe2\x82\xac\xc3\xa9\xc3\xa9t";
	const size_t len = strlen(said);
	char out[64];

	(void)state;
	for (size_t size = 16; size <= len + 1; size++) {
		memset(out, '#', sizeof out);
		text_shorten(out, size, said, len);
		assert_int_equal(out[size], '#');
		assert_true(strlen(out) < size);
		assert_true(strlen(out) + 8 >= size);
		assert_true(text_is_printable(out, strlen(out)));
		assert_int_equal(out[0], 'h');
		assert_int_equal(out[strlen(out) - 1], 't');
		assert_int_equal(strstr(out, " ... ") != NULL, size <= len);
	}
	assert_string_equal(out, said);
	memset(out, '\x80', sizeof out);
	text_shorten(out + 40, 16, out, 40);
	assert_true(strlen(out + 40) <= 15);
	text_shorten(out, 16, "", 0);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(graphic_characters_are_the_visible_ones_of_ascii),
	    cmocka_unit_test(a_byte_of_no_character_becomes_a_question_mark),
	    cmocka_unit_test(what_would_command_a_terminal_is_not_printed),
	    cmocka_unit_test(capitals_alone_become_small),
	    cmocka_unit_test(digits_are_a_number_up_to_the_maximum),
	    cmocka_unit_test(no_other_text_is_a_number),
	    cmocka_unit_test(no_more_than_the_given_bytes_are_read),
	    cmocka_unit_test(a_switch_is_true_false_or_not_set),
	    cmocka_unit_test(a_page_becomes_the_beginning_of_one_line),
	    cmocka_unit_test(what_is_too_long_loses_its_middle),
	    cmocka_unit_test(bytes_become_two_small_hexadecimal_digits_each),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}

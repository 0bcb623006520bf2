/* SPDX-License-Identifier: Apache-2.0 */
#include "base/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MOST 12

/* What Python's shlex.split() says; bad: it raises ValueError. */
static const struct {
	const char *line;
	const char *words[MOST];
	bool bad;
} cases[] = {
    {"", {NULL}, false},
    {" \t\r\n", {NULL}, false},
    {"a", {"a"}, false},
    {"  a\tb\nc ", {"a", "b", "c"}, false},
    {"'a b' c", {"a b", "c"}, false},
    {"\"a b\"c", {"a bc"}, false},
    {"a'b'\"c\"d", {"abcd"}, false},
    {"''", {""}, false},
    {"\"\"", {""}, false},
    {"a \"\" b", {"a", "", "b"}, false},
    {"a\\ b", {"a b"}, false},
    {"\\\"", {"\""}, false},
    {"\"a\\\"b\\\\c\\d\"", {"a\"b\\c\\d"}, false},
    {"'a\\\"b\\\\'", {"a\\\"b\\\\"}, false},
    {"C:\\dir", {"C:dir"}, false},
    {"\"C:\\dir\\x\"", {"C:\\dir\\x"}, false},
    {"a;b $HOME | c > d & `e` *",
	{"a;b", "$HOME", "|", "c", ">", "d", "&", "`e`", "*"}, false},
    {"#no comment", {"#no", "comment"}, false},
    {"a#b", {"a#b"}, false},
    {"\"", {NULL}, true},
    {"a 'b", {NULL}, true},
    {"a\\", {NULL}, true},
    {"\"a\\", {NULL}, true},
    {"\"a\\\"", {NULL}, true},
    {"'a\\'", {"a\\"}, false},
    {"a\\\nb", {"a\nb"}, false},
    {"\"a\nb\"", {"a\nb"}, false},
    {"it\\'s", {"it's"}, false},
    {"\"'\"", {"'"}, false},
    {"'\"'", {"\""}, false},
    {"\xc3\xa9"
     " \"\xc3\xbc \xc3\xb6\"",
	{"\xc3\xa9", "\xc3\xbc \xc3\xb6"}, false},
    {"/usr/local/bin/aws_signing_helper credential-process --certificate /etc/pi.pem --private-key \"/etc/pi key.pem\"",
	{"/usr/local/bin/aws_signing_helper", "credential-process",
	    "--certificate", "/etc/pi.pem", "--private-key", "/etc/pi key.pem"},
	false},
    {"''''", {""}, false},
    {"a''b", {"ab"}, false},
    {"\\\\", {"\\"}, false},
    {"a \\  b", {"a", " ", "b"}, false},
    {"\\'a b\\'", {"'a", "b'"}, false},
    {"\"a\"'b'\\c", {"abc"}, false},
    {"\v", {"\v"}, false},
    {"a\fb", {"a\fb"}, false},
};

static void a_line_is_split_as_python_does(void **state)
{
	static struct words w;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const int rc = words_split(&w, cases[i].line);
		int n = 0;

		if (rc != (cases[i].bad ? ERR_FORMAT : 0))
			fail_msg("%s: %s", cases[i].line, err_text(rc));
		if (rc != 0)
			continue;
		for (; cases[i].words[n] != NULL; n++)
			assert_string_equal(w.at[n], cases[i].words[n]);
		assert_int_equal(w.n, n);
		assert_null(w.at[n]);
	}
}

static void a_line_or_list_beyond_the_limit_is_refused(void **state)
{
	static char line[WORDS_TEXT_MAX + 1];
	static struct words w;

	(void)state;
	memset(line, 'x', WORDS_TEXT_MAX);
	assert_int_equal(words_split(&w, line), ERR_LIMIT);
	line[WORDS_TEXT_MAX - 1] = '\0';
	assert_int_equal(words_split(&w, line), 0);
	assert_string_equal(w.at[0], line);
	for (size_t i = 0; i <= WORDS_MAX; i++)
		memcpy(line + 2 * i, "x ", 3);
	assert_int_equal(words_split(&w, line), ERR_LIMIT);
	line[2 * WORDS_MAX] = '\0';
	assert_int_equal(words_split(&w, line), 0);
	assert_int_equal(w.n, WORDS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_is_split_as_python_does),
	    cmocka_unit_test(a_line_or_list_beyond_the_limit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

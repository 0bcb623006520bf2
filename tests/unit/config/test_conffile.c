/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/conffile.h"

static const char *const choices[] = {"mix", "credit", "refuse", NULL};

struct values {
	char queue[32];
	long messages;
	double bits;
	int unsigned_;
	char keys[3][8];
};
static struct values v;
static int lines[6];

static const struct setting rows[] = {
    {"queue", SETTING_STRING, SETTING_FILE,
	SETTING_MEMBER(struct values, queue)},
    {"messages", SETTING_LONG, SETTING_FILE, NULL, 1, 10,
	SETTING_MEMBER(struct values, messages)},
    {"bits-per-byte", SETTING_DOUBLE, SETTING_FILE, NULL, 0.1, 8,
	SETTING_MEMBER(struct values, bits)},
    {"unsigned", SETTING_CHOICE, SETTING_FILE | SETTING_OPTION,
	.choices = choices, SETTING_MEMBER(struct values, unsigned_)},
    /* None of the file's. */
    {"nowhere", SETTING_STRING, SETTING_OPTION,
	SETTING_MEMBER(struct values, queue)},
    {"keys", SETTING_LIST, SETTING_FILE, NULL, 0, 3,
	SETTING_MEMBER(struct values, keys)},
};
static const struct settings settings = {
    rows, sizeof rows / sizeof rows[0], sizeof v};

static char path[64];
static struct err err;

static void defaults(void)
{
	strcpy(v.queue, "default");
	v.messages = 4;
	v.bits = 1.0;
	v.unsigned_ = 2;
	memset(v.keys, 0, sizeof v.keys);
	strcpy(v.keys[0], "before");
	strcpy(v.keys[1], "too");
}

static void assert_defaults(void)
{
	assert_string_equal(v.queue, "default");
	assert_int_equal(v.messages, 4);
	assert_true(v.bits == 1.0);
	assert_int_equal(v.unsigned_, 2);
}

static void write_file(const void *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static int read_text(const char *text)
{
	write_file(text, strlen(text));
	memset(&err, 0, sizeof err);
	defaults();
	return conffile_read(path, &settings, &v, lines, &err);
}

/* The error begins with FILE:LINE and holds what; nothing was changed. */
static void assert_refused(const char *text, int line, const char *what)
{
	char begin[96];

	assert_int_equal(read_text(text), ERR_CONFIG);
	assert_int_equal(err.code, ERR_CONFIG);
	(void)snprintf(begin, sizeof begin, "%s:%d: ", path, line);
	if (strncmp(err.text, begin, strlen(begin)) != 0 ||
	    strstr(err.text, what) == NULL)
		fail_msg("\"%s\" for \"%s\", wanted %s...%s", err.text, text,
		    begin, what);
	assert_defaults();
}

static void each_kind_of_value_is_read_with_its_line(void **state)
{
	(void)state;
	assert_int_equal(read_text("# comment with ${HOME} and \"quote\n"
				   "queue = https://sqs.x/1/q # behind\n"
				   "messages=7\r\n"
				   "  bits-per-byte = \"0.5\"\n"
				   "unsigned = 'credit'\n"),
	    0);
	assert_string_equal(v.queue, "https://sqs.x/1/q");
	assert_int_equal(v.messages, 7);
	assert_true(v.bits == 0.5);
	assert_int_equal(v.unsigned_, 1);
	assert_int_equal(lines[0], 2);
	assert_int_equal(lines[1], 3);
	assert_int_equal(lines[2], 4);
	assert_int_equal(lines[3], 5);
	assert_int_equal(lines[4], 0);
}

static void absent_keys_keep_their_value(void **state)
{
	(void)state;
	assert_int_equal(read_text(""), 0);
	assert_defaults();
	assert_int_equal(read_text("\n# nothing"), 0);
	assert_defaults();
	assert_int_equal(read_text("queue = \"\""), 0);
	assert_string_equal(v.queue, "");
	assert_int_equal(v.messages, 4);
}

static void quotes_take_the_meaning_from_special_characters(void **state)
{
	(void)state;
	assert_int_equal(read_text("queue = \"a # b = {c} \\\" \\\\\"\n"), 0);
	assert_string_equal(v.queue, "a # b = {c} \" \\");
	assert_int_equal(read_text("queue = '${HOME} \\' \"'\n"), 0);
	assert_string_equal(v.queue, "${HOME} ' \"");
	assert_int_equal(read_text("queue = \"\\${HOME}\"\n"), 0);
	assert_string_equal(v.queue, "${HOME}");
	assert_int_equal(read_text("queue = sqs-entropy:a@b;c$d\n"), 0);
	assert_string_equal(v.queue, "sqs-entropy:a@b;c$d");
}

static void a_list_has_braces_or_is_one_value(void **state)
{
	static const struct {
		const char *text, *keys[3];
		int line;
	} cases[] = {{"", {"before", "too", ""}, 0},
	    {"keys = a", {"a", "", ""}, 1}, {"keys = \"\"", {"", "", ""}, 1},
	    {"keys = {\"a\"}", {"a", "", ""}, 1},
	    {"keys = {a, 'b # ,}', c}", {"a", "b # ,}", "c"}, 1},
	    {"messages = 3\nkeys = { # first\n \"a\",\n\n b # last\n}\n"
	     "queue = q\n",
		{"a", "b", ""}, 3},
	    {"keys = {\"\", b}", {"b", "", ""}, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(read_text(cases[i].text), 0);
		for (int k = 0; k < 3; k++)
			assert_string_equal(v.keys[k], cases[i].keys[k]);
		assert_int_equal(lines[5], cases[i].line);
	}
	assert_refused("keys = {a, b,\n c, d}", 2, "more than the 3 allowed");
	assert_refused("keys = {a, b, a}", 1, "\"a\" is given twice");
	assert_refused("keys = {a,\n a2345678}", 2, "longer than the 7");
	assert_refused("keys = a\nkeys = b", 2, "given twice, first in line 1");
	assert_refused("keys = {a, b}\n\nkeys = {c}", 3, "first in line 1");
	assert_refused("keys = {a, b", 1, "write KEY = VALUE");
	assert_refused("keys = {a {b}}", 1, "write KEY = VALUE");
	assert_refused("keys += {a}", 1, "write =");
}

static void an_unknown_key_is_refused_with_those_there_are(void **state)
{
	(void)state;
	assert_refused("\n\nqueu = a\n", 3, "'queu'");
	assert_non_null(
	    strstr(err.text, "queue, messages, bits-per-byte, unsigned"));
	assert_refused("Queue = a\n", 1, "'Queue'");
	assert_refused("include(\"/etc/passwd\")\n", 1, "'include'");
	assert_refused("__unknown = 1\n", 1, "__unknown");
	assert_refused("root = 1\n", 1, "root");
	assert_refused("nowhere = x\n", 1, "'nowhere'");
}

static void an_error_names_the_line_it_is_in(void **state)
{
	(void)state;
	assert_refused("# one\n#two\n\n# four\nmessages = 11\n", 5, "messages");
	assert_refused(
	    "queue = \"a\" # c\n# d\nmessages = # e\n\n0\n", 5, "\"0\"");
	assert_refused("queue = 'a'\n\n\nx = 1", 4, "'x'");
}

static void a_value_outside_its_range_or_choices_is_refused(void **state)
{
	static const char *const longs[] = {"0", "11", "-1", "1.5", "ten",
	    "\"\"", "1x", "0x5", "99999999999999999999", "\" 5\"", "1e1"};
	static const char *const doubles[] = {"0", "0.09", "8.1", "nan", "inf",
	    "1e0", "0x1", "1.0.0", ".", "\"\"", "-1", "1,5"};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof longs / sizeof longs[0]; i++) {
		(void)snprintf(text, sizeof text, "messages = %s", longs[i]);
		assert_refused(text, 1, "is not a whole number from 1 to 10");
	}
	for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
		(void)snprintf(
		    text, sizeof text, "bits-per-byte = %s", doubles[i]);
		assert_refused(text, 1, i == 11 ? "" : "from 0.1 to 8");
	}
	assert_refused("unsigned = Mix", 1, "mix, credit, refuse");
	assert_refused("unsigned = mi", 1, "mix, credit, refuse");
}

static void a_string_too_long_or_with_controls_is_refused(void **state)
{
	(void)state;
	assert_int_equal(
	    read_text("queue = 1234567890123456789012345678901\n"), 0);
	assert_refused("queue = 12345678901234567890123456789012\n", 1,
	    "longer than the 31 characters");
	assert_refused("queue = \"a\tb\"\n", 1, "control characters");
	assert_refused("queue = \"a\x7f\"\n", 1, "control characters");
	assert_refused("queue = \"a\xc2\x9b\"\n", 1, "control characters");
	assert_refused("queue = \"a\x9b\"\n", 1, "control characters");
}

static void a_key_given_twice_is_refused(void **state)
{
	(void)state;
	assert_refused("messages = 5\nqueue = a\nmessages = 5\n", 3,
	    "given twice, first in line 1");
}

static void a_line_that_is_not_key_equals_value_is_refused(void **state)
{
	(void)state;
	assert_refused("queue\n", 2, "write KEY = VALUE");
	assert_refused("queue =\n", 2, "write KEY = VALUE");
	assert_refused("queue a\n", 1, "write KEY = VALUE");
	assert_refused("queue = a b\n", 1, "'b'");
	assert_refused("queue = {a, b}\n", 1, "write KEY = VALUE");
	assert_refused("queue += a\n", 1, "write =");
	assert_refused("queue { a = b }\n", 1, "write KEY = VALUE");
	assert_refused("queue = (a)\n", 1, "write KEY = VALUE");
	assert_refused("= a\n", 1, "write KEY = VALUE");
	assert_refused("queue = a\n}\n", 2, "write KEY = VALUE");
	assert_refused("{{{{", 1, "write KEY = VALUE");
}

/* What libconfuse's lexer does on its own account. */
static void what_the_lexer_of_libconfuse_adds_is_refused(void **state)
{
	(void)state;
	assert_refused("queue = ${HOME}\n", 1, "environment variables");
	assert_refused("\nqueue = \"x${HOME:-y}\"\n", 2, "environment");
	assert_refused("queue = \"$\\\n{HOME}\"\n", 1, "backslash");
	assert_refused("queue = \"abc\nmessages = 5\n", 1, "end on its line");
	assert_refused("queue = 'abc\n", 1, "end on its line");
	assert_refused("queue = \"abc", 1, "end on its line");
	assert_refused("queue = \"abc\\", 1, "backslash");
	assert_refused("queue = 'abc\\", 1, "end on its line");
	assert_refused("queue = \"a\\0b\"\n", 1, "backslash");
	assert_refused("queue = \"a\\x00b\"\n", 1, "backslash");
	assert_refused("/* c */ queue = a\n", 1, "comments begin with #");
	assert_refused("queue = a /* never ended\n", 1, "comments begin");
	assert_refused("// c\nqueue = a\n", 1, "comments begin with #");
	assert_refused("messages = 5*\n", 1, "comments begin with #");
	/* An error leaves nothing behind in its global state. */
	assert_int_equal(read_text("queue = fine\n"), 0);
	assert_string_equal(v.queue, "fine");
}

static void one_bad_line_leaves_every_value_as_it_was(void **state)
{
	(void)state;
	assert_refused(
	    "queue = a\nmessages = 5\nbits-per-byte = 2\nunsigned = x\n", 4,
	    "unsigned");
	assert_refused("queue = a\nmessages = 5\nbogus = 1\n", 3, "'bogus'");
}

static void a_file_with_a_nul_byte_is_refused(void **state)
{
	(void)state;
	write_file("queue = a\0b\n", 12);
	defaults();
	assert_int_equal(
	    conffile_read(path, &settings, &v, lines, &err), ERR_CONFIG);
	assert_non_null(strstr(err.text, "NUL"));
	assert_defaults();
}

static void a_file_beyond_64_kib_is_refused(void **state)
{
	char *text = malloc(65538);

	(void)state;
	assert_non_null(text);
	memset(text, '#', 65537);
	text[65536] = '\0';
	assert_int_equal(read_text(text), 0);
	text[65536] = '#';
	text[65537] = '\0';
	assert_int_equal(read_text(text), ERR_CONFIG);
	assert_non_null(strstr(err.text, "65536 bytes"));
	free(text);
}

static void what_is_absent_or_no_regular_file_is_refused(void **state)
{
	(void)state;
	defaults();
	assert_int_equal(
	    conffile_read("/nonexistent/x.conf", &settings, &v, lines, &err),
	    ERR_ABSENT);
	assert_non_null(strstr(err.text, "/nonexistent/x.conf"));
	assert_int_equal(
	    conffile_read("~/x.conf", &settings, &v, lines, &err), ERR_ABSENT);
	assert_int_equal(
	    conffile_read("/", &settings, &v, lines, &err), ERR_CONFIG);
	assert_non_null(strstr(err.text, "not a regular file"));
	assert_int_equal(
	    conffile_read("/dev/zero", &settings, &v, lines, &err), ERR_CONFIG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(
	    conffile_read(path, &settings, &v, lines, &err), ERR_CONFIG);
	assert_int_equal(unlink(path), 0);
	assert_defaults();
	assert_int_equal(
	    conffile_read(path, &settings, &v, lines, NULL), ERR_ABSENT);
}

static void a_file_that_may_not_be_read_is_refused(void **state)
{
	(void)state;
	if (geteuid() == 0) {
		print_message("skipped: root reads everything\n");
		skip();
	}
	write_file("queue = a\n", 10);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(
	    conffile_read(path, &settings, &v, lines, &err), ERR_CONFIG);
	assert_non_null(strstr(err.text, "Permission denied"));
	assert_int_equal(unlink(path), 0);
}

static int make_path(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/test_conffile.XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	return close(fd);
}

static int remove_path(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_kind_of_value_is_read_with_its_line),
	    cmocka_unit_test(absent_keys_keep_their_value),
	    cmocka_unit_test(quotes_take_the_meaning_from_special_characters),
	    cmocka_unit_test(a_list_has_braces_or_is_one_value),
	    cmocka_unit_test(an_unknown_key_is_refused_with_those_there_are),
	    cmocka_unit_test(an_error_names_the_line_it_is_in),
	    cmocka_unit_test(a_value_outside_its_range_or_choices_is_refused),
	    cmocka_unit_test(a_string_too_long_or_with_controls_is_refused),
	    cmocka_unit_test(a_key_given_twice_is_refused),
	    cmocka_unit_test(a_line_that_is_not_key_equals_value_is_refused),
	    cmocka_unit_test(what_the_lexer_of_libconfuse_adds_is_refused),
	    cmocka_unit_test(one_bad_line_leaves_every_value_as_it_was),
	    cmocka_unit_test(a_file_with_a_nul_byte_is_refused),
	    cmocka_unit_test(a_file_beyond_64_kib_is_refused),
	    cmocka_unit_test(what_is_absent_or_no_regular_file_is_refused),
	    cmocka_unit_test(a_file_that_may_not_be_read_is_refused),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void every_code_has_text_and_exit(void **state)
{
	(void)state;
	assert_int_equal(err_exit(0), 0);
	for (int code = -1; code >= ERR_INTERNAL; code--) {
		assert_true(strlen(err_text(code)) > 3);
		assert_int_not_equal(err_exit(code), 0);
		for (int other = 0; other > code; other--)
			assert_string_not_equal(
			    err_text(code), err_text(other));
	}
}

static void codes_out_of_range_are_internal(void **state)
{
	(void)state;
	assert_string_equal(err_text(1), err_text(ERR_INTERNAL));
	assert_string_equal(err_text(ERR_INTERNAL - 1), err_text(ERR_INTERNAL));
	assert_int_equal(err_exit(INT32_MIN + 1), 70);
	assert_int_equal(err_exit(INT32_MAX), 70);
	assert_int_equal(err_exit(INT32_MIN), 70);
}

static void exit_codes_are_those_of_the_manual(void **state)
{
	static const struct {
		int code, exit;
	} cases[] = {{ERR_USAGE, 64}, {ERR_UNUSABLE, 65}, {ERR_TIMEOUT, 69},
	    {ERR_NET, 69}, {ERR_INTERNAL, 70}, {ERR_EMPTY, 75}, {ERR_PERM, 77},
	    {ERR_NOCRED, 77}, {ERR_DENIED, 77}, {ERR_CONFIG, 78}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(err_exit(cases[i].code), cases[i].exit);
}

static void text_is_one_printable_line(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(
	    err_set(&err, ERR_IO, "a\n%s\x1b[2J\x7f", "\tb"), ERR_IO);
	assert_string_equal(err.text, "a??b?[2J?");
	assert_int_equal(err_set(NULL, ERR_IO, "x"), ERR_IO);
}

static void long_text_loses_its_middle(void **state)
{
	struct err err;
	char big[ERR_TEXT_MAX * 2];

	(void)state;
	memset(big, 'x', sizeof big);
	big[sizeof big - 1] = '\0';
	assert_int_equal(
	    err_set(&err, ERR_IO, "who: %.*s; do this", ERR_TEXT_MAX, big),
	    ERR_IO);
	assert_in_range(strlen(err.text), ERR_TEXT_MAX - 4, ERR_TEXT_MAX - 1);
	assert_memory_equal(err.text, "who: xxx", 8);
	assert_string_equal(
	    err.text + strlen(err.text) - strlen("xxx; do this"),
	    "xxx; do this");
	assert_non_null(strstr(err.text, "x ... x"));
	errno = ENOENT;
	assert_int_equal(err_errno(&err, ERR_IO, "%s", big), ERR_IO);
	assert_non_null(strstr(err.text, "x: No such file or directory"));
}

/* Whatever its length is, it ends within its room: what lies behind is whole.
 */
static void no_text_is_too_long(void **state)
{
	struct {
		struct err err;
		char behind[8];
	} at;
	char big[ERR_TEXT_MAX * 2 + 1];

	(void)state;
	for (size_t len = 0; len < sizeof big; len++) {
		memset(big, 'x', sizeof big);
		big[len] = '\0';
		for (int suffix = 0; suffix < 2; suffix++) {
			memset(&at, 'y', sizeof at);
			if (suffix != 0)
				(void)err_errno(&at.err, ERR_IO, "%s", big);
			else
				(void)err_set(&at.err, ERR_IO, "%s", big);
			assert_memory_equal(at.behind, "yyyyyyyy", 8);
			assert_true(
			    memchr(at.err.text, '\0', ERR_TEXT_MAX) != NULL);
		}
	}
}

static void errno_is_told(void **state)
{
	struct err err;

	(void)state;
	errno = ENOENT;
	assert_int_equal(
	    err_errno(&err, ERR_IO, "cannot open %s", "f"), ERR_IO);
	assert_string_equal(
	    err.text, "cannot open f: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_code_has_text_and_exit),
	    cmocka_unit_test(codes_out_of_range_are_internal),
	    cmocka_unit_test(exit_codes_are_those_of_the_manual),
	    cmocka_unit_test(text_is_one_printable_line),
	    cmocka_unit_test(long_text_loses_its_middle),
	    cmocka_unit_test(no_text_is_too_long),
	    cmocka_unit_test(errno_is_told),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}

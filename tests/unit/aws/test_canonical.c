/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/canonical.h"
#include "base/buf.h"
#include "base/err.h"

typedef int form(struct buf *b, const char *text);

/* What form makes of text, also when something stands before it in b. */
static void assert_form(form *make, const char *text, const char *expected)
{
	static const char *const before[] = {"", "x", "/a/b"};
	size_t i;

	for (i = 0; i < sizeof before / sizeof before[0]; i++) {
		struct buf *b = buf_new(4096);

		assert_non_null(b);
		assert_int_equal(buf_addstr(b, before[i]), 0);
		assert_int_equal(make(b, text), 0);
		assert_memory_equal(buf_str(b), before[i], strlen(before[i]));
		assert_string_equal(buf_str(b) + strlen(before[i]), expected);
		buf_free(b);
	}
}

/* With room for max bytes form says ERR_LIMIT, and with one more it fits. */
static void assert_ceiling(form *make, const char *text, size_t max)
{
	size_t room;

	for (room = 0; room <= max + 1; room++) {
		struct buf *b = buf_new(room);

		assert_non_null(b);
		assert_int_equal(make(b, text), room <= max ? ERR_LIMIT : 0);
		buf_free(b);
	}
}

static void test_value(void **state)
{
	static const char *const cases[][2] = {{"", ""}, {" ", ""}, {"a", "a"},
	    {" a", "a"}, {"a ", "a"}, {"  a   b  ", "a b"}, {"a\t\t b", "a b"},
	    {"\"a   b\"", "\"a b\""}, {"a,b , c", "a,b , c"},
	    {"\xff\x80 \x80", "\xff\x80 \x80"}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_form(canonical_value, cases[i][0], cases[i][1]);
	assert_ceiling(canonical_value, "  a   b ", 2);
}

static void test_name(void **state)
{
	(void)state;
	assert_form(canonical_name, "X-Amz-Date", "x-amz-date");
	assert_form(canonical_name, "@[`{_^Z", "@[`{_^z");
	assert_form(canonical_name, "\xc3\x84", "\xc3\x84");
	assert_ceiling(canonical_name, "Host", 3);
}

static void test_compare(void **state)
{
	(void)state;
	assert_int_equal(canonical_compare("", ""), 0);
	assert_int_equal(canonical_compare("HOST", "host"), 0);
	assert_true(canonical_compare("a", "B") < 0);
	assert_true(canonical_compare("B", "a") > 0);
	assert_true(canonical_compare("a", "a-b") < 0);
	assert_true(canonical_compare("a-b", "A") > 0);
	/* small letters sort after '_' and before '{', unlike capitals */
	assert_true(canonical_compare("A", "_") > 0);
	assert_true(canonical_compare("Z", "~") < 0);
	assert_true(canonical_compare("\xc3", "z") > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_value),
	    cmocka_unit_test(test_name), cmocka_unit_test(test_compare)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

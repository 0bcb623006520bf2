/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/unit_variables.h"

static char path[64], seen[512];

static int note(void *ctx, const char *name, const char *value)
{
	const size_t len = strlen(seen);

	(void)snprintf(seen + len, sizeof seen - len, "%s=%s|", name, value);
	return ctx != NULL && strcmp(name, "STOP") == 0 ? ERR_CANCELED : 0;
}

static int read_text(const char *text, size_t len, void *ctx)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	seen[0] = '\0';
	return unit_variables_read(path, note, ctx);
}

static void assignments_are_read_and_the_rest_is_passed_over(void **state)
{
	static const char text[] = "# A=1\n;B=2\n\n A = 1 \nB=\"two words\"\r\n"
				   "C='x'\nD=\"\nE=\n=F\nno assignment\nG=a=b";

	(void)state;
	assert_int_equal(read_text(text, strlen(text), NULL), 0);
	assert_string_equal(seen, "A=1|B=two words|C=x|D=\"|E=|G=a=b|");
}

static void the_taker_can_end_it(void **state)
{
	static const char text[] = "A=1\nSTOP=\nB=2\n";

	(void)state;
	assert_int_equal(read_text(text, strlen(text), seen), ERR_CANCELED);
	assert_string_equal(seen, "A=1|STOP=|");
}

static void what_cannot_be_read_is_told(void **state)
{
	static char large[UNIT_VARIABLES_MAX + 1];

	(void)state;
	memset(large, '#', sizeof large);
	assert_int_equal(read_text(large, sizeof large - 1, NULL), 0);
	assert_int_equal(read_text(large, sizeof large, NULL), ERR_LIMIT);
	assert_string_equal(seen, "");
	assert_int_equal(
	    unit_variables_read("/nonexistent", note, NULL), ERR_ABSENT);
	assert_int_equal(unit_variables_read("/", note, NULL), ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(assignments_are_read_and_the_rest_is_passed_over),
	    cmocka_unit_test(the_taker_can_end_it),
	    cmocka_unit_test(what_cannot_be_read_is_told),
	};
	int failed;

	(void)snprintf(
	    path, sizeof path, "/tmp/test_unit_variables.%ld", (long)getpid());
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	return failed;
}

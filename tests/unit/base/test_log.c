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

#include "base/log.h"

static char got[8192];
static int pipe_fds[2], saved;

static void capture(void)
{
	assert_int_equal(pipe(pipe_fds), 0);
	saved = dup(STDERR_FILENO);
	assert_true(saved >= 0);
	assert_true(dup2(pipe_fds[1], STDERR_FILENO) >= 0);
	(void)close(pipe_fds[1]);
}

static const char *captured(void)
{
	ssize_t n;

	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	n = read(pipe_fds[0], got, sizeof got - 1);
	got[n > 0 ? n : 0] = '\0';
	(void)close(pipe_fds[0]);
	return got;
}

static void lines_carry_the_name(void **state)
{
	(void)state;
	capture();
	log_open("prog", LOG_LEVEL_NOTICE);
	log_error("one %d", 1);
	log_warning("two");
	log_notice("three");
	log_info("not this");
	log_debug("nor this");
	assert_string_equal(
	    captured(), "prog: one 1\nprog: two\nprog: three\n");
}

static void control_characters_cannot_forge_a_line(void **state)
{
	(void)state;
	capture();
	log_open("prog", LOG_LEVEL_DEBUG);
	log_debug("a\nprog: b\x1b]0;x\x07%s", "\r");
	log_debug("\xc2\x9b"
		  "2J\x9d%s\xc3\xa9",
	    "\xc2\x85");
	assert_string_equal(captured(), "prog: a?prog: b?]0;x??\n"
					"prog: ??2J???\xc3\xa9\n");
}

static void long_lines_are_one_short_write(void **state)
{
	char big[6000];
	const char *line;

	(void)state;
	memset(big, 'y', sizeof big);
	big[sizeof big - 1] = '\0';
	capture();
	log_open("prog", LOG_LEVEL_NOTICE);
	log_notice("%s", big);
	line = captured();
	assert_in_range(strlen(line), 4000, 4096);
	assert_int_equal(line[strlen(line) - 1], '\n');
}

static void the_journal_gets_levels(void **state)
{
	char stream[64];
	struct stat st;

	(void)state;
	capture();
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	(void)snprintf(stream, sizeof stream, "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	log_open("prog", LOG_LEVEL_NOTICE);
	log_error("bad");
	/* The variable is inherited where the descriptor is not. */
	assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0);
	log_open("prog", LOG_LEVEL_NOTICE);
	log_error("bad");
	assert_string_equal(captured(), "<3>bad\nprog: bad\n");
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_carry_the_name),
	    cmocka_unit_test(control_characters_cannot_forge_a_line),
	    cmocka_unit_test(long_lines_are_one_short_write),
	    cmocka_unit_test(the_journal_gets_levels),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/logged.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME "p"

static int file = -1, standard_error = -1;

void logged_begin(enum log_level level)
{
	file = memfd_create("log", MFD_CLOEXEC);
	standard_error = dup(STDERR_FILENO);
	assert_true(file >= 0 && standard_error >= 0);
	(void)fflush(stderr);
	assert_true(dup2(file, STDERR_FILENO) >= 0);
	log_open(NAME, level);
}

void logged_end(void)
{
	assert_true(dup2(standard_error, STDERR_FILENO) >= 0);
	log_open("test", LOG_LEVEL_ERROR - 1);
	(void)close(standard_error);
	(void)close(file);
}

void logged_take(char *text, size_t size)
{
	static char lines[1 << 16];
	const ssize_t len = pread(file, lines, sizeof lines - 1, 0);
	char *line, *rest = lines;
	size_t at = 0;

	assert_true(len >= 0);
	lines[len] = '\0';
	text[0] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0' &&
	       at + 1 < size) {
		assert_int_equal(strncmp(line, NAME ": ", 3), 0);
		at += (size_t)snprintf(
		    text + at, size - at, "%s\n", line + strlen(NAME ": "));
	}
	assert_int_equal(ftruncate(file, 0), 0);
	assert_int_equal(lseek(file, 0, SEEK_SET), 0);
}

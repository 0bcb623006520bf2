/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_failed(const char *condition, const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
	abort();
}

static unsigned expected, went;

static void check_ways(void)
{
	if (went != expected)
		(void)fprintf(
		    stderr, "ways gone: %#x of %#x\n", went, expected);
	FUZZ_CHECK(went == expected);
}

void fuzz_expect_ways(unsigned ways)
{
	if (expected != 0 || getenv("FUZZ_SEEDS") == NULL)
		return;
	expected = (1U << ways) - 1;
	FUZZ_CHECK(atexit(check_ways) == 0);
}

void fuzz_went(unsigned way)
{
	went |= 1U << way;
}

char *fuzz_text(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	if (text == NULL)
		abort();
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	return text;
}

const char *fuzz_file(const uint8_t *data, size_t len)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) != 0 ||
	    pwrite(fd, data, len, 0) != (ssize_t)len)
		abort();
	return path;
}

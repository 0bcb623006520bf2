/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/memory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NEEDLE_MAX 256
#define PIECE      65536
#define BELOW      32768 /* bytes of stack */
/* A larger map is a sanitizer's own. */
#define MAP_MAX    ((uintptr_t)1 << 30)

struct look {
	pid_t pid;
	int fd; /* /proc/PID/mem */
	const uint8_t *bytes;
	size_t len;
	unsigned found;
};

/* What was read holds what is looked for, too. */
static uint8_t piece[PIECE + NEEDLE_MAX];

static bool is_own(const struct look *l, uintptr_t at)
{
	const uintptr_t own = (uintptr_t)piece;

	return l->pid == getpid() &&
	       (at == (uintptr_t)l->bytes ||
		   (at >= own && at < own + sizeof piece));
}

static void count_in_piece(struct look *l, uintptr_t at, size_t len)
{
	const uint8_t *from = piece, *next;

	while ((next = memmem(from, len - (size_t)(from - piece), l->bytes,
		    l->len)) != NULL) {
		if (!is_own(l, at + (uintptr_t)(next - piece)))
			l->found++;
		from = next + 1;
	}
}

/* Each piece begins with the end of the one before, but for a byte. */
static void count_in_map(struct look *l, uintptr_t at, uintptr_t end)
{
	while (at < end) {
		const size_t most = PIECE + l->len - 1;
		const size_t want = end - at < most ? end - at : most;
		const ssize_t got = pread(l->fd, piece, want, (off_t)at);

		if (got < (ssize_t)l->len)
			break;
		count_in_piece(l, at, (size_t)got);
		at += PIECE;
	}
}

static void count_in_maps(struct look *l, FILE *maps)
{
	static char line[512], rights[8];
	unsigned long at, end;

	while (fgets(line, sizeof line, maps) != NULL)
		if (sscanf(line, "%lx-%lx %7s", &at, &end, rights) == 3 &&
		    rights[1] == 'w' && end - at <= MAP_MAX)
			count_in_map(l, at, end);
}

unsigned memory_count(pid_t pid, const void *bytes, size_t len)
{
	/* What is called here leaves the stack above as it was. */
	char below[BELOW];
	static char path[32];
	static struct look l;
	FILE *maps;

	__asm__ volatile("" : : "r"(below) : "memory");
	assert_in_range(len, 1, NEEDLE_MAX);
	l = (struct look){.pid = pid, .bytes = bytes, .len = len};
	(void)snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
	l.fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(l.fd >= 0);
	(void)snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	assert_non_null(maps);
	count_in_maps(&l, maps);
	(void)fclose(maps);
	(void)close(l.fd);
	explicit_bzero(piece, sizeof piece);
	return l.found;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/power.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CUT        90 /* exit codes of the child */
#define EARLY_NAME 91 /* renamed before it was synced */
#define LATE_NAME  92 /* done before the directory was synced */
#define SECTOR     512
#define MOST       (1 << 19)

/* The linker calls ours instead of these (--wrap in tests/rules.mk). */
ssize_t __real_pwrite64(int fd, const void *data, size_t len, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t len, off_t at);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int from, const char *old, int to, const char *new);
int __wrap_renameat(int from, const char *old, int to, const char *new);

/* A file, or none. */
struct image {
	bool exists;
	size_t len;
	uint8_t data[MOST];
};

static unsigned left;      /* calls until the cut; 0: there is none */
static size_t part;        /* bytes that the last write still gets out */
static const char *synced; /* the file of what is on the disk, in the child */
static bool dirty, unnamed, fails;

static void load(const char *path, struct image *image)
{
	const int fd = open(path, O_RDONLY);
	ssize_t n;

	image->exists = fd >= 0;
	image->len = 0;
	if (fd < 0)
		return;
	n = read(fd, image->data, sizeof image->data);
	assert_in_range(n, 0, sizeof image->data - 1);
	image->len = (size_t)n;
	(void)close(fd);
}

static void store(const char *path, const struct image *image)
{
	int fd;

	(void)unlink(path);
	if (!image->exists)
		return;
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, image->data, image->len), image->len);
	(void)close(fd);
}

static bool is_cut(void)
{
	return left > 0 && --left == 0;
}

ssize_t __wrap_pwrite64(int fd, const void *data, size_t len, off_t at)
{
	if (is_cut()) {
		(void)__real_pwrite64(fd, data, part < len ? part : len, at);
		_exit(CUT);
	}
	dirty = true;
	return __real_pwrite64(fd, data, len, at);
}

void power_fail_sync(bool once)
{
	fails = once;
}

/* The disk is played: nothing waits for the real one. */
static int play_sync(int fd)
{
	static struct image image;
	struct stat st;
	char self[40];

	if (is_cut())
		_exit(CUT);
	if (fails || fstat(fd, &st) != 0) {
		fails = false;
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		unnamed = false;
	} else if (synced != NULL) {
		(void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
		load(self, &image);
		store(synced, &image);
		dirty = false;
	}
	return 0;
}

int __wrap_fdatasync(int fd)
{
	return play_sync(fd);
}

int __wrap_fsync(int fd)
{
	return play_sync(fd);
}

int __wrap_renameat(int from, const char *old, int to, const char *new)
{
	if (is_cut())
		_exit(CUT);
	if (synced != NULL && dirty)
		_exit(EARLY_NAME);
	unnamed = true;
	return __real_renameat(from, old, to, new);
}

/* True if the work was done. */
static bool try_work(
    const struct power *p, const char *disk, unsigned n, size_t bytes)
{
	const pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0) {
		synced = disk;
		left = n;
		part = bytes;
		p->work(p->state);
		_exit(unnamed ? LATE_NAME : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != CUT)
		assert_int_equal(WEXITSTATUS(status), 0);
	return WEXITSTATUS(status) == 0;
}

/* The bytes from first to last are new, the others old; or the reverse. */
static void check_mix(const struct power *p, const struct image *old,
    const struct image *new, size_t first, size_t last, bool reverse, bool done)
{
	static struct image mix;
	const struct image *inner = reverse ? old : new;

	mix = reverse ? *new : *old;
	mix.len = new->len;
	if (last > new->len)
		last = new->len;
	if (first < last)
		memcpy(mix.data + first, inner->data + first, last - first);
	store(p->path, &mix);
	p->check(p->state, done);
}

/* What is on the disk is old, and what was in the cache is new. */
static unsigned check_power_cut(const struct power *p, struct image *old,
    const struct image *new, bool done)
{
	size_t from = 0, to = new->len, step;
	unsigned n = 0;

	memset(old->data + old->len, 0, sizeof old->data - old->len);
	while (from < to && old->data[from] == new->data[from])
		from++;
	while (to > from && old->data[to - 1] == new->data[to - 1])
		to--;
	/* Each byte of a head, then some. */
	step = 1 + (to - from) / 24;
	for (size_t cut = from; cut <= to; cut += cut < from + 32 ? 1 : step)
		for (int reverse = 0; reverse < 2; reverse++, n++)
			check_mix(p, old, new, 0, cut, reverse, done);
	step = SECTOR * (1 + (to - from) / SECTOR / 12);
	for (size_t at = from / SECTOR * SECTOR; at < to; at += step)
		for (int reverse = 0; reverse < 2; reverse++, n++)
			check_mix(p, old, new, at, at + SECTOR, reverse, done);
	return n;
}

/* Cut at call n; *checked grows by what was looked at. */
static bool cut_at(const struct power *p, const struct image *before,
    const char *disk, unsigned n, size_t bytes, unsigned *checked)
{
	static struct image old, new;
	bool done;

	store(p->path, before);
	store(disk, before);
	done = try_work(p, disk, n, bytes);
	load(p->path, &new);
	p->check(p->state, done);
	++*checked;
	/* The new name may be on the disk or not; the file is, by then. */
	if (p->makes) {
		store(p->path, done ? &new : before);
		p->check(p->state, done);
		return done;
	}
	load(disk, &old);
	*checked += check_power_cut(p, &old, &new, done);
	return done;
}

unsigned power_cut_everywhere(const struct power *p)
{
	static const size_t parts[] = {0, 1, 9, 20, 4000, SIZE_MAX};
	static struct image before;
	unsigned checked = 0;
	bool done = false;
	char disk[160];

	(void)snprintf(disk, sizeof disk, "%s.disk", p->path);
	load(p->path, &before);
	for (unsigned n = 1; !done; n++)
		for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
			done = cut_at(p, &before, disk, n, parts[i], &checked);
	store(p->path, &before);
	return checked;
}

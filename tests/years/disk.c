/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/years/disk.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/years/sim.h"
#include "tests/years/wrapped.h"

#define SECTOR 512
#define MOST   ((size_t)1 << 19)

struct image {
	bool exists;
	size_t len;
	uint8_t data[MOST];
};

/* NAME and NAME.new. */
enum { OLD, NEW, FILES };

struct disk disk;
static char names[FILES][144];
static unsigned left;            /* calls until the cut; 0: none is to come */
static struct image safe[FILES]; /* what is on the disk */
static struct image last[FILES]; /* what was written when the power went */
static bool renamed;             /* and the directory not synced since */

static void load(const char *path, struct image *image)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	image->exists = fd >= 0;
	if (fd >= 0)
		n = pread(fd, image->data, MOST, 0);
	image->len = n > 0 ? (size_t)n : 0;
	if (fd >= 0)
		(void)close(fd);
}

static void store(const char *path, const struct image *image)
{
	int fd;

	(void)unlink(path);
	if (!image->exists)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || __real_pwrite64(fd, image->data, image->len, 0) !=
			  (ssize_t)image->len)
		err(1, "%s", path);
	(void)close(fd);
}

static bool find_path(int fd, char path[static 256])
{
	char self[32];
	ssize_t n;

	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	n = readlink(self, path, 255);
	path[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static enum disk_place find_place(int fd)
{
	const size_t len = strlen(sim.dir);
	char path[256];

	if (!find_path(fd, path) || strncmp(path, sim.dir, len) != 0)
		return DISK_PLACES;
	return strncmp(path + len, "/state", 6) == 0 ? DISK_STATE : DISK_RUN;
}

void disk_cut_at(const char *name, unsigned n)
{
	(void)snprintf(
	    names[OLD], sizeof names[OLD], "%s/state/%s", sim.dir, name);
	(void)snprintf(
	    names[NEW], sizeof names[NEW], "%s/state/%s.new", sim.dir, name);
	for (size_t i = 0; i < FILES; i++)
		load(names[i], &safe[i]);
	left = n;
	renamed = false;
}

static bool is_cut(void)
{
	if (left == 0 || --left > 0)
		return false;
	for (size_t i = 0; i < FILES; i++)
		load(names[i], &last[i]);
	disk.off = true;
	return true;
}

/* The disk fails, or the power is away. */
static bool is_broken(enum disk_place place)
{
	if (disk.off)
		errno = EIO;
	else if (place == DISK_STATE)
		errno = disk.fails;
	return disk.off || (place == DISK_STATE && disk.fails != 0);
}

ssize_t __wrap_pwrite64(int fd, const void *data, size_t len, off_t at)
{
	const enum disk_place place = find_place(fd);
	const struct timespec times[2] = {
	    {.tv_nsec = UTIME_OMIT}, {.tv_sec = (sim_wall() + sim.off) / 1000}};
	size_t part;
	ssize_t n;

	if (is_broken(place))
		return -1;
	if (place == DISK_STATE && left == 1) {
		part = (size_t)random_below(&sim.chance, (int64_t)len + 1);
		(void)!__real_pwrite64(fd, data, part, at);
	}
	if (place == DISK_STATE && is_cut())
		return -1;
	n = __real_pwrite64(fd, data, len, at);
	if (place == DISK_PLACES)
		return n;
	disk.writes[place]++;
	disk.bytes[place] += n > 0 ? (uint64_t)n : 0;
	if (place == DISK_STATE)
		(void)futimens(fd, times);
	return n;
}

/* Nothing waits for the real disk. */
static int sync_played(int fd)
{
	const enum disk_place place = find_place(fd);
	char path[256];

	if (place != DISK_STATE)
		return 0;
	if (is_broken(place) || is_cut())
		return -1;
	disk.syncs++;
	if (left == 0 || !find_path(fd, path))
		return 0;
	for (size_t i = 0; i < FILES; i++)
		if (strcmp(path, names[i]) == 0)
			load(path, &safe[i]);
	if (strcmp(path, sim_path("state")) == 0 && renamed) {
		safe[OLD] = safe[NEW];
		safe[NEW].exists = renamed = false;
	}
	return 0;
}

int __wrap_fdatasync(int fd)
{
	return sync_played(fd);
}

int __wrap_fsync(int fd)
{
	return sync_played(fd);
}

int __wrap_renameat(int from, const char *old, int to, const char *name)
{
	if (is_broken(find_place(from)) || is_cut())
		return -1;
	renamed = true;
	return __real_renameat(from, old, to, name);
}

/* A file system that cannot be written to opens nothing for that. */
int __wrap_openat64(int dir, const char *name, int flags, mode_t mode)
{
	if ((flags & O_ACCMODE) != O_RDONLY && disk.fails == EROFS &&
	    find_place(dir) == DISK_STATE) {
		errno = EROFS;
		return -1;
	}
	return __real_openat64(dir, name, flags, mode);
}

/* Each sector is that of before or of after; so is each name. */
static void mix(struct image *image, const struct image *old)
{
	if (image->exists != old->exists && sim_draws(0.5))
		*image = *old;
	if (!image->exists || !old->exists || old->len != image->len)
		return;
	for (size_t at = 0; at < image->len; at += SECTOR)
		if (sim_draws(0.5))
			memcpy(image->data + at, old->data + at,
			    at + SECTOR < image->len ? SECTOR
						     : image->len - at);
}

void disk_power_on(void)
{
	/* The file that was renamed was synced before. */
	if (renamed && sim_draws(0.5)) {
		safe[OLD] = safe[NEW];
		safe[NEW].exists = false;
	}
	/* One time in three it was a kill, which loses nothing. */
	if (disk.off && sim_draws(0.67))
		for (size_t i = 0; i < FILES; i++) {
			if (sim_draws(0.3))
				last[i] = safe[i];
			else if (!renamed)
				mix(&last[i], &safe[i]);
			else
				last[i] = safe[i];
		}
	if (disk.off)
		for (size_t i = 0; i < FILES; i++)
			store(names[i], &last[i]);
	disk.off = false;
	left = 0;
}

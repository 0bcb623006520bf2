/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MEMORY_MAJOR  1
#define RANDOM_MINOR  8
#define URANDOM_MINOR 9
/* Between two looks at a device that has nothing yet; hw_random has no
 * poll(2) operation that would tell. */
#define PAUSE_MS      10

static int check_kind(struct source *s, struct err *err)
{
	struct stat st;

	if (fstat(s->fd, &st) != 0)
		return err_errno(err, ERR_IO, "cannot examine %s", s->path);
	s->regular = S_ISREG(st.st_mode);
	if (s->regular || S_ISFIFO(st.st_mode))
		return 0;
	if (!S_ISCHR(st.st_mode))
		return err_set(err, ERR_CONFIG,
		    "%s is not a device: set device to a hardware generator "
		    "such as /dev/hwrng",
		    s->path);
	if (st.st_rdev == makedev(MEMORY_MAJOR, RANDOM_MINOR) ||
	    st.st_rdev == makedev(MEMORY_MAJOR, URANDOM_MINOR))
		return err_set(err, ERR_CONFIG,
		    "%s is the kernel's own generator, not a hardware source: "
		    "set device to one such as /dev/hwrng",
		    s->path);
	return 0;
}

static int open_failed(const char *path, struct err *err)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return err_set(err, ERR_CONFIG,
		    "%s is not there: set device to a hardware generator, or "
		    "load its driver",
		    path);
	case EACCES:
	case EPERM:
		return err_set(err, ERR_PERM,
		    "no permission to read %s: run as a user that may", path);
	default:
		return err_errno(err, ERR_IO, "cannot open %s", path);
	}
}

int source_open(struct source *s, const char *path, struct err *err)
{
	int rc;

	s->path = path;
	s->regular = false;
	s->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (s->fd < 0)
		return open_failed(path, err);
	rc = check_kind(s, err);
	if (rc != 0)
		source_close(s);
	return rc;
}

void source_close(struct source *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}

/* One read(2): *got bytes, 0 for "not yet". */
static int read_some(
    struct source *s, uint8_t *data, size_t len, size_t *got, struct err *err)
{
	ssize_t n = read(s->fd, data, len);

	*got = n > 0 ? (size_t)n : 0;
	if (n > 0)
		return 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return err_errno(
		    err, ERR_IO, "cannot read %s (unplugged?)", s->path);
	return err_set(
	    err, ERR_EOF, "%s has ended: it is no endless source", s->path);
}

static int check_time(const struct source *s, int64_t now, int64_t start,
    int64_t last, struct err *err)
{
	if (now - last >= SOURCE_SILENCE_MS)
		return err_set(err, ERR_TIMEOUT,
		    "%s gave no byte for %d s: is the hardware alive?", s->path,
		    SOURCE_SILENCE_MS / 1000);
	if (now - start >= SOURCE_TOTAL_MS)
		return err_set(err, ERR_TIMEOUT,
		    "%s is too slow: no whole message in %d s (set "
		    "message-bytes lower)",
		    s->path, SOURCE_TOTAL_MS / 1000);
	return 0;
}

static int gather(struct source *s, const struct clock *clock, uint8_t *data,
    size_t len, struct err *err)
{
	const int64_t start = clock_mono(clock);
	int64_t last = start;
	size_t have = 0, got;
	int rc;

	while (have < len) {
		rc = read_some(s, data + have, len - have, &got, err);
		if (rc != 0)
			return rc;
		have += got;
		if (got > 0) {
			last = clock_mono(clock);
			/* A stop must be seen between the reads of a slow
			 * device too. */
			rc = clock_sleep(clock, 0);
		} else {
			rc = check_time(s, clock_mono(clock), start, last, err);
			if (rc == 0)
				rc = clock_sleep(clock, PAUSE_MS);
		}
		if (rc == ERR_CANCELED)
			err_set(err, rc, "told to stop");
		if (rc != 0)
			return rc;
	}
	return 0;
}

int source_read(struct source *s, const struct clock *clock, uint8_t *data,
    size_t len, struct err *err)
{
	int rc = 0;

	if (s->fd < 0)
		rc = source_open(s, s->path, err);
	if (rc == 0)
		rc = gather(s, clock, data, len, err);
	if (rc != 0) {
		explicit_bzero(data, len);
		if (rc == ERR_IO)
			source_close(s);
	}
	return rc;
}

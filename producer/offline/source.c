/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
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
		return err_set(err, ERR_ABSENT,
		    "%s is not there: set device to a hardware generator, or "
		    "load its driver",
		    path);
	case ENXIO:
	case ENODEV:
		return err_set(err, ERR_ABSENT,
		    "%s has no generator behind it: plug it in, or load its "
		    "driver",
		    path);
	case EACCES:
	case EPERM:
		return err_set(err, ERR_PERM,
		    "no permission to read %s: run as a user that may", path);
	default:
		return err_errno(err, ERR_IO, "cannot open %s", path);
	}
}

/* A terminal's usual mode swallows and changes bytes, and sends them back.
 * Its speed stays as it is set. */
static int set_raw(const struct source *s, struct err *err)
{
	struct termios mode;

	if (tcgetattr(s->fd, &mode) == 0) {
		cfmakeraw(&mode);
		mode.c_iflag &= ~(tcflag_t)(IXOFF | INPCK);
		/* A generator is no modem, and gives no carrier. */
		mode.c_cflag |= CLOCAL | CREAD;
		/* read(2) is to give EAGAIN for "not yet", 0 at the end. */
		mode.c_cc[VMIN] = 1;
		mode.c_cc[VTIME] = 0;
		/* Bytes that came in the old mode may be changed ones. */
		if (tcsetattr(s->fd, TCSANOW, &mode) == 0 &&
		    tcflush(s->fd, TCIFLUSH) == 0)
			return 0;
	}
	return err_errno(err, ERR_ABSENT, "cannot set %s to raw mode", s->path);
}

static int open_path(struct source *s, struct err *err)
{
	int rc;

	s->fd = open(s->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (s->fd < 0)
		return open_failed(s->path, err);
	rc = check_kind(s, err);
	if (rc != 0)
		source_close(s);
	return rc;
}

int source_open(struct source *s, const char *path, struct err *err)
{
	int rc;

	*s = (struct source){.path = path};
	rc = open_path(s, err);
	if (rc != 0 || isatty(s->fd) != 1)
		return rc;
	s->tty = true;
	rc = set_raw(s, err);
	if (rc != 0)
		source_close(s);
	return rc;
}

/* After confine_calls() the mode of a terminal cannot be set any more. */
static int open_again(struct source *s, struct err *err)
{
	int rc = open_path(s, err);

	if (rc != 0 || !s->tty || set_raw(s, err) == 0)
		return rc;
	source_close(s);
	s->lost = true;
	return err_set(err, ERR_ABSENT,
	    "%s is back, and can be set to raw mode only at the start: start "
	    "this program anew",
	    s->path);
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
	if (s->tty)
		return err_set(
		    err, ERR_IO, "%s has hung up (unplugged?)", s->path);
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

static int gather_bytes(struct source *s, const struct pace *pace,
    uint8_t *data, size_t len, struct err *err)
{
	const int64_t start = clock_mono(pace->clock);
	int64_t last = start;
	size_t have = 0, got;
	int rc;

	while (have < len) {
		rc = read_some(s, data + have, len - have, &got, err);
		if (rc != 0)
			return rc;
		have += got;
		if (got > 0) {
			last = clock_mono(pace->clock);
			/* A stop must be seen between the reads of a slow
			 * device too. */
			rc = pace->wait(pace->ctx, 0);
		} else {
			rc = check_time(
			    s, clock_mono(pace->clock), start, last, err);
			if (rc == 0)
				rc = pace->wait(pace->ctx, PAUSE_MS);
		}
		if (rc == ERR_CANCELED)
			err_set(err, rc, "told to stop");
		if (rc != 0)
			return rc;
	}
	return 0;
}

int source_read(struct source *s, const struct pace *pace, uint8_t *data,
    size_t len, struct err *err)
{
	int rc = 0;

	if (s->fd < 0)
		rc = open_again(s, err);
	if (rc == 0)
		rc = gather_bytes(s, pace, data, len, err);
	if (rc != 0) {
		explicit_bzero(data, len);
		if (rc == ERR_IO)
			source_close(s);
	}
	return rc;
}

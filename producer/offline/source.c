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

static int judge_kind(const struct stat *st, const char *path, struct err *err)
{
	if (S_ISREG(st->st_mode) || S_ISFIFO(st->st_mode))
		return 0;
	if (!S_ISCHR(st->st_mode))
		return err_set(err, ERR_CONFIG,
		    "%s is not a device: set device to a hardware generator "
		    "such as /dev/hwrng",
		    path);
	if (st->st_rdev == makedev(MEMORY_MAJOR, RANDOM_MINOR) ||
	    st->st_rdev == makedev(MEMORY_MAJOR, URANDOM_MINOR))
		return err_set(err, ERR_CONFIG,
		    "%s is the kernel's own generator, not a hardware source: "
		    "set device to one such as /dev/hwrng",
		    path);
	return 0;
}

static int check_kind(struct source *s, struct err *err)
{
	struct stat st;

	if (fstat(s->fd, &st) != 0)
		return err_errno(err, ERR_IO, "cannot examine %s", s->path);
	s->regular = S_ISREG(st.st_mode);
	s->major = S_ISCHR(st.st_mode) ? major(st.st_rdev) : 0;
	return judge_kind(&st, s->path, err);
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

int source_look(const char *path, struct stat *st, struct err *err)
{
	return stat(path, st) == 0 ? judge_kind(st, path, err)
				   : open_failed(path, err);
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

/* A new descriptor of the same path, so that s->fd stays after a failure. */
static int open_path(
    const struct source *s, struct source *fresh, struct err *err)
{
	int rc;

	*fresh = (struct source){.path = s->path, .tty = s->tty};
	fresh->fd = open(s->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fresh->fd < 0)
		return open_failed(s->path, err);
	rc = check_kind(fresh, err);
	if (rc != 0)
		source_close(fresh);
	return rc;
}

int source_open(struct source *s, const char *path, struct err *err)
{
	const struct source asked = {.path = path};
	int rc = open_path(&asked, s, err);

	if (rc != 0 || isatty(s->fd) != 1)
		return rc;
	s->tty = true;
	rc = set_raw(s, err);
	if (rc != 0)
		source_close(s);
	return rc;
}

/* A descriptor stays good while the device does: /dev/hwrng after an error of
 * its hardware.  So it is tried first, and a device that only root may open is
 * not lost by one error.  After confine_calls() nobody can ask whether a device
 * is a terminal, nor set the mode of one. */
static int open_again(struct source *s, struct err *err)
{
	const char *why = "can be opened";
	struct source fresh;
	int rc = open_path(s, &fresh, err);

	if (rc != 0 && rc != ERR_PERM)
		return rc;
	if (rc == 0 && fresh.major != s->major)
		why = "is another kind of device now, which can be opened";
	else if (rc == 0 && s->tty && set_raw(&fresh, err) != 0)
		why = "is back, and can be set to raw mode";
	else if (rc == 0) {
		source_close(s);
		*s = fresh;
		return 0;
	}
	source_close(&fresh);
	s->lost = true;
	return err_set(err, ERR_ABSENT,
	    "%s %s only at the start: start this program anew", s->path, why);
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

static int check_time(const struct source *s, const struct gathering *g,
    int64_t now, struct err *err)
{
	if (now - g->last >= SOURCE_SILENCE_MS)
		return err_set(err, ERR_TIMEOUT,
		    "%s gave no byte for %d s: is the hardware alive?", s->path,
		    SOURCE_SILENCE_MS / 1000);
	if (now - g->begun >= SOURCE_TOTAL_MS)
		return err_set(err, ERR_TIMEOUT,
		    "%s is too slow: no whole message in %d s (set "
		    "message-bytes lower)",
		    s->path, SOURCE_TOTAL_MS / 1000);
	return 0;
}

void source_begin(
    struct gathering *g, const struct clock *clock, uint8_t *data, size_t len)
{
	*g = (struct gathering){.data = data, .len = len};
	g->begun = g->last = clock_mono(clock);
}

static int gather_some(struct source *s, struct gathering *g,
    const struct clock *clock, size_t *got, struct err *err)
{
	int rc = ERR_IO;

	if (s->fd >= 0)
		rc =
		    read_some(s, g->data + g->have, g->len - g->have, got, err);
	if (rc != 0)
		return rc;
	g->have += *got;
	if (*got == 0)
		return check_time(s, g, clock_mono(clock), err);
	g->last = clock_mono(clock);
	return 0;
}

/* A regular file that has ended would begin at its start, and give the same
 * bytes, unless another one has its name now. */
static bool may_open_again(const struct source *s, int rc)
{
	struct stat now, then;

	if (rc == ERR_EOF && s->regular)
		return stat(s->path, &now) != 0 || fstat(s->fd, &then) != 0 ||
		       now.st_dev != then.st_dev || now.st_ino != then.st_ino;
	return rc == ERR_IO || rc == ERR_EOF;
}

int source_go_on(struct source *s, struct gathering *g,
    const struct clock *clock, size_t *got, struct err *err)
{
	int rc;

	*got = 0;
	rc = gather_some(s, g, clock, got, err);
	if (s->failed && !g->again && may_open_again(s, rc)) {
		rc = open_again(s, err);
		s->gone = rc != 0;
		source_begin(g, clock, g->data, g->len);
		g->again = true;
	}
	if (rc != 0)
		explicit_bzero(g->data, g->len);
	if (rc != 0 || g->have == g->len)
		s->failed = rc != 0;
	return rc;
}

int source_pause(const struct pace *pace, bool came, struct err *err)
{
	/* A stop must be seen between the reads of a slow device too. */
	const int rc = pace->wait(pace->ctx, came ? 0 : PAUSE_MS);

	if (rc == ERR_CANCELED)
		(void)err_set(err, rc, "told to stop");
	return rc;
}

int source_read(struct source *s, const struct pace *pace, uint8_t *data,
    size_t len, struct err *err)
{
	struct gathering g;
	int rc = 0;

	source_begin(&g, pace->clock, data, len);
	while (rc == 0 && g.have < len) {
		size_t got;

		rc = source_go_on(s, &g, pace->clock, &got, err);
		if (rc == 0)
			rc = source_pause(pace, got > 0, err);
	}
	if (rc != 0)
		explicit_bzero(data, len);
	return rc;
}

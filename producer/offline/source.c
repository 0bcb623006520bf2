/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/source.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MEMORY_MAJOR  1
#define RANDOM_MINOR  8
#define URANDOM_MINOR 9
/* Between two looks at a device that has nothing yet; hw_random has no
 * poll(2) operation that would tell. */
#define PAUSE_MS      10
/* The timer stops by itself, so that most reads need no call for it. */
#define IDLE_TICKS    2

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
	s->fifo = S_ISFIFO(st.st_mode);
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

static timer_t hurry_timer;
static pid_t timer_owner; /* a child has none of its parent's timers */
static volatile sig_atomic_t reading, ticking, idle_ticks;

static void on_hurry(int signal)
{
	const int saved = errno;
	const struct itimerspec none = {{0}, {0}};

	(void)signal;
	idle_ticks = reading ? 0 : idle_ticks + 1;
	if (idle_ticks == IDLE_TICKS) {
		ticking = 0;
		(void)timer_settime(hurry_timer, 0, &none, NULL);
	}
	errno = saved;
}

static int make_timer(struct err *err)
{
	struct sigevent event = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	/* Without SA_RESTART a read(2) that sleeps in a driver is ended. */
	const struct sigaction action = {.sa_handler = on_hurry};
	sigset_t set;

	if (timer_owner == getpid())
		return 0;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGALRM);
	if (sigaction(SIGALRM, &action, NULL) != 0 ||
	    sigprocmask(SIG_UNBLOCK, &set, NULL) != 0 ||
	    timer_create(CLOCK_MONOTONIC, &event, &hurry_timer) != 0)
		return err_errno(err, ERR_IO, "cannot make a timer");
	timer_owner = getpid();
	ticking = 0;
	return 0;
}

void source_hurry(bool on)
{
	/* It goes on: one signal could come a moment before the read(2). */
	const struct timespec step = {.tv_nsec = SOURCE_READ_MS * 1000000L};
	const struct itimerspec all = {step, step};

	reading = on;
	if (!on || ticking || timer_owner == 0)
		return;
	idle_ticks = 0;
	ticking = 1;
	(void)timer_settime(hurry_timer, 0, &all, NULL);
}

static int prepare_source(struct source *s, struct err *err)
{
	const int rc = check_kind(s, err);

	if (rc != 0 || isatty(s->fd) != 1)
		return rc;
	s->tty = true;
	return set_raw(s, err);
}

int source_open(struct source *s, const char *path, struct err *err)
{
	int rc = make_timer(err);

	*s = (struct source){.fd = -1, .path = path};
	if (rc != 0)
		return rc;
	s->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (s->fd < 0)
		return open_failed(path, err);
	rc = prepare_source(s, err);
	if (rc != 0)
		source_close(s);
	return rc;
}

/* A descriptor stays good while the device does: /dev/hwrng after an error of
 * its hardware.  So it is tried first, and a device that only root may open is
 * not lost by one error. */
static int open_again(struct source *s, struct err *err)
{
	struct source fresh;
	const int rc = source_open(&fresh, s->path, err);

	s->lost = rc == ERR_PERM;
	if (s->lost)
		return err_set(err, ERR_ABSENT,
		    "%s can be opened only at the start: start this program "
		    "anew",
		    s->path);
	/* While it is open, what is plugged in gets another number, which a
	 * service cannot see. */
	if (rc == 0 || (rc == ERR_ABSENT && s->major != 0))
		source_close(s);
	if (rc != 0)
		return rc;
	fresh.awaited = s->awaited;
	*s = fresh;
	return 0;
}

void source_close(struct source *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}

/* True if path is not that of the open file any more, as far as this process
 * may see. */
static bool leads_elsewhere(const struct source *s)
{
	struct stat now, then;

	if (stat(s->path, &now) != 0)
		return errno != EACCES;
	return fstat(s->fd, &then) != 0 || now.st_dev != then.st_dev ||
	       now.st_ino != then.st_ino;
}

/* One read(2): *got bytes, 0 for "not yet". */
static int read_some(
    struct source *s, uint8_t *data, size_t len, size_t *got, struct err *err)
{
	ssize_t n = read(s->fd, data, len);

	*got = n > 0 ? (size_t)n : 0;
	s->alone = false;
	s->slept = n < 0 && errno == EINTR;
	if (n > 0)
		return 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return err_errno(
		    err, ERR_IO, "cannot read %s (unplugged?)", s->path);
	s->alone = s->awaited && s->fifo && !leads_elsewhere(s);
	if (s->alone)
		return 0;
	if (s->tty)
		return err_set(
		    err, ERR_IO, "%s has hung up (unplugged?)", s->path);
	return err_set(
	    err, ERR_EOF, "%s has ended: it is no endless source", s->path);
}

static int check_time(const struct source *s, const struct gathering *g,
    int64_t now, struct err *err)
{
	if (now - g->last >= SOURCE_SILENCE_MS && s->alone)
		return err_set(err, ERR_TIMEOUT,
		    "%s had no writer for %d s: start what writes to it",
		    s->path, SOURCE_SILENCE_MS / 1000);
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

static void begin_anew(
    struct source *s, struct gathering *g, const struct clock *clock)
{
	s->written = false;
	explicit_bzero(g->data, g->len);
	source_begin(g, clock, g->data, g->len);
	g->anew = true;
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
	if (s->alone && s->written)
		begin_anew(s, g, clock);
	if (*got == 0)
		return check_time(s, g, clock_mono(clock), err);
	s->written = true;
	g->last = clock_mono(clock);
	return 0;
}

/* A regular file that has ended would begin at its start, and give the same
 * bytes, unless another one has its name now. */
static bool may_open_again(const struct source *s, int rc)
{
	if (rc == ERR_EOF && s->regular)
		return leads_elsewhere(s);
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
	source_hurry(true);
	while (rc == 0 && g.have < len) {
		size_t got;

		rc = source_go_on(s, &g, pace->clock, &got, err);
		if (rc == 0)
			rc = source_pause(pace, got > 0, err);
	}
	source_hurry(false);
	if (rc != 0)
		explicit_bzero(data, len);
	return rc;
}

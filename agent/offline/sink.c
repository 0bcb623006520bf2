/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "agent/offline/inject.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/record.h"

#define POLL_NS 10000000
/* For messages that came just before the deadline. */
#define LATE_MS 500

/* Blocks are reserved beyond the end, so that the size stays as it was. */
static int reserve(const struct sink *s, size_t max, struct err *err)
{
	if (fallocate(s->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)max) == 0 ||
	    errno == EOPNOTSUPP || errno == ENOSYS)
		return 0;
	return err_errno(
	    err, ERR_IO, "no room for %zu bytes in %s", max, s->name);
}

/* Standard output is a file of the shell's: no blocks are reserved in it. */
static int check_room(const struct sink *s, size_t max, struct err *err)
{
	struct statvfs vfs;

	/* A file system without blocks has no limit or does not tell it. */
	if (fstatvfs(s->fd, &vfs) != 0 || vfs.f_frsize == 0 ||
	    vfs.f_blocks == 0 || vfs.f_bavail > max / vfs.f_frsize)
		return 0;
	return err_set(
	    err, ERR_IO, "no room for %zu bytes in %s", max, s->name);
}

/* poll(2) tells that a pipe has no reader before anything is written. */
static int check_reader(const struct sink *s, struct err *err)
{
	struct pollfd p = {.fd = s->fd, .events = POLLOUT};

	if (poll(&p, 1, 0) >= 0 && (p.revents & (POLLERR | POLLNVAL)) != 0)
		return err_set(err, ERR_IO,
		    "nobody reads %s: it is closed at the other end", s->name);
	return 0;
}

static bool names_fifo(const char *name)
{
	struct stat st;

	return stat(name, &st) == 0 && S_ISFIFO(st.st_mode);
}

/* Without O_NONBLOCK a FIFO that nobody reads would never be open. */
static int open_named(const char *name, int64_t deadline)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	int fd;

	for (;;) {
		fd = open(name,
		    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		    0600);
		if (fd >= 0 || errno != ENXIO)
			return fd;
		/* Other files without a peer get none by waiting. */
		if (!names_fifo(name)) {
			errno = ENXIO;
			return -1;
		}
		if (clock_read(CLOCK_MONOTONIC) >= deadline) {
			errno = ETIMEDOUT;
			return -1;
		}
		(void)nanosleep(&pause, NULL);
	}
}

static int open_output(struct sink *s, const char *output, struct err *err)
{
	if (strcmp(output, "-") == 0) {
		s->name = "standard output";
		s->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		s->name = output;
		s->fd = open_named(output, s->deadline);
	}
	if (s->fd >= 0)
		return 0;
	if (errno == ETIMEDOUT)
		return err_set(err, ERR_TIMEOUT,
		    "nobody has opened %s to read it, within --timeout",
		    s->name);
	return err_errno(err, errno == EACCES ? ERR_PERM : ERR_IO,
	    "cannot open %s", s->name);
}

static int check_sink(struct sink *s, bool named, size_t max, struct err *err)
{
	struct stat st;

	if (fstat(s->fd, &st) != 0)
		return err_errno(err, ERR_IO, "cannot examine %s", s->name);
	if ((fcntl(s->fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return err_set(
		    err, ERR_IO, "%s is not open for writing", s->name);
	if (!S_ISREG(st.st_mode))
		return check_reader(s, err);
	if (!named)
		return check_room(s, max, err);
	s->regular = true;
	return reserve(s, max, err);
}

int sink_open(struct sink *s, const char *output, size_t max, int64_t deadline,
    struct err *err)
{
	int rc;

	*s = (struct sink){
	    .fd = -1, .name = INJECT_DEVICE, .deadline = deadline};
	s->kernel = output[0] == '\0';
	if (s->kernel)
		return inject_open(&s->fd, err);
	rc = open_output(s, output, err);
	if (rc == 0)
		rc = check_sink(s, strcmp(output, "-") != 0, max, err);
	if (rc != 0)
		sink_close(s);
	return rc;
}

int sink_probe(const struct sink *s, struct err *err)
{
	if (s->kernel)
		return inject_probe(s->fd, err);
	return s->regular ? 0 : check_reader(s, err);
}

int sink_mix(const struct sink *s, const void *data, size_t len)
{
	return s->kernel ? file_write(s->fd, data, len) : 0;
}

/* poll(2) tells of a pipe when PIPE_BUF bytes fit: these do not block, also
 * where the descriptor is the caller's and does. */
static int write_bytes(const struct sink *s, const struct buf *bytes)
{
	const uint8_t *p = buf_data(bytes);
	size_t left = buf_len(bytes);

	while (left > 0) {
		const size_t n = left < PIPE_BUF ? left : PIPE_BUF;
		ssize_t done;
		int rc = record_wait(s->fd, POLLOUT, -1, s->deadline + LATE_MS);

		if (rc != 0)
			return rc;
		done = write(s->fd, p, n);
		if (done < 0 && errno != EINTR && errno != EAGAIN)
			return ERR_IO;
		if (done > 0) {
			p += done;
			left -= (size_t)done;
		}
	}
	return 0;
}

int sink_put(const struct sink *s, const struct buf *bytes, unsigned bits,
    struct err *err)
{
	int rc;

	if (s->kernel)
		return inject(s->fd, bytes, bits, s->at_once, err);
	rc = write_bytes(s, bytes);
	if (rc == ERR_TIMEOUT)
		return err_set(err, rc,
		    "%s is read too slowly for --timeout: what is left of %zu "
		    "bytes is lost",
		    s->name, buf_len(bytes));
	if (rc != 0)
		return err_errno(err, ERR_IO,
		    "cannot write %zu bytes to %s, and they are lost",
		    buf_len(bytes), s->name);
	if (s->regular &&
	    (ftruncate(s->fd, (off_t)buf_len(bytes)) != 0 || fsync(s->fd) != 0))
		return err_errno(
		    err, ERR_IO, "cannot finish writing %s", s->name);
	return 0;
}

void sink_close(struct sink *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}

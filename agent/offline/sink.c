/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/offline/inject.h"
#include "base/file.h"

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

static int open_output(struct sink *s, const char *output, struct err *err)
{
	if (strcmp(output, "-") == 0) {
		s->name = "standard output";
		s->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		s->name = output;
		s->fd = open(
		    output, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	}
	if (s->fd >= 0)
		return 0;
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

int sink_open(struct sink *s, const char *output, size_t max, struct err *err)
{
	int rc;

	*s = (struct sink){.fd = -1, .name = INJECT_DEVICE};
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

int sink_put(const struct sink *s, const struct buf *bytes, unsigned bits,
    struct err *err)
{
	if (s->kernel)
		return inject(s->fd, bytes, bits, err);
	if (file_write(s->fd, buf_data(bytes), buf_len(bytes)) != 0)
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/setup/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* Bytes of a name beside the file, with the NUL. */
#define BESIDE_MAX (NAME_MAX + 1)

static int fail_to_write(const char *path, struct err *err)
{
	return err_errno(err,
	    errno == EACCES || errno == EPERM || errno == EROFS ? ERR_PERM
								: ERR_IO,
	    "cannot write %s", path);
}

static bool holds_already(
    int dir_fd, const char *name, mode_t mode, const struct buf *content)
{
	const int fd = openat(
	    dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	const size_t len = buf_len(content);
	uint8_t *space;
	struct buf *had = buf_new_zero(len + 1, &space);
	struct stat st;
	bool same = false;
	size_t got;

	if (fd >= 0 && had != NULL && fstat(fd, &st) == 0 &&
	    S_ISREG(st.st_mode) && (st.st_mode & 07777) == mode &&
	    file_read_open(fd, space, len + 1, &got) == 0)
		same = got == len && memcmp(space, buf_data(content), len) == 0;
	buf_free(had);
	if (fd >= 0)
		(void)close(fd);
	return same;
}

/* A file NAME.new of an earlier try that was cut short is in the way. */
static int write_beside(
    int dir_fd, const char *beside, const struct buf *content, mode_t mode)
{
	int fd, rc = ERR_IO, saved;

	(void)unlinkat(dir_fd, beside, 0);
	fd = openat(dir_fd, beside,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return ERR_IO;
	if (file_write(fd, buf_data(content), buf_len(content)) == 0 &&
	    fchmod(fd, mode) == 0 && fsync(fd) == 0)
		rc = 0;
	saved = errno;
	(void)close(fd);
	if (rc != 0)
		(void)unlinkat(dir_fd, beside, 0);
	errno = saved;
	return rc;
}

static int keep_old(int dir_fd, const char *name)
{
	char old[BESIDE_MAX];

	if ((size_t)snprintf(old, sizeof old, "%s.bak", name) >= sizeof old) {
		errno = ENAMETOOLONG;
		return ERR_IO;
	}
	(void)unlinkat(dir_fd, old, 0);
	if (linkat(dir_fd, name, dir_fd, old, 0) != 0 && errno != ENOENT)
		return ERR_IO;
	return 0;
}

static int replace_file(int dir_fd, const char *name, const struct buf *content,
    mode_t mode, bool keep)
{
	char beside[BESIDE_MAX];
	int rc;

	if ((size_t)snprintf(beside, sizeof beside, "%s.new", name) >=
	    sizeof beside) {
		errno = ENAMETOOLONG;
		return ERR_IO;
	}
	rc = write_beside(dir_fd, beside, content, mode);
	if (rc == 0 && keep)
		rc = keep_old(dir_fd, name);
	if (rc == 0 && renameat(dir_fd, beside, dir_fd, name) != 0)
		rc = ERR_IO;
	/* A file system that cannot sync a directory answers EINVAL. */
	if (rc == 0 && fsync(dir_fd) != 0 && errno != EINVAL)
		rc = ERR_IO;
	return rc;
}

int write_whole(const char *path, const struct buf *content, mode_t mode,
    bool keep, bool *changed, struct err *err)
{
	const char *name;
	const int dir_fd = file_open_parent(path, &name);
	int rc = 0;

	*changed = false;
	if (dir_fd < 0)
		return fail_to_write(path, err);
	if (!holds_already(dir_fd, name, mode, content)) {
		rc = replace_file(dir_fd, name, content, mode, keep);
		if (rc != 0)
			rc = fail_to_write(path, err);
		*changed = rc == 0;
	}
	(void)close(dir_fd);
	return rc;
}

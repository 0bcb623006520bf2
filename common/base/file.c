/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int file_write(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_IO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_read_open(int fd, void *data, size_t max, size_t *len)
{
	uint8_t *p = data;
	uint8_t beyond;
	ssize_t n;

	*len = 0;
	for (;;) {
		if (*len < max)
			n = read(fd, p + *len, max - *len);
		else
			n = read(fd, &beyond, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_IO;
		if (n == 0)
			return 0;
		if (*len == max)
			return ERR_LIMIT;
		*len += (size_t)n;
	}
}

int file_open(const char *path, int *fd)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*fd >= 0)
		return 0;
	return errno == ENOENT || errno == ENOTDIR ? ERR_ABSENT : ERR_IO;
}

int file_read(const char *path, void *data, size_t max, size_t *len)
{
	int fd, saved, rc = file_open(path, &fd);

	if (rc != 0)
		return rc;
	rc = file_read_open(fd, data, max, len);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return rc;
}

int file_open_parent(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX] = ".";
	size_t len;

	*name = slash != NULL ? slash + 1 : path;
	len = (size_t)(*name - path);
	if (len >= sizeof directory) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (len > 0) {
		memcpy(directory, path, len);
		directory[len] = '\0';
	}
	return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

const char *file_directory(const char *variable, const char *fallback)
{
	const char *given = getenv(variable);

	return given != NULL && given[0] == '/' ? given : fallback;
}

/* What is synced in a new directory is lost with the directory's own name. */
static void sync_name(const char *path)
{
	const char *name;
	const int parent = file_open_parent(path, &name);

	if (parent < 0)
		return;
	(void)fsync(parent);
	(void)close(parent);
}

const char *file_make_directory(
    const char *variable, const char *fallback, mode_t mode)
{
	const char *directory = file_directory(variable, fallback);

	if (mkdir(directory, mode) == 0)
		sync_name(directory);
	return directory;
}

bool file_is_ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* From a sticky directory only owners can take files away. */
static bool is_guarded(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && file_is_ours(&st) &&
	       ((st.st_mode & (S_IWGRP | S_IWOTH)) == 0 ||
		   (S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX) != 0));
}

bool file_is_guarded(const char *path)
{
	char real[PATH_MAX], *slash;

	if (realpath(path, real) == NULL)
		return false;
	while (is_guarded(real)) {
		slash = strrchr(real, '/');
		if (slash == real)
			return is_guarded("/");
		*slash = '\0';
	}
	return false;
}

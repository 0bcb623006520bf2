/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status_file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define DIRECTORY_VARIABLE "RUNTIME_DIRECTORY"
#define TRIES              8 /* to write while others do */
#define PIECE              512

const char *status_file_directory(const char *fallback)
{
	return file_directory(DIRECTORY_VARIABLE, fallback);
}

int status_file_open(const char *fallback, const char *name)
{
	const int directory =
	    open(file_make_directory(DIRECTORY_VARIABLE, fallback, 0755),
		O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int fd;

	if (directory < 0)
		return -1;
	fd = openat(directory, name,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	/* openat(2) reduced the mode by the umask; anybody may read it. */
	if (fd >= 0)
		(void)fchmod(fd, 0644);
	(void)close(directory);
	return fd;
}

static int pad_text(int fd, struct buf *text)
{
	struct stat st;
	int rc = 0;

	if (fstat(fd, &st) != 0)
		return ERR_IO;
	while (rc == 0 && (off_t)buf_len(text) < st.st_size)
		rc = buf_add(text, "\n", 1);
	return rc;
}

static int write_and_cut(int fd, struct buf *text, size_t len)
{
	int rc = pad_text(fd, text);

	if (rc == 0 && (pwrite(fd, buf_data(text), buf_len(text), 0) !=
			       (ssize_t)buf_len(text) ||
			   ftruncate(fd, (off_t)len) != 0))
		rc = ERR_IO;
	return rc;
}

/* True if the file holds that and no more. */
static bool holds_just(int fd, const uint8_t *text, size_t len)
{
	uint8_t piece[PIECE];
	size_t at = 0;
	ssize_t n;

	while ((n = pread(fd, piece, sizeof piece, (off_t)at)) > 0) {
		if ((size_t)n > len - at ||
		    memcmp(piece, text + at, (size_t)n) != 0)
			return false;
		at += (size_t)n;
	}
	return n == 0 && at == len;
}

/* Another process may write between the two calls of this one, and the cut is
 * then wrong for what it wrote.  Whoever comes last looks last, and writes
 * again. */
int status_file_write(int fd, struct buf *text)
{
	const size_t len = buf_len(text);
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < TRIES; i++) {
		rc = write_and_cut(fd, text, len);
		if (rc == 0 && holds_just(fd, buf_data(text), len))
			break;
	}
	return rc;
}

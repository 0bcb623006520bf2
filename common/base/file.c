/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "base/err.h"

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

static int read_all(int fd, uint8_t *p, size_t max, size_t *len)
{
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

int file_read(const char *path, void *data, size_t max, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc, saved;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? ERR_ABSENT
							   : ERR_IO;
	rc = read_all(fd, data, max, len);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return rc;
}

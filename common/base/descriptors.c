/* SPDX-License-Identifier: Apache-2.0 */
#include "base/descriptors.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sanitized.h"

#define FIRST (STDERR_FILENO + 1)
/* Beyond this number no shell opens a file, and nothing is noted. */
#define NOTED 1024

static bool inherited[NOTED];

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

void descriptors_init(void)
{
	for (int fd = 0; fd < FIRST; fd++)
		/* open(2) takes the lowest number, which is fd. */
		if (!is_open(fd) &&
		    open("/dev/null",
			fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return;
	for (int fd = FIRST; fd < NOTED; fd++)
		inherited[fd] = is_open(fd);
#ifdef SYS_close_range
	/* Linux 5.9.  Older kernels leave them open. */
	(void)syscall(SYS_close_range, NOTED, ~0U, 0);
#endif
}

int descriptors_let_go(void)
{
	const int last = SANITIZED ? STDOUT_FILENO : STDERR_FILENO;
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || log_keep() != 0)
		return ERR_IO;
	for (int fd = 0; fd <= last; fd++)
		if (dup2(null, fd) != fd)
			return ERR_IO;
	(void)close(null);
	for (int fd = FIRST; fd < NOTED; fd++)
		if (inherited[fd])
			(void)close(fd);
	return 0;
}

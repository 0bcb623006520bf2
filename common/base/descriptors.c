/* SPDX-License-Identifier: Apache-2.0 */
#include "base/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
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

/* "." and ".." read as 0, which is below FIRST. */
static void note_listed(DIR *list)
{
	const struct dirent *entry;

	while ((entry = readdir(list)) != NULL) {
		const long fd = strtol(entry->d_name, NULL, 10);

		if (fd >= FIRST && fd < NOTED && fd != dirfd(list))
			inherited[fd] = true;
	}
}

/* The kernel's list costs far less than a call for each number. */
static void note_inherited(void)
{
	DIR *list = opendir("/proc/self/fd");

	if (list != NULL) {
		note_listed(list);
		(void)closedir(list);
		return;
	}
	for (int fd = FIRST; fd < NOTED; fd++)
		inherited[fd] = is_open(fd);
}

void descriptors_init(void)
{
	for (int fd = 0; fd < FIRST; fd++)
		/* open(2) takes the lowest number, which is fd. */
		if (!is_open(fd) &&
		    open("/dev/null",
			fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return;
	note_inherited();
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

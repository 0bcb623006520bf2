/* SPDX-License-Identifier: Apache-2.0 */
/* A unit test fails unless it ends with the descriptors that it began with: one
 * more was left open by the product, or by the test itself. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "aid/failing.h"

#define MOST 1024

static bool was_open[MOST];

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

__attribute__((constructor)) static void note_descriptors(void)
{
	for (int fd = 0; fd < MOST; fd++)
		was_open[fd] = is_open(fd);
}

static void tell_descriptor(int fd)
{
	char path[32], target[256];
	ssize_t len;

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	len = readlink(path, target, sizeof target);
	(void)fprintf(stderr, "[  FAILED  ] left_open: %d, %.*s\n", fd,
	    len > 0 ? (int)len : 0, target);
}

__attribute__((destructor)) static void compare_descriptors(void)
{
	bool more = false;

	failing_hold(true);
	for (int fd = 0; fd < MOST; fd++)
		if (!was_open[fd] && is_open(fd)) {
			tell_descriptor(fd);
			more = true;
		}
	(void)fflush(NULL);
	if (more)
		_exit(1);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aid/confine.h"

void confine_aid_check(bool good, const char *file, int line, const char *what)
{
	if (good)
		return;
	(void)dprintf(STDERR_FILENO, "%s:%d: not so: %s (%s)\n", file, line,
	    what, strerror(errno));
	_exit(1);
}

int confine_aid_wait_status(void (*body)(void))
{
	int status = -1;
	pid_t child;

	(void)fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

void confine_aid_run(void (*body)(void))
{
	const int status = confine_aid_wait_status(body);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg(
		    "the child ended with wait status %#x", (unsigned)status);
}

static int status_fd = -1;

static int open_status(void)
{
	return open("/proc/self/status", O_RDONLY | O_CLOEXEC);
}

void confine_aid_open_status(void)
{
	status_fd = open_status();
	CHECK(status_fd >= 0);
}

const char *confine_aid_status(const char *name)
{
	const int fd = status_fd >= 0 ? status_fd : open_status();
	static char text[8192];
	char *line, *next;
	ssize_t n;

	CHECK(fd >= 0);
	n = pread(fd, text, sizeof text - 1, 0);
	CHECK(n > 0);
	CHECK(fd == status_fd || close(fd) == 0);
	text[n] = '\0';
	for (line = text; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (strncmp(line, name, strlen(name)) != 0 ||
		    line[strlen(name)] != ':')
			continue;
		line += strlen(name) + 1;
		line += strspn(line, " \t");
		for (size_t end = strlen(line);
		     end > 0 && strchr(" \t", line[end - 1]) != NULL; end--)
			line[end - 1] = '\0';
		return line;
	}
	return "";
}

bool confine_aid_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

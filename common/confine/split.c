/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/split.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* Exit statuses that carry a code of err.h: above those of programs that a
 * sanitizer or abort(3) ends. */
#define STATUS_BASE  100
#define REAP_STEP_NS 2000000
#define REAP_LAST_MS 500 /* for the kernel to end what was killed */

int split_fork(int *fd, pid_t *child)
{
	const pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return ERR_IO;
	*child = fork();
	if (*child < 0) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return ERR_IO;
	}
	*fd = pair[*child == 0 ? 1 : 0];
	(void)close(pair[*child == 0 ? 0 : 1]);
	if (*child == 0) {
		/* The parent may have died before the request was made. */
		if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 ||
		    getppid() != parent)
			_exit(err_exit(ERR_CANCELED));
	}
	return 0;
}

static int stop_pipe[2] = {-1, -1};

static void on_stop(int signal)
{
	const int saved = errno;

	(void)signal;
	/* A full pipe is readable already, which is all that counts. */
	if (write(stop_pipe[1], "", 1) < 0)
		errno = saved;
	errno = saved;
}

int split_stop_fd(int *fd)
{
	/* Without SA_RESTART a read(2) that sleeps in a driver is ended. */
	const struct sigaction stop = {.sa_handler = on_stop};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0 ||
	    sigaction(SIGTERM, &stop, NULL) != 0 ||
	    sigaction(SIGINT, &stop, NULL) != 0 ||
	    sigaction(SIGPIPE, &ignore, NULL) != 0)
		return ERR_IO;
	*fd = stop_pipe[0];
	return 0;
}

/* True if the child has ended, or cannot be waited for. */
static bool has_ended(pid_t child, int *status)
{
	pid_t got = waitpid(child, status, WNOHANG);

	return got == child || (got < 0 && errno != EINTR);
}

int split_reap(pid_t child, int64_t deadline)
{
	const struct timespec step = {.tv_nsec = REAP_STEP_NS};
	int64_t last = INT64_MAX;
	int status = 0;

	while (!has_ended(child, &status)) {
		const int64_t now = clock_read(CLOCK_MONOTONIC);

		/* kill(2) fails for a child of another user; this wait has to
		 * end all the same.  It is counted from the kill, because on a
		 * busy machine that may come long after the deadline. */
		if (now >= last)
			return SPLIT_NOT_REAPED;
		if (last == INT64_MAX && now >= deadline) {
			(void)kill(child, SIGKILL);
			last = now + REAP_LAST_MS;
		}
		(void)nanosleep(&step, NULL);
	}
	return status;
}

static void read_status(int status, bool late, struct err *end)
{
	static const char half[] = "the half that talks to the network";
	const int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	const int code = WIFEXITED(status) ? STATUS_BASE - WEXITSTATUS(status)
					   : ERR_INTERNAL;

	/* Who looks late may still find a child that ended in time. */
	if (status == SPLIT_NOT_REAPED || (late && number > 0))
		(void)err_set(end, ERR_INTERNAL, "%s hung", half);
	else if (number > 0)
		(void)err_set(end, ERR_INTERNAL,
		    "%s was ended by signal %d (%s)%s", half, number,
		    strsignal(number),
		    number == SIGKILL ? ", out of memory?" : "");
	else if (code == STATUS_BASE)
		*end = (struct err){.code = 0};
	else
		(void)err_told(end,
		    code < 0 && code >= ERR_INTERNAL ? code : ERR_INTERNAL);
}

int split_run(const struct split *s, struct err *end, struct err *err)
{
	int64_t until = 0;
	int fd, rc, code, status;
	pid_t child;

	if (split_fork(&fd, &child) != 0)
		return err_errno(err, ERR_IO, "cannot start the online half");
	if (child == 0) {
		s->leave(s->ctx);
		code = s->online(s->ctx, fd);
		/* No exit handlers: they would wait for a name look-up. */
		_exit(code == 0 ? 0 : STATUS_BASE - code);
	}
	rc = s->offline(s->ctx, fd, &until, err);
	(void)close(fd);
	if (rc != 0 && s->stop_signal != 0)
		(void)kill(child, s->stop_signal);
	status = split_reap(child, until);
	read_status(status, clock_read(CLOCK_MONOTONIC) >= until, end);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/split.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "confine/steps.h"

/* Exit statuses that carry a code of err.h: above those of programs that a
 * sanitizer or abort(3) ends. */
#define STATUS_BASE      100
/* While the child ends, it is looked at again after steps that double. */
#define REAP_STEP_NS     30000
#define REAP_STEP_MAX_NS 2000000
#define REAP_LAST_MS     500 /* for the kernel to end what was killed */
#define WAIT_MAX_MS      60000

static int own_tie = -1; /* of a child */

bool confine_own_tie(void)
{
	struct pollfd p = {.fd = own_tie};

	if (own_tie < 0)
		return true;
	if (fcntl(own_tie, F_SETOWN, getpid()) != 0)
		return false;
	/* The parent may have ended before, unheard. */
	if (poll(&p, 1, 0) != 0)
		(void)kill(getpid(), SIGKILL);
	return true;
}

/* The kernel is to send SIGKILL when the tie has no writer any more. */
static void arm_tie(int tie)
{
	own_tie = tie;
	if (fcntl(tie, F_SETSIG, SIGKILL) != 0 ||
	    fcntl(tie, F_SETFL, O_ASYNC) != 0 || !confine_own_tie())
		_exit(err_exit(ERR_INTERNAL));
}

int split_fork(struct split_child *child)
{
	int pair[2] = {-1, -1}, tie[2] = {-1, -1}, mine;

	child->pid = -1;
	if (pipe2(tie, O_CLOEXEC) == 0 &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0)
		child->pid = fork();
	mine = child->pid == 0 ? 1 : 0;
	if (child->pid >= 0) {
		child->fd = pair[mine];
		child->tie = tie[1 - mine];
		pair[mine] = tie[1 - mine] = -1;
	}
	for (int i = 0; i < 2; i++) {
		if (pair[i] >= 0)
			(void)close(pair[i]);
		if (tie[i] >= 0)
			(void)close(tie[i]);
	}
	if (child->pid == 0)
		arm_tie(child->tie);
	return child->pid >= 0 ? 0 : ERR_IO;
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

static int hup_fd = -1;
static uint32_t hup_type;

static void on_hup(int signal)
{
	const int saved = errno;
	struct iovec iov = {.iov_base = &hup_type, .iov_len = sizeof hup_type};
	const struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	(void)signal;
	/* Without room for one there are records enough to be read. */
	(void)sendmsg(hup_fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	errno = saved;
}

int split_hup(int fd, uint32_t type)
{
	/* It interrupts nothing: this half goes on with what it does. */
	const struct sigaction tell = {
	    .sa_handler = on_hup, .sa_flags = SA_RESTART};
	sigset_t set;

	hup_fd = fd;
	hup_type = type;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	return sigaction(SIGHUP, &tell, NULL) == 0 &&
		       sigprocmask(SIG_UNBLOCK, &set, NULL) == 0
		   ? 0
		   : ERR_IO;
}

int split_end_fd(int peer, int stop_fd, int *fd)
{
	/* The end of the other half (EPOLLHUP) is told without being asked. */
	struct epoll_event end = {0}, stop = {.events = EPOLLIN};
	const int set = epoll_create1(EPOLL_CLOEXEC);

	if (set < 0)
		return ERR_IO;
	if (epoll_ctl(set, EPOLL_CTL_ADD, peer, &end) != 0 ||
	    (stop_fd >= 0 &&
		epoll_ctl(set, EPOLL_CTL_ADD, stop_fd, &stop) != 0)) {
		(void)close(set);
		return ERR_IO;
	}
	*fd = set;
	return 0;
}

static timer_t last_timer;
static struct itimerspec last_time;

static void on_child_end(int signal)
{
	const int saved = errno;

	(void)signal;
	(void)timer_settime(last_timer, 0, &last_time, NULL);
	errno = saved;
}

/* A caller may have blocked what this program lives by. */
static void unblock_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* The end of the child starts a timer whose SIGKILL nothing can block. */
static int limit_outliving(long ms)
{
	struct sigevent kill = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	/* Without SA_RESTART a read(2) that sleeps in a driver is ended. */
	const struct sigaction ended = {
	    .sa_handler = on_child_end, .sa_flags = SA_NOCLDSTOP};

	if (ms == 0)
		return 0;
	last_time.it_value = (struct timespec){
	    .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	return timer_create(CLOCK_MONOTONIC, &kill, &last_timer) == 0 &&
		       sigaction(SIGCHLD, &ended, NULL) == 0
		   ? 0
		   : ERR_IO;
}

/* True if the child has ended, or cannot be waited for. */
static bool has_ended(pid_t child, int *status)
{
	pid_t got = waitpid(child, status, WNOHANG);

	return got == child || (got < 0 && errno != EINTR);
}

/* True once nobody holds the other end of the tie, at the latest after ms.  The
 * kernel closes what a process has open a moment before the process can be
 * reaped; a child that closed its end by itself lives on. */
static bool is_let_go(int tie, int64_t ms)
{
	struct pollfd p = {.fd = tie};

	return poll(&p, 1, ms < WAIT_MAX_MS ? (int)ms : WAIT_MAX_MS) > 0;
}

static void sleep_a_step(long *ns)
{
	const struct timespec step = {.tv_nsec = *ns};

	(void)nanosleep(&step, NULL);
	*ns = *ns < REAP_STEP_MAX_NS / 2 ? *ns * 2 : REAP_STEP_MAX_NS;
}

int split_reap(struct split_child *child, int64_t deadline)
{
	int64_t last = INT64_MAX;
	long step = REAP_STEP_NS;
	bool let_go = false;
	int status = 0;

	while (!has_ended(child->pid, &status)) {
		const int64_t now = clock_read(CLOCK_MONOTONIC);

		/* The last wait is counted from the kill, because on a busy
		 * machine that may come long after the deadline. */
		if (now >= last) {
			status = SPLIT_NOT_REAPED;
			break;
		}
		if (last == INT64_MAX && now >= deadline) {
			(void)close(child->tie);
			child->tie = -1;
			last = now + REAP_LAST_MS;
		}
		if (let_go || child->tie < 0)
			sleep_a_step(&step);
		else
			let_go = is_let_go(child->tie, deadline - now);
	}
	if (child->tie >= 0)
		(void)close(child->tie);
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

static _Noreturn void run_child(const struct split *s, int fd)
{
	int code;

	s->leave(s->ctx);
	code = s->online(s->ctx, fd);
	/* No exit handlers: they would wait for a name look-up. */
	_exit(code == 0 ? 0 : STATUS_BASE - code);
}

int split_run(const struct split *s, struct err *end, struct err *err)
{
	struct split_child child;
	int64_t until = 0;
	int rc, status;

	unblock_signals();
	if (limit_outliving(s->outlive_ms) != 0 || split_fork(&child) != 0)
		return err_errno(err, ERR_IO, "cannot start the online half");
	if (child.pid == 0)
		run_child(s, child.fd);
	rc = s->offline(s->ctx, child.fd, &until, err);
	if (s->outlive_ms > 0)
		(void)signal(SIGCHLD, SIG_DFL); /* this half does not hang */
	/* The child sees this, and ends by itself if it can. */
	(void)close(child.fd);
	status = split_reap(&child, until);
	read_status(status, clock_read(CLOCK_MONOTONIC) >= until, end);
	return rc;
}

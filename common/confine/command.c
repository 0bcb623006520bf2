/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define NOT_STARTED  127 /* the status of a shell, too */
#define PATH_ROOM    4096
#define PIECE        4096
#define END_STEP_NS  2000000
#define END_MS       500 /* for the kernel to end what was killed */
#define CHILDREN_MAX 4096

/* A command while it runs. */
struct command {
	pid_t pid;
	int out_fd, said_fd; /* -1: closed */
	bool line_ended;     /* what comes next is another line */
	struct buf *out;
	struct command_result *result;
};

static int children_fd = -1; /* signalfd(2) of SIGCHLD */

int command_prepare(void)
{
	sigset_t children;

	(void)sigemptyset(&children);
	(void)sigaddset(&children, SIGCHLD);
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR ||
	    signal(SIGINT, SIG_IGN) == SIG_ERR ||
	    signal(SIGTERM, SIG_IGN) == SIG_ERR ||
	    sigprocmask(SIG_SETMASK, &children, NULL) != 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		return ERR_IO;
	children_fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	return children_fd >= 0 ? 0 : ERR_IO;
}

/* ---- in the child */

static void restore_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static const char *find_path(char *const *environment)
{
	for (; *environment != NULL; environment++)
		if (strncmp(*environment, "PATH=", 5) == 0)
			return *environment + 5;
	return "";
}

/*
 * execvp(3) is not used because it gives a file that is no program to a shell.
 * As there, an empty part of PATH is the working directory, and what is found
 * and cannot be executed is told only when nothing else is found.
 */
static void execute(char *const *words, char *const *environment)
{
	const char *at = find_path(environment);
	char path[PATH_ROOM];
	int reason = ENOENT;

	if (strchr(words[0], '/') != NULL) {
		(void)execve(words[0], words, environment);
		return;
	}
	for (;;) {
		const size_t len = strcspn(at, ":");

		if ((size_t)snprintf(path, sizeof path, "%.*s%s%s", (int)len,
			at, len > 0 ? "/" : "./", words[0]) < sizeof path)
			(void)execve(path, words, environment);
		if (errno != ENOENT && errno != ENOTDIR)
			reason = errno;
		if (at[len] == '\0')
			break;
		at += len + 1;
	}
	errno = reason;
}

static _Noreturn void become_command(char *const *words,
    char *const *environment, pid_t parent, int out, int said)
{
	restore_signals();
	/* Without a terminal it cannot ask anybody and wait for ever. */
	if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
	    getppid() != parent || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(said, STDERR_FILENO) < 0)
		_exit(NOT_STARTED);
	execute(words, environment);
	(void)dprintf(
	    STDERR_FILENO, "cannot run %s: %s\n", words[0], strerror(errno));
	_exit(NOT_STARTED);
}

/* ---- in the parent: what it writes */

static int start_command(
    struct command *c, char *const *words, char *const *environment)
{
	const pid_t parent = getpid();
	int out[2] = {-1, -1}, said[2] = {-1, -1};

	c->pid = -1;
	if (pipe2(out, O_CLOEXEC) == 0 && pipe2(said, O_CLOEXEC) == 0 &&
	    fcntl(out[0], F_SETFL, O_NONBLOCK) == 0 &&
	    fcntl(said[0], F_SETFL, O_NONBLOCK) == 0)
		c->pid = fork();
	if (c->pid == 0)
		become_command(words, environment, parent, out[1], said[1]);
	c->result->value = errno;
	c->out_fd = out[0];
	c->said_fd = said[0];
	(void)close(out[1]);
	(void)close(said[1]);
	return c->pid > 0 ? 0 : ERR_IO;
}

static void note_said(struct command *c, const char *text, size_t len)
{
	char *said = c->result->said;
	size_t at = strlen(said);

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n' || text[i] == '\r') {
			c->line_ended = true;
			continue;
		}
		if (c->line_ended)
			at = 0;
		c->line_ended = false;
		if (at < COMMAND_SAID_MAX - 1 && text[i] != '\0')
			said[at++] = text[i];
		said[at] = '\0';
	}
}

/* Read what is there of one pipe; *fd is -1 once it is closed.  True: goes
 * on. */
static bool read_pipe(struct command *c, int *fd)
{
	char piece[PIECE];
	ssize_t n = *fd >= 0 ? read(*fd, piece, sizeof piece) : -1;

	if (*fd < 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return false;
	if (n <= 0) {
		(void)close(*fd);
		*fd = -1;
		return false;
	}
	if (fd == &c->said_fd)
		note_said(c, piece, (size_t)n);
	else if (buf_add(c->out, piece, (size_t)n) != 0)
		c->result->end = COMMAND_TOO_LONG;
	explicit_bzero(piece, sizeof piece);
	return c->result->end != COMMAND_TOO_LONG;
}

/* ---- ... and how it ends */

/* It stays a zombie, so that its number is that of its group still. */
static bool command_has_ended(struct command *c)
{
	siginfo_t info = {0};
	struct signalfd_siginfo told;

	while (read(children_fd, &told, sizeof told) > 0)
		;
	if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) !=
		0 ||
	    info.si_pid != c->pid)
		return false;
	c->result->end =
	    info.si_code == CLD_EXITED ? COMMAND_EXITED : COMMAND_SIGNALED;
	c->result->value = info.si_status;
	return true;
}

static void watch_command(struct command *c, int64_t deadline, int stop_fd)
{
	while (!command_has_ended(c)) {
		struct pollfd p[4] = {{.fd = c->out_fd, .events = POLLIN},
		    {.fd = c->said_fd, .events = POLLIN},
		    {.fd = children_fd, .events = POLLIN}, {.fd = stop_fd}};
		const int64_t left = deadline - clock_read(CLOCK_MONOTONIC);

		if (left <= 0)
			c->result->end = COMMAND_LATE;
		else if (poll(p, 4, left > 60000 ? 60000 : (int)left) > 0 &&
			 p[3].revents != 0)
			c->result->end = COMMAND_STOPPED;
		(void)read_pipe(c, &c->said_fd);
		if (c->result->end == COMMAND_BROKEN)
			(void)read_pipe(c, &c->out_fd);
		if (c->result->end != COMMAND_BROKEN)
			return;
	}
}

/* Kill who is a child of this process now: those that left the group of the
 * command, and whose parents have ended.  A kernel without this file (built
 * without CONFIG_PROC_CHILDREN) keeps them. */
static void kill_children(void)
{
	char path[64], text[CHILDREN_MAX + 1], *at = text, *end;
	size_t len = 0;

	(void)snprintf(
	    path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	if (file_read(path, text, CHILDREN_MAX, &len) != 0 &&
	    len < CHILDREN_MAX)
		return;
	text[len] = '\0';
	for (;;) {
		const long pid = strtol(at, &end, 10);

		if (end == at || pid <= 0)
			return;
		/* A number that is cut is another process's. */
		if (*end == ' ')
			(void)kill((pid_t)pid, SIGKILL);
		at = end;
	}
}

static void end_all(const struct command *c)
{
	const struct timespec step = {.tv_nsec = END_STEP_NS};
	const int64_t last = clock_read(CLOCK_MONOTONIC) + END_MS;
	pid_t reaped;

	(void)kill(-c->pid, SIGKILL);
	(void)kill(c->pid, SIGKILL);
	do {
		kill_children();
		do
			reaped = waitpid(-1, NULL, WNOHANG);
		while (reaped > 0);
		if (reaped < 0 && errno == ECHILD)
			return;
		(void)nanosleep(&step, NULL);
	} while (clock_read(CLOCK_MONOTONIC) < last);
}

void command_run(char *const *words, char *const *environment, int64_t deadline,
    int stop_fd, struct buf *out, struct command_result *result)
{
	struct command c = {.out = out, .result = result};

	*result = (struct command_result){.end = COMMAND_BROKEN};
	buf_reset(out);
	if (start_command(&c, words, environment) == 0) {
		watch_command(&c, deadline, stop_fd);
		end_all(&c);
	}
	/* What was written before the end, by whoever was killed just now. */
	while (read_pipe(&c, &c.said_fd))
		;
	while (result->end == COMMAND_EXITED && read_pipe(&c, &c.out_fd))
		;
	if (c.out_fd >= 0)
		(void)close(c.out_fd);
	if (c.said_fd >= 0)
		(void)close(c.said_fd);
}

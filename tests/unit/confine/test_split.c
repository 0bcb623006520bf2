/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aid/confine.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/record.h"
#include "confine/split.h"
#include "confine/steps.h"

static void halves_are_joined_and_reaped(void **state)
{
	uint32_t type;
	uint8_t data[4];
	size_t len;
	struct split_child child;
	int fd, status;

	(void)state;
	assert_int_equal(split_fork(&child), 0);
	fd = child.fd;
	if (child.pid == 0) {
		int rc = record_receive(fd, &type, data, sizeof data, &len, -1,
		    clock_read(CLOCK_MONOTONIC) + 60000);

		if (rc == 0)
			rc = record_send(fd, type + 1, data, len, -1, 0);
		_exit(rc == 0 ? 42 : 1);
	}
	assert_int_equal(record_send(fd, 5, "abcd", 4, -1, 0), 0);
	assert_int_equal(record_receive(fd, &type, data, sizeof data, &len, -1,
			     clock_read(CLOCK_MONOTONIC) + 60000),
	    0);
	assert_int_equal(type, 6);
	assert_memory_equal(data, "abcd", 4);
	status = split_reap(&child, clock_read(CLOCK_MONOTONIC) + 60000);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	(void)close(fd);
}

/* A half that hangs: no signal that it could ignore ends it. */
static _Noreturn void hang(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	/* Longer than anybody waits for its end. */
	(void)poll(NULL, 0, 120000);
	_exit(1);
}

static void a_child_that_hangs_is_ended(void **state)
{
	static const int64_t deadlines[] = {50, -60000};

	(void)state;
	for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++) {
		const int64_t start = clock_read(CLOCK_MONOTONIC);
		struct split_child child;
		int status;

		assert_int_equal(split_fork(&child), 0);
		if (child.pid == 0)
			hang();
		status = split_reap(&child, start + deadlines[i]);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
		assert_true(
		    clock_read(CLOCK_MONOTONIC) - start >= deadlines[i]);
		(void)close(child.fd);
	}
}

/* The one that lets go of the tie before it ends is waited for, too. */
static void a_child_that_ends_is_reaped_before_the_deadline(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const int64_t start = clock_read(CLOCK_MONOTONIC);
		struct split_child child;
		int status;

		assert_int_equal(split_fork(&child), 0);
		if (child.pid == 0) {
			if (i == 1)
				(void)close(child.tie);
			(void)usleep(20000);
			_exit(7);
		}
		status = split_reap(&child, start + 600000);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 7);
		assert_true(clock_read(CLOCK_MONOTONIC) - start < 300000);
		(void)close(child.fd);
	}
}

/* Become another user, where this one may. */
static void change_user(uid_t id)
{
	if (geteuid() == 0 && setresuid(id, id, id) != 0)
		_exit(99);
}

/* Wait for a process that is not a child of this one, by a pipe that it has. */
static bool ends(int fd)
{
	struct pollfd p = {.fd = fd};

	return poll(&p, 1, 60000) == 1 && (p.revents & POLLHUP) != 0;
}

/* Give a process that waits in a new user namespace all ids. */
static bool map_ids(pid_t pid)
{
	static const char *const maps[] = {"uid_map", "gid_map"};
	bool good = true;

	for (int i = 0; i < 2; i++) {
		char path[64];
		int fd;

		(void)snprintf(
		    path, sizeof path, "/proc/%d/%s", (int)pid, maps[i]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		good = fd >= 0 && write(fd, "0 100000 65536", 14) == 14 && good;
		if (fd >= 0)
			(void)close(fd);
	}
	return good;
}

/* Become root in a namespace; steps are exchanged by the pair. */
static void enter_namespace(int step)
{
	char c;

	if (unshare(CLONE_NEWUSER) != 0 || write(step, "", 1) != 1 ||
	    read(step, &c, 1) != 1 || setresgid(0, 0, 0) != 0 ||
	    setresuid(0, 0, 0) != 0)
		_exit(77);
}

/* A middle process is the parent half, so that it can end before the child;
 * late: before the child has asked for the signal as another user. */
static _Noreturn void middle(bool apart, bool late, int step)
{
	struct split_child child;

	if (apart)
		enter_namespace(step);
	if (split_fork(&child) != 0)
		_exit(1);
	change_user(child.pid == 0 ? 12346 : 12345);
	if (child.pid == 0 && ((late && !ends(child.fd)) || !confine_own_tie()))
		_exit(1);
	if (child.pid == 0)
		hang();
	(void)raise(SIGKILL);
	_exit(1);
}

static void end_parent(bool apart, bool late)
{
	int pipe_fds[2], pair[2], status;
	pid_t pid;
	char c;

	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		middle(apart, late, pair[1]);
	(void)close(pipe_fds[1]);
	(void)close(pair[1]);
	if (apart && read(pair[0], &c, 1) == 1) {
		assert_true(map_ids(pid));
		assert_int_equal(write(pair[0], "", 1), 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(pair[0]);
	if (apart && WIFEXITED(status) && WEXITSTATUS(status) == 77)
		print_message("left out: no user namespaces here\n");
	else
		assert_true(WIFSIGNALED(status));
	assert_true(ends(pipe_fds[0]));
	(void)close(pipe_fds[0]);
}

static void the_end_of_the_parent_ends_a_child_that_hangs(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++) {
		end_parent(false, late);
		/* There the root that asked for the signal is no root to the
		 * kernel. */
		if (geteuid() == 0)
			end_parent(true, late);
	}
}

/* How the child of split_run() ends: its code, or the signal it sends itself;
 * and whether the parent looks for it only after the deadline. */
struct ending {
	int code;
	int signal;
	bool late;
	bool told;
	int end;          /* what split_run() says of it */
	const char *text; /* and a part of its text */
};

static bool left; /* the child has let go of what is the parent's */

static void let_go(void *ctx)
{
	(void)ctx;
	left = true;
}

static int end_online(void *ctx, int fd)
{
	const struct ending *e = ctx;

	(void)fd;
	if (!left)
		return ERR_FORMAT;
	if (e->signal != 0)
		(void)raise(e->signal);
	return e->code;
}

/* The child has ended, and is still there to be reaped, when this returns. */
static int wait_for_end(void *ctx, int fd, int64_t *until, struct err *err)
{
	const struct ending *e = ctx;
	siginfo_t info;

	(void)fd;
	(void)err;
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	*until = clock_read(CLOCK_MONOTONIC) + (e->late ? -1 : 60000);
	return 0;
}

static void how_the_child_ended_is_told(void **state)
{
	static struct ending endings[] = {
	    {.code = 0},
	    {.code = 0, .late = true},
	    {.code = ERR_DENIED, .told = true, .end = ERR_DENIED},
	    {.code = ERR_DENIED, .late = true, .told = true, .end = ERR_DENIED},
	    {.code = ERR_INTERNAL, .told = true, .end = ERR_INTERNAL},
	    {.code = ERR_INTERNAL - 1, .told = true, .end = ERR_INTERNAL},
	    {.signal = SIGKILL, .end = ERR_INTERNAL, .text = "out of memory?"},
	    {.signal = SIGTERM, .end = ERR_INTERNAL, .text = "signal 15"},
	    {.signal = SIGKILL,
		.late = true,
		.end = ERR_INTERNAL,
		.text = "hung"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		struct ending *e = &endings[i];
		const struct split split = {.leave = let_go,
		    .online = end_online,
		    .offline = wait_for_end,
		    .ctx = e};
		struct err end = {0}, err = {0};

		assert_int_equal(split_run(&split, &end, &err), 0);
		assert_false(left);
		assert_int_equal(end.code, e->end);
		assert_int_equal(end.told, e->told);
		if (e->text != NULL)
			assert_non_null(strstr(end.text, e->text));
	}
}

static int hang_offline(void *ctx, int fd, int64_t *until, struct err *err)
{
	(void)ctx;
	(void)fd;
	(void)until;
	(void)err;
	(void)signal(SIGTERM, SIG_IGN);
	while (pause() < 0)
		;
	return 0;
}

static void a_parent_that_hangs_does_not_outlive_the_child(void **state)
{
	struct ending nothing = {.code = 0};
	const struct split split = {.leave = let_go,
	    .online = end_online,
	    .offline = hang_offline,
	    .outlive_ms = 100,
	    .ctx = &nothing};
	struct err end = {0}, err = {0};
	int status;
	pid_t parent = fork();

	(void)state;
	assert_true(parent >= 0);
	if (parent == 0)
		_exit(split_run(&split, &end, &err) == 0 ? 0 : 1);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void the_end_of_the_other_half_makes_the_descriptor_readable(
    void **state)
{
	const int64_t soon = clock_read(CLOCK_MONOTONIC) + 60000;
	int stop[2], fd;
	struct split_child child;

	(void)state;
	assert_int_equal(pipe(stop), 0);
	assert_int_equal(split_fork(&child), 0);
	if (child.pid == 0) {
		uint32_t type;
		uint8_t data;
		size_t len;

		(void)!record_send(child.fd, 1, "", 0, -1, 0);
		(void)!record_receive(
		    child.fd, &type, &data, 0, &len, -1, soon);
		_exit(0);
	}
	assert_int_equal(split_end_fd(child.fd, stop[0], &fd), 0);
	assert_int_equal(record_wait(child.fd, POLLIN, -1, soon), 0);
	/* What the other half says is not its end. */
	assert_int_equal(
	    record_wait(fd, POLLIN, -1, clock_read(CLOCK_MONOTONIC) + 1),
	    ERR_TIMEOUT);
	assert_int_equal(write(stop[1], "", 1), 1);
	assert_int_equal(record_wait(fd, POLLIN, -1, soon), 0);
	assert_int_equal(read(stop[0], &(char){0}, 1), 1);
	assert_int_equal(
	    record_wait(fd, POLLIN, -1, clock_read(CLOCK_MONOTONIC) + 1),
	    ERR_TIMEOUT);
	assert_int_equal(record_send(child.fd, 1, "", 0, -1, 0), 0);
	assert_int_equal(record_wait(fd, POLLIN, -1, soon), 0);
	(void)split_reap(&child, soon);
	(void)close(child.fd);
	(void)close(fd);
	(void)close(stop[0]);
	(void)close(stop[1]);
}

/* A child, because a process has these signals for as long as it lives. */
static void child_stop_signals_make_the_descriptor_readable(void)
{
	int fd;

	CHECK(split_stop_fd(&fd) == 0);
	CHECK(record_wait(fd, POLLIN, -1, clock_read(CLOCK_MONOTONIC) + 1) ==
	      ERR_TIMEOUT);
	CHECK(raise(SIGTERM) == 0);
	/* It stays so: nobody misses it. */
	for (int i = 0; i < 2; i++)
		CHECK(record_wait(fd, POLLIN, -1,
			  clock_read(CLOCK_MONOTONIC) + 60000) == 0);
}

static void stop_signals_make_the_descriptor_readable(void **state)
{
	(void)state;
	confine_aid_run(child_stop_signals_make_the_descriptor_readable);
}

static void a_hang_up_is_a_record_for_the_other_half(void **state)
{
	const int64_t soon = clock_read(CLOCK_MONOTONIC) + 60000;
	uint32_t type;
	uint8_t none;
	size_t len;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(split_hup(pair[0], 9), 0);
	/* One is enough; what finds no room does not make the sender wait. */
	for (int i = 0; i < 10000; i++)
		assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(
	    record_receive(pair[1], &type, &none, 0, &len, -1, soon), 0);
	assert_int_equal(type, 9);
	assert_int_equal(len, 0);
	/* The other half may be gone. */
	(void)close(pair[1]);
	assert_int_equal(raise(SIGHUP), 0);
	(void)close(pair[0]);
	assert_int_equal(raise(SIGHUP), 0);
	(void)signal(SIGHUP, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(halves_are_joined_and_reaped),
	    cmocka_unit_test(a_child_that_hangs_is_ended),
	    cmocka_unit_test(a_child_that_ends_is_reaped_before_the_deadline),
	    cmocka_unit_test(the_end_of_the_parent_ends_a_child_that_hangs),
	    cmocka_unit_test(a_parent_that_hangs_does_not_outlive_the_child),
	    cmocka_unit_test(how_the_child_ended_is_told),
	    cmocka_unit_test(
		the_end_of_the_other_half_makes_the_descriptor_readable),
	    cmocka_unit_test(stop_signals_make_the_descriptor_readable),
	    cmocka_unit_test(a_hang_up_is_a_record_for_the_other_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

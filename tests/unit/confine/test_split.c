/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/record.h"
#include "confine/split.h"

static void halves_are_joined_and_reaped(void **state)
{
	uint32_t type;
	uint8_t data[4];
	size_t len;
	pid_t child;
	int fd, status;

	(void)state;
	assert_int_equal(split_fork(&fd, &child), 0);
	if (child == 0) {
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
	status = split_reap(child, clock_read(CLOCK_MONOTONIC) + 60000);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	(void)close(fd);
}

static void a_child_that_hangs_is_ended(void **state)
{
	int64_t start = clock_read(CLOCK_MONOTONIC);
	pid_t child;
	int fd, status;

	(void)state;
	assert_int_equal(split_fork(&fd, &child), 0);
	if (child == 0) {
		(void)signal(SIGTERM, SIG_IGN);
		for (;;)
			(void)pause();
	}
	status = split_reap(child, start + 50);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_true(clock_read(CLOCK_MONOTONIC) - start >= 50);
	(void)close(fd);
}

static void a_deadline_long_past_leaves_time_to_end_the_child(void **state)
{
	pid_t child;
	int fd, status;

	(void)state;
	assert_int_equal(split_fork(&fd, &child), 0);
	if (child == 0)
		for (;;)
			(void)pause();
	status = split_reap(child, clock_read(CLOCK_MONOTONIC) - 60000);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	(void)close(fd);
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

static void hold_nothing(void *ctx)
{
	(void)ctx;
}

static int end_online(void *ctx, int fd)
{
	const struct ending *e = ctx;

	(void)fd;
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
		const struct split split = {.leave = hold_nothing,
		    .online = end_online,
		    .offline = wait_for_end,
		    .ctx = e};
		struct err end = {0}, err = {0};

		assert_int_equal(split_run(&split, &end, &err), 0);
		assert_int_equal(end.code, e->end);
		assert_int_equal(end.told, e->told);
		if (e->text != NULL)
			assert_non_null(strstr(end.text, e->text));
	}
}

static void stop_signals_make_the_descriptor_readable(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(split_stop_fd(&fd), 0);
	assert_int_equal(
	    record_wait(fd, POLLIN, -1, clock_read(CLOCK_MONOTONIC) + 1),
	    ERR_TIMEOUT);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(
	    record_wait(fd, POLLIN, -1, clock_read(CLOCK_MONOTONIC) + 60000),
	    0);
	/* It stays so: nobody misses it. */
	assert_int_equal(
	    record_wait(fd, POLLIN, -1, clock_read(CLOCK_MONOTONIC) + 60000),
	    0);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(halves_are_joined_and_reaped),
	    cmocka_unit_test(a_child_that_hangs_is_ended),
	    cmocka_unit_test(a_deadline_long_past_leaves_time_to_end_the_child),
	    cmocka_unit_test(how_the_child_ended_is_told),
	    cmocka_unit_test(stop_signals_make_the_descriptor_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

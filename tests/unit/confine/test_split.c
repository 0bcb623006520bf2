/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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
	    cmocka_unit_test(stop_signals_make_the_descriptor_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

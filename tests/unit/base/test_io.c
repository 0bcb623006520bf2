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
#include "base/io.h"

static int64_t now(void)
{
	const struct clock c = clock_system(NULL);

	return clock_mono(&c);
}

static void make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void wait_ends_by_deadline_and_by_cancel(void **state)
{
	int quiet[2], stop[2];
	int64_t start = now();

	(void)state;
	assert_int_equal(pipe(quiet), 0);
	assert_int_equal(pipe(stop), 0);
	assert_int_equal(
	    io_wait(quiet[0], POLLIN, stop[0], start + 50), ERR_TIMEOUT);
	assert_in_range(now() - start, 50, 1000);
	assert_int_equal(io_wait(quiet[0], POLLIN, -1, start), ERR_TIMEOUT);
	assert_int_equal(write(stop[1], "", 1), 1);
	assert_int_equal(io_wait(quiet[0], POLLIN, stop[0], 0), ERR_CANCELED);
	/* To stop comes before data. */
	assert_int_equal(write(quiet[1], "", 1), 1);
	assert_int_equal(io_wait(quiet[0], POLLIN, stop[0], 0), ERR_CANCELED);
	assert_int_equal(io_wait(quiet[0], POLLIN, -1, 0), 0);
	close_pair(quiet);
	close_pair(stop);
}

static void records_keep_type_length_and_bytes(void **state)
{
	static const size_t sizes[] = {0, 1, 20, IO_RECORD_MAX};
	static uint8_t in[IO_RECORD_MAX], out[IO_RECORD_MAX];
	uint32_t type;
	size_t len;
	int pair[2];

	(void)state;
	make_pair(pair);
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)(i * 13);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		assert_int_equal(io_send_record(pair[0], 7 + (uint32_t)i, in,
				     sizes[i], -1, 0),
		    0);
		assert_int_equal(io_recv_record(pair[1], &type, out, sizeof out,
				     &len, -1, 0),
		    0);
		assert_int_equal(type, 7 + i);
		assert_int_equal(len, sizes[i]);
		assert_memory_equal(in, out, len);
	}
	close_pair(pair);
}

static void oversized_records_are_refused_and_consumed(void **state)
{
	static uint8_t data[IO_RECORD_MAX + 1];
	uint32_t type;
	uint8_t small[4];
	size_t len;
	int pair[2];

	(void)state;
	make_pair(pair);
	assert_int_equal(
	    io_send_record(pair[0], 1, data, sizeof data, -1, 0), ERR_LIMIT);
	assert_int_equal(io_send_record(pair[0], 1, data, 5, -1, 0), 0);
	assert_int_equal(send(pair[0], "abc", 3, 0), 3);
	assert_int_equal(io_send_record(pair[0], 2, data, 4, -1, 0), 0);
	assert_int_equal(
	    io_recv_record(pair[1], &type, small, sizeof small, &len, -1, 0),
	    ERR_FORMAT);
	assert_int_equal(
	    io_recv_record(pair[1], &type, small, sizeof small, &len, -1, 0),
	    ERR_FORMAT);
	assert_int_equal(
	    io_recv_record(pair[1], &type, small, sizeof small, &len, -1, 0),
	    0);
	assert_int_equal(type, 2);
	close_pair(pair);
}

static void the_other_half_gone_is_eof(void **state)
{
	uint8_t data[4] = {0};
	uint32_t type;
	size_t len;
	int pair[2];

	(void)state;
	make_pair(pair);
	assert_int_equal(io_send_record(pair[0], 1, data, 4, -1, 0), 0);
	(void)close(pair[0]);
	assert_int_equal(
	    io_recv_record(pair[1], &type, data, sizeof data, &len, -1, 0), 0);
	assert_int_equal(
	    io_recv_record(pair[1], &type, data, sizeof data, &len, -1, 0),
	    ERR_EOF);
	assert_int_equal(io_send_record(pair[1], 1, data, 4, -1, 0), ERR_EOF);
	(void)close(pair[1]);
}

static void a_full_socket_waits_for_its_deadline(void **state)
{
	static uint8_t data[IO_RECORD_MAX];
	int64_t deadline = now() + 100;
	int pair[2], rc;

	(void)state;
	make_pair(pair);
	do
		rc =
		    io_send_record(pair[0], 1, data, sizeof data, -1, deadline);
	while (rc == 0);
	assert_int_equal(rc, ERR_TIMEOUT);
	assert_in_range(now(), deadline, deadline + 1000);
	close_pair(pair);
}

static void whole_files_only(void **state)
{
	char path[] = "/tmp/test_io.XXXXXX";
	char data[8];
	size_t len;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(io_write_full(fd, "12345678", 8), 0);
	assert_int_equal(io_read_file(path, data, 8, &len), 0);
	assert_int_equal(len, 8);
	assert_memory_equal(data, "12345678", 8);
	assert_int_equal(io_read_file(path, data, 7, &len), ERR_LIMIT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(io_read_file(path, data, 8, &len), ERR_ABSENT);
	assert_int_equal(io_read_file("/", data, 8, &len), ERR_IO);
	assert_int_equal(errno, EISDIR);
	(void)close(fd);
}

static void writing_to_a_full_device_fails(void **state)
{
	int fd = open("/dev/full", O_WRONLY);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(io_write_full(fd, "x", 1), ERR_IO);
	assert_int_equal(errno, ENOSPC);
	(void)close(fd);
}

static void halves_are_joined_and_reaped(void **state)
{
	uint32_t type;
	uint8_t data[4];
	size_t len;
	pid_t child;
	int fd, status;

	(void)state;
	assert_int_equal(io_split(&fd, &child), 0);
	if (child == 0) {
		int rc = io_recv_record(
		    fd, &type, data, sizeof data, &len, -1, now() + 5000);

		if (rc == 0)
			rc = io_send_record(fd, type + 1, data, len, -1, 0);
		_exit(rc == 0 ? 42 : 1);
	}
	assert_int_equal(io_send_record(fd, 5, "abcd", 4, -1, 0), 0);
	assert_int_equal(io_recv_record(fd, &type, data, sizeof data, &len, -1,
			     now() + 5000),
	    0);
	assert_int_equal(type, 6);
	assert_memory_equal(data, "abcd", 4);
	status = io_reap(child, now() + 5000);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	(void)close(fd);
}

static void a_child_that_hangs_is_ended(void **state)
{
	int64_t start = now();
	pid_t child;
	int fd, status;

	(void)state;
	assert_int_equal(io_split(&fd, &child), 0);
	if (child == 0) {
		(void)signal(SIGTERM, SIG_IGN);
		for (;;)
			(void)pause();
	}
	status = io_reap(child, start + 50);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_in_range(now() - start, 50, 2000);
	(void)close(fd);
}

static void stop_signals_make_the_descriptor_readable(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(io_stop_fd(&fd), 0);
	assert_int_equal(io_wait(fd, POLLIN, -1, now() + 1), ERR_TIMEOUT);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(io_wait(fd, POLLIN, -1, now() + 1000), 0);
	/* It stays so: nobody misses it. */
	assert_int_equal(io_wait(fd, POLLIN, -1, now() + 1000), 0);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wait_ends_by_deadline_and_by_cancel),
	    cmocka_unit_test(records_keep_type_length_and_bytes),
	    cmocka_unit_test(oversized_records_are_refused_and_consumed),
	    cmocka_unit_test(the_other_half_gone_is_eof),
	    cmocka_unit_test(a_full_socket_waits_for_its_deadline),
	    cmocka_unit_test(whole_files_only),
	    cmocka_unit_test(writing_to_a_full_device_fails),
	    cmocka_unit_test(halves_are_joined_and_reaped),
	    cmocka_unit_test(a_child_that_hangs_is_ended),
	    cmocka_unit_test(stop_signals_make_the_descriptor_readable),
	};

	return cmocka_run_group_tests_name("io", tests, NULL, NULL);
}

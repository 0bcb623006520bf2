/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aid/virtual.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/record.h"

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
	int64_t start = clock_read(CLOCK_MONOTONIC);

	(void)state;
	assert_int_equal(pipe(quiet), 0);
	assert_int_equal(pipe(stop), 0);
	assert_int_equal(
	    record_wait(quiet[0], POLLIN, stop[0], start + 50), ERR_TIMEOUT);
	/* Nothing else would end it for a minute. */
	assert_in_range(
	    clock_read(CLOCK_MONOTONIC) - start, 50, 50 + VIRTUAL_LATE_MS);
	assert_int_equal(record_wait(quiet[0], POLLIN, -1, start), ERR_TIMEOUT);
	assert_int_equal(write(stop[1], "", 1), 1);
	assert_int_equal(
	    record_wait(quiet[0], POLLIN, stop[0], 0), ERR_CANCELED);
	/* To stop comes before data. */
	assert_int_equal(write(quiet[1], "", 1), 1);
	assert_int_equal(
	    record_wait(quiet[0], POLLIN, stop[0], 0), ERR_CANCELED);
	assert_int_equal(record_wait(quiet[0], POLLIN, -1, 0), 0);
	close_pair(quiet);
	close_pair(stop);
}

static void records_keep_type_length_and_bytes(void **state)
{
	static const size_t sizes[] = {0, 1, 20, RECORD_MAX};
	static uint8_t in[RECORD_MAX], out[RECORD_MAX];
	uint32_t type;
	size_t len;
	int pair[2];

	(void)state;
	make_pair(pair);
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)(i * 13);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		assert_int_equal(
		    record_send(pair[0], 7 + (uint32_t)i, in, sizes[i], -1, 0),
		    0);
		assert_int_equal(record_receive(pair[1], &type, out, sizeof out,
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
	static uint8_t data[RECORD_MAX + 1];
	uint32_t type;
	uint8_t small[4];
	size_t len;
	int pair[2];

	(void)state;
	make_pair(pair);
	assert_int_equal(
	    record_send(pair[0], 1, data, sizeof data, -1, 0), ERR_LIMIT);
	assert_int_equal(record_send(pair[0], 1, data, 5, -1, 0), 0);
	assert_int_equal(send(pair[0], "abc", 3, 0), 3);
	assert_int_equal(record_send(pair[0], 2, data, 4, -1, 0), 0);
	assert_int_equal(
	    record_receive(pair[1], &type, small, sizeof small, &len, -1, 0),
	    ERR_FORMAT);
	assert_int_equal(
	    record_receive(pair[1], &type, small, sizeof small, &len, -1, 0),
	    ERR_FORMAT);
	assert_int_equal(
	    record_receive(pair[1], &type, small, sizeof small, &len, -1, 0),
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
	assert_int_equal(record_send(pair[0], 1, data, 4, -1, 0), 0);
	(void)close(pair[0]);
	assert_int_equal(
	    record_receive(pair[1], &type, data, sizeof data, &len, -1, 0), 0);
	assert_int_equal(
	    record_receive(pair[1], &type, data, sizeof data, &len, -1, 0),
	    ERR_EOF);
	assert_int_equal(record_send(pair[1], 1, data, 4, -1, 0), ERR_EOF);
	(void)close(pair[1]);
}

static void what_was_sent_before_the_end_comes_all_the_same(void **state)
{
	uint32_t type;
	uint8_t data[4];
	size_t len;
	int pair[2];

	(void)state;
	make_pair(pair);
	/* The other half ends without reading what it was sent. */
	assert_int_equal(record_send(pair[0], 1, "", 0, -1, 0), 0);
	assert_int_equal(record_send(pair[1], 2, "end", 3, -1, 0), 0);
	assert_int_equal(close(pair[1]), 0);
	assert_int_equal(
	    record_receive(pair[0], &type, data, sizeof data, &len, -1, 0), 0);
	assert_int_equal(type, 2);
	assert_int_equal(len, 3);
	assert_int_equal(
	    record_receive(pair[0], &type, data, sizeof data, &len, -1, 0),
	    ERR_EOF);
	(void)close(pair[0]);
}

static void a_full_socket_waits_for_its_deadline(void **state)
{
	static uint8_t data[RECORD_MAX];
	int64_t deadline = clock_read(CLOCK_MONOTONIC) + 100;
	int pair[2], rc;

	(void)state;
	make_pair(pair);
	do
		rc = record_send(pair[0], 1, data, sizeof data, -1, deadline);
	while (rc == 0);
	assert_int_equal(rc, ERR_TIMEOUT);
	assert_in_range(
	    clock_read(CLOCK_MONOTONIC), deadline, deadline + VIRTUAL_LATE_MS);
	close_pair(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wait_ends_by_deadline_and_by_cancel),
	    cmocka_unit_test(records_keep_type_length_and_bytes),
	    cmocka_unit_test(oversized_records_are_refused_and_consumed),
	    cmocka_unit_test(the_other_half_gone_is_eof),
	    cmocka_unit_test(what_was_sent_before_the_end_comes_all_the_same),
	    cmocka_unit_test(a_full_socket_waits_for_its_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

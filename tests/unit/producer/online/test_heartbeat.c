/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/record.h"
#include "producer/online/heartbeat.h"

static int pair[2]; /* [0]: the offline half's end */

static int setup(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
}

static int teardown(void **state)
{
	(void)state;
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}

static int64_t now;     /* simulated, ms */
static int64_t longest; /* sleep */
static unsigned stop_at, look_at;

static int64_t mono(void *ctx)
{
	(void)ctx;
	return now;
}

static void look(const void *data, size_t len)
{
	assert_int_equal(
	    record_send(pair[0], RECORD_LOOK, data, len, -1, 1), 0);
}

static int pass(void *ctx, int64_t ms)
{
	(void)ctx;
	now += ms;
	longest = ms > longest ? ms : longest;
	if (look_at > 0 && --look_at == 0)
		look(NULL, 0);
	return stop_at > 0 && --stop_at == 0 ? ERR_CANCELED : 0;
}

static const struct clock simulated = {.mono = mono, .sleep = pass};

static struct heartbeat begin(int64_t watchdog_ms)
{
	struct heartbeat h;

	now = 1000000;
	longest = 0;
	stop_at = 0;
	heartbeat_init(&h, pair[1], -1, &simulated, watchdog_ms);
	return h;
}

static unsigned count_signs(void)
{
	struct record_heartbeat heartbeat;
	uint32_t type;
	size_t len;
	unsigned n = 0;

	while (record_receive(pair[0], &type, &heartbeat, sizeof heartbeat,
		   &len, -1, 1) == 0) {
		assert_int_equal(type, RECORD_HEARTBEAT);
		assert_int_equal(len, sizeof heartbeat);
		n++;
	}
	return n;
}

static void a_long_sleep_is_cut(void **state)
{
	struct heartbeat h = begin(180000);

	(void)state;
	assert_int_equal(heartbeat_sleep(&h, 600000), 0);
	assert_int_equal(now, 1600000);
	assert_int_equal(longest, 60000);
	assert_int_equal(count_signs(), 10);
	/* No whole number of slices. */
	assert_int_equal(heartbeat_sleep(&h, 60001), 0);
	assert_int_equal(now, 1660001);
	assert_int_equal(count_signs(), 2);
	stop_at = 2;
	assert_int_equal(heartbeat_sleep(&h, 600000), ERR_CANCELED);
	assert_int_equal(count_signs(), 2);
}

/* The status is written of what the signs say. */
static void without_a_watchdog_a_sleep_has_a_sign_a_minute(void **state)
{
	struct heartbeat h = begin(0);

	(void)state;
	assert_int_equal(heartbeat_sleep(&h, 600000), 0);
	assert_int_equal(longest, 60000);
	assert_int_equal(count_signs(), 10);
}

static void a_look_ends_a_sleep(void **state)
{
	struct heartbeat h = begin(180000);

	(void)state;
	look_at = 2;
	assert_int_equal(heartbeat_sleep(&h, 600000), 0);
	assert_true(h.look);
	assert_int_equal(now, 1120000);
	/* It waits for whoever was busy. */
	h.look = false;
	look(NULL, 0);
	look(NULL, 0);
	assert_int_equal(heartbeat_sleep(&h, 600000), 0);
	assert_true(h.look);
	assert_int_equal(now, 1120000);
	h.look = false;
	assert_int_equal(heartbeat_sleep(&h, 1), 0);
	assert_false(h.look);
	/* And nothing else comes unasked. */
	look("x", 1);
	assert_int_equal(heartbeat_sleep(&h, 600000), ERR_FORMAT);
	assert_int_equal(
	    record_send(pair[0], RECORD_ANSWER, NULL, 0, -1, 1), 0);
	assert_int_equal(heartbeat_sleep(&h, 600000), ERR_FORMAT);
	(void)close(pair[0]);
	assert_int_equal(heartbeat_sleep(&h, 600000), ERR_CANCELED);
}

static void a_look_is_no_answer(void **state)
{
	struct heartbeat h = begin(0);
	uint32_t type;
	size_t len;
	char data[8];

	(void)state;
	look(NULL, 0);
	assert_int_equal(record_send(pair[0], 7, "x", 1, -1, 1), 0);
	assert_int_equal(
	    heartbeat_receive(&h, &type, data, sizeof data, &len), 0);
	assert_int_equal(type, 7);
	assert_true(h.look);
}

static void what_is_received_at_once_needs_one_sign(void **state)
{
	struct heartbeat h = begin(180000);
	uint32_t type;
	size_t len;
	char data[8];

	(void)state;
	for (int i = 0; i < 9; i++) {
		assert_int_equal(record_send(pair[0], 7, "x", 1, -1, 1), 0);
		assert_int_equal(
		    heartbeat_receive(&h, &type, data, sizeof data, &len), 0);
		assert_int_equal(count_signs(), i == 0 || i == 6 ? 1 : 0);
		now += 10000;
	}
}

static void the_shortest_watchdog_cuts_sleep_to_a_millisecond(void **state)
{
	struct heartbeat h = begin(1);

	(void)state;
	assert_int_equal(heartbeat_sleep(&h, 50), 0);
	assert_int_equal(longest, 1);
}

static void a_call_takes_no_more_than_a_slice(void **state)
{
	static const struct {
		int64_t watchdog, call;
	} cases[] = {
	    {0, 30000}, {180000, 30000}, {90000, 30000}, {30000, 10000}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct heartbeat h = begin(cases[i].watchdog);

		assert_int_equal(
		    heartbeat_deadline(&h, 30000), now + cases[i].call);
		assert_int_equal(count_signs(), 1);
	}
}

/* Signs that nobody reads must not stop the online half. */
static void signs_that_find_no_room_are_dropped(void **state)
{
	struct heartbeat h = begin(180000);

	(void)state;
	for (int i = 0; i < 100000; i++)
		heartbeat_tell(&h);
	assert_in_range(count_signs(), 1, 99999);
}

/* The record comes only after three signs of the half that waits for it. */
static void waiting_for_a_record_gives_signs(void **state)
{
	const struct clock real = clock_system(NULL);
	struct heartbeat h;
	int64_t began;
	uint32_t type;
	size_t len;
	char data[8];
	pid_t child;

	(void)state;
	heartbeat_init(&h, pair[1], -1, &real, 60);
	began = clock_mono(&real);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct record_heartbeat sign;

		for (int i = 0; i < 3; i++)
			if (record_receive(pair[0], &type, &sign, sizeof sign,
				&len, -1, 0) != 0)
				_exit(1);
		_exit(record_send(pair[0], 7, "x", 1, -1, 0) == 0 ? 0 : 1);
	}
	(void)alarm(60); /* without signs neither would end */
	assert_int_equal(
	    heartbeat_receive(&h, &type, data, sizeof data, &len), 0);
	(void)alarm(0);
	assert_int_equal(type, 7);
	assert_int_equal(len, 1);
	/* Three signs are two slices apart: they are no flood. */
	assert_true(clock_mono(&real) - began >= 2 * 60 / HEARTBEAT_PARTS);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_long_sleep_is_cut),
	    TEST(without_a_watchdog_a_sleep_has_a_sign_a_minute),
	    TEST(a_look_ends_a_sleep),
	    TEST(a_look_is_no_answer),
	    TEST(what_is_received_at_once_needs_one_sign),
	    TEST(the_shortest_watchdog_cuts_sleep_to_a_millisecond),
	    TEST(a_call_takes_no_more_than_a_slice),
	    TEST(signs_that_find_no_room_are_dropped),
	    TEST(waiting_for_a_record_gives_signs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

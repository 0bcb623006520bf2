/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "agent/online/waits.h"
#include "sqs/messages.h"

static struct waits begin_waits(size_t n, int64_t until)
{
	struct waits w = {.until = until};

	for (size_t i = 0; i < n; i++)
		waits_add(&w, i);
	return w;
}

static void one_queue_is_waited_on_in_one_poll(void **state)
{
	struct waits w = begin_waits(1, 8000);
	size_t queue = 9;
	int seconds = 0;

	(void)state;
	assert_true(waits_next(&w, 1050, &queue, &seconds));
	assert_int_equal(queue, 0);
	assert_int_equal(seconds, 6);
	assert_false(waits_next(&w, 7050, &queue, &seconds));
}

static void a_long_time_takes_several_polls(void **state)
{
	struct waits w = begin_waits(1, 298000);
	int64_t now = 1000;
	int seconds, polls = 0;
	size_t queue;

	(void)state;
	while (waits_next(&w, now, &queue, &seconds)) {
		assert_in_range(seconds, 1, SQS_WAIT_MAX_S);
		now += seconds * 1000;
		polls++;
	}
	assert_int_equal(now, 298000);
	assert_int_equal(polls, 15);
}

static void several_take_turns(void **state)
{
	static const struct {
		size_t queue;
		int seconds;
	} expected[] = {{0, 2}, {1, 2}, {2, 2}, {0, 1}};
	struct waits w = begin_waits(3, 10000);
	int64_t now = 2500;
	size_t queue;
	int seconds;

	(void)state;
	for (size_t k = 0; k < 4; k++) {
		assert_true(waits_next(&w, now, &queue, &seconds));
		assert_int_equal(queue, expected[k].queue);
		assert_int_equal(seconds, expected[k].seconds);
		now += seconds * 1000;
	}
	assert_false(waits_next(&w, now, &queue, &seconds));
}

static void without_a_queue_or_time_there_is_no_wait(void **state)
{
	struct waits none = begin_waits(0, 10000);
	struct waits w = begin_waits(2, 3000);
	size_t queue;
	int seconds;

	(void)state;
	assert_false(waits_next(&none, 0, &queue, &seconds));
	assert_false(waits_next(&w, 2001, &queue, &seconds));
	assert_false(waits_next(&w, 5000, &queue, &seconds));
	assert_true(waits_next(&w, 2000, &queue, &seconds));
	assert_int_equal(seconds, 1);
}

/* Whatever a poll takes: none goes on beyond the end, and no queue waits for
 * more than a turn of each other one. */
static void no_poll_is_too_long_and_no_queue_is_left_out(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		const size_t n = 1 + (size_t)rand() % LIMIT_QUEUES;
		struct waits w = begin_waits(n, rand() % 60000);
		size_t last[LIMIT_QUEUES] = {0}, turn = 0, queue;
		int64_t now = 0;
		int seconds;

		while (waits_next(&w, now, &queue, &seconds)) {
			turn++;
			assert_in_range(now + seconds * 1000, now, w.until);
			assert_in_range(turn - last[queue], 1, n);
			last[queue] = turn;
			now += rand() % (seconds * 1000) + 1;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_queue_is_waited_on_in_one_poll),
	    cmocka_unit_test(a_long_time_takes_several_polls),
	    cmocka_unit_test(several_take_turns),
	    cmocka_unit_test(without_a_queue_or_time_there_is_no_wait),
	    cmocka_unit_test(no_poll_is_too_long_and_no_queue_is_left_out),
	};

	return cmocka_run_group_tests_name("waits", tests, NULL, NULL);
}

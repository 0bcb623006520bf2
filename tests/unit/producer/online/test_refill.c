/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "producer/online/refill.h"

static const struct refill_settings article = {10, 10, 60};

static long count(int64_t visible, int64_t in_flight, int64_t last_send,
    int64_t last_sent, int64_t now)
{
	const struct refill_state s = {
	    visible, in_flight, last_send, last_sent, 0};

	return refill_count(&article, &s, now);
}

static void below_the_watermark_a_burst_is_sent(void **state)
{
	(void)state;
	assert_int_equal(count(0, 0, 0, 0, 1000), 10);
	assert_int_equal(count(9, 0, 0, 0, 1000), 10);
	assert_int_equal(count(10, 0, 0, 0, 1000), 0);
	assert_int_equal(count(11, 0, 0, 0, 1000), 0);
	assert_int_equal(count(INT64_MAX, 0, 0, 0, 1000), 0);
}

static void what_was_just_sent_counts(void **state)
{
	(void)state;
	assert_int_equal(count(0, 0, 1000, 10, 1001), 0);
	assert_int_equal(count(0, 0, 1000, 10, 1000 + 59999), 0);
	assert_int_equal(count(0, 0, 1000, 10, 1000 + 60000), 10);
	/* A burst that reached the queue in part leaves room for more. */
	assert_int_equal(count(0, 0, 1000, 9, 1001), 10);
}

static void what_is_counted_already_is_not_counted_twice(void **state)
{
	(void)state;
	assert_int_equal(count(4, 0, 1000, 4, 1001), 10);
	assert_int_equal(count(9, 0, 1000, 4, 1001), 10);
	assert_int_equal(count(3, 0, 1000, 10, 1001), 0);
}

static void messages_in_flight_are_used_unless_they_pile_up(void **state)
{
	const struct refill_state stuck = {0, 110, 0, 0, 0};
	const struct refill_state busy = {0, 109, 0, 0, 0};

	(void)state;
	assert_int_equal(count(0, 10, 0, 0, 1000), 10);
	assert_int_equal(count(0, 109, 0, 0, 1000), 10);
	assert_int_equal(count(0, 110, 0, 0, 1000), 0);
	assert_true(refill_is_stuck(&article, &stuck));
	assert_false(refill_is_stuck(&article, &busy));
}

/* Ten hours of a queue that reports what was sent 59 s late. */
static void a_late_count_does_not_overshoot(void **state)
{
	static const struct refill_settings fast = {10, 10, 5};
	struct refill_state s = {0};
	int64_t real = 0, reported_from = 0, most = 0;

	(void)state;
	for (int64_t now = 1; now < 36000000; now += 5000) {
		long n;

		if (now >= reported_from)
			s.visible = real;
		n = refill_count(&fast, &s, now);
		if (n > 0) {
			real += n;
			s.last_send = now;
			s.last_sent = n;
			s.last_seen = s.visible;
			reported_from = now + 59000;
		}
		most = real > most ? real : most;
		if (now % 400000 < 5000 && real > 0) {
			real--;
			s.visible = s.visible > 0 ? s.visible - 1 : 0;
		}
	}
	assert_in_range(most, 10, 19);
}

static void the_wait_is_jittered_upwards(void **state)
{
	(void)state;
	assert_int_equal(refill_wait(&article, 0), 60000);
	assert_int_equal(refill_wait(&article, 0.5), 63000);
	assert_in_range(refill_wait(&article, 0.999999), 65999, 66000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(below_the_watermark_a_burst_is_sent),
	    cmocka_unit_test(what_was_just_sent_counts),
	    cmocka_unit_test(what_is_counted_already_is_not_counted_twice),
	    cmocka_unit_test(messages_in_flight_are_used_unless_they_pile_up),
	    cmocka_unit_test(a_late_count_does_not_overshoot),
	    cmocka_unit_test(the_wait_is_jittered_upwards),
	};

	return cmocka_run_group_tests_name(
	    "producer refill", tests, NULL, NULL);
}

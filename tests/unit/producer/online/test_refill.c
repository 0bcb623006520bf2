/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "producer/online/refill.h"

static const struct refill_settings article = {10, 10, 60, 0, 1};

static double a_chance(void)
{
	return rand() / ((double)RAND_MAX + 1);
}

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
	static const struct refill_settings fast = {10, 10, 5, 0, 1};
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
			refill_note_sent(&s, now, n);
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

/* ---- with a depth */

static long share(long producers, int64_t visible, int64_t last_send,
    int64_t last_sent, int64_t now)
{
	const struct refill_settings rule = {10, 10, 60, 100, producers};
	const struct refill_state s = {visible, 0, last_send, last_sent, 0};

	return refill_count(&rule, &s, now);
}

static void with_a_depth_the_share_of_what_is_missing_is_sent(void **state)
{
	(void)state;
	assert_int_equal(share(1, 0, 0, 0, 1), 100);
	assert_int_equal(share(1, 99, 0, 0, 1), 1);
	assert_int_equal(share(1, 100, 0, 0, 1), 0);
	assert_int_equal(share(1, INT64_MAX, 0, 0, 1), 0);
	assert_int_equal(share(4, 0, 0, 0, 1), 25);
	assert_int_equal(share(4, 1, 0, 0, 1), 25);
	assert_int_equal(share(4, 99, 0, 0, 1), 1);
	assert_int_equal(share(1000, 0, 0, 0, 1), 1);
	/* What was sent a moment ago is in the queue, counted or not. */
	assert_int_equal(share(1, 0, 1000, 100, 1001), 0);
	assert_int_equal(share(1, 30, 1000, 60, 1001), 40);
	assert_int_equal(share(1, 30, 1000, 60, 1000 + 60000), 70);
	/* One of several does not know that of the others. */
	assert_int_equal(share(2, 0, 1000, 50, 1000 + 119999), 0);
	assert_int_equal(share(2, 0, 1000, 50, 1000 + 120000), 50);
}

static void with_a_depth_messages_in_flight_pile_up_later(void **state)
{
	const struct refill_settings rule = {10, 10, 60, 20, 1};
	const struct refill_state stuck = {0, 100, 0, 0, 0};
	const struct refill_state busy = {0, 99, 0, 0, 0};

	(void)state;
	assert_true(refill_is_stuck(&rule, &stuck));
	assert_int_equal(refill_count(&rule, &stuck, 1), 0);
	assert_int_equal(refill_count(&rule, &busy, 1), 20);
}

static void what_is_sent_adds_up_until_it_is_counted(void **state)
{
	struct refill_state s = {.visible = 50};

	(void)state;
	refill_note_sent(&s, 1000, 50);
	s.visible = 40;
	refill_note_sent(&s, 2000, 10);
	assert_int_equal(s.last_sent, 60);
	/* 25 of them are counted. */
	s.visible = 65;
	refill_note_sent(&s, 3000, 5);
	assert_int_equal(s.last_sent, 40);
	/* All are, after a minute. */
	refill_note_sent(&s, 3000 + REFILL_SETTLE_MS, 7);
	assert_int_equal(s.last_sent, 7);
}

/* A queue, and how SQS counts what was sent to it. */
struct world {
	long real;
	long counted[2000]; /* second by second, how many become visible */
};

static long visible_at(const struct world *w, int64_t second, long taken)
{
	long n = 0;

	for (int64_t k = 0; k <= second; k++)
		n += w->counted[k];
	return n > taken ? n - taken : 0;
}

static void send_late(struct world *w, int64_t second, long n, int late_s)
{
	/* All as late as can be, or each by chance. */
	const bool alike = rand() % 2 == 0;

	w->real += n;
	for (; n > 0; n--)
		w->counted[second + 1 +
			   (alike ? late_s : rand() % (late_s + 1))]++;
}

/*
 * Some of the rule's producers are up, and look at times of their own for half
 * an hour; every taken_s seconds, 0 for never, a message is taken.  Returns the
 * most that was in the queue, and in *end what was there in the end.
 */
static long simulate(const struct refill_settings *rule, int up, int late_s,
    int taken_s, long *end)
{
	struct world w = {.real = 0};
	struct refill_state s[16] = {{0}};
	int64_t next[16];
	long most = 0, taken = 0;

	for (int p = 0; p < up; p++)
		next[p] = rand() % (rule->interval + 1);
	for (int64_t now = 0; now < 1800; now++) {
		for (int p = 0; p < up; p++) {
			long n;

			if (now < next[p])
				continue;
			s[p].visible = visible_at(&w, now, taken);
			n = refill_count(rule, &s[p], (now + 1) * 1000);
			if (n > 0)
				refill_note_sent(&s[p], (now + 1) * 1000, n);
			send_late(&w, now, n, late_s);
			next[p] = now + refill_wait(rule, a_chance()) / 1000;
		}
		most = w.real > most ? w.real : most;
		if (taken_s > 0 && now % taken_s == 0 && w.real > 0) {
			w.real--;
			taken++;
		}
	}
	*end = w.real;
	return most;
}

/* One to sixteen producers, every kind of lateness, at intervals from 5 s to
 * 5 min. */
static void producers_that_share_a_queue_do_not_overshoot(void **state)
{
	static const long intervals[] = {5, 20, 60, 300};

	(void)state;
	for (int i = 0; i < 400; i++) {
		const int up = 1 + rand() % 16;
		const struct refill_settings rule = {
		    10, 10, intervals[i % 4], 20 + rand() % 200, up};
		const int late_s = rand() % 60;
		long most, end;

		most = simulate(&rule, up, late_s, rand() % 40, &end);
		if (most >= rule.depth + up)
			fail_msg("%d producers, depth %ld, interval %ld, %d s "
				 "late: %ld",
			    up, rule.depth, rule.interval, late_s, most);
		(void)simulate(&rule, up, late_s, 0, &end);
		assert_in_range(end, rule.depth, rule.depth + up - 1);
	}
}

/* The others fill its share up, in more time. */
static void a_producer_that_is_down_is_made_up_for(void **state)
{
	const struct refill_settings rule = {10, 10, 60, 100, 4};
	long end;

	(void)state;
	for (int i = 0; i < 100; i++) {
		(void)simulate(&rule, 3, 30, 0, &end);
		assert_in_range(end, 100, 110);
		(void)simulate(&rule, 1, 30, 0, &end);
		assert_in_range(end, 90, 110);
	}
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
	    cmocka_unit_test(with_a_depth_the_share_of_what_is_missing_is_sent),
	    cmocka_unit_test(with_a_depth_messages_in_flight_pile_up_later),
	    cmocka_unit_test(what_is_sent_adds_up_until_it_is_counted),
	    cmocka_unit_test(producers_that_share_a_queue_do_not_overshoot),
	    cmocka_unit_test(a_producer_that_is_down_is_made_up_for),
	    cmocka_unit_test(the_wait_is_jittered_upwards),
	};

	return cmocka_run_group_tests_name(
	    "producer refill", tests, NULL, NULL);
}

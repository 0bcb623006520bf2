/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "producer/online/refill.h"

static const struct refill_settings article = {10, 10, 60, 0, 2};
static const struct refill_settings alone = {10, 10, 60, 1000, 1};
static const struct refill_settings pair = {10, 10, 60, 1000, 2};

static double a_chance(void)
{
	return rand() / ((double)RAND_MAX + 1);
}

/* What a producer with that rule sends that has sent so many messages at
 * 1,000 ms, when the queue was empty, and looks now. */
static long count_after(const struct refill_settings *rule, long sent,
    int64_t visible, int64_t in_flight, int64_t now)
{
	struct refill_state s = {0};

	if (sent > 0) {
		(void)refill_look(rule, &s, 0, 0, 1000);
		refill_note_sent(&s, 1000, sent);
	}
	return refill_look(rule, &s, visible, in_flight, now);
}

static long count(const struct refill_settings *rule, int64_t visible)
{
	return count_after(rule, 0, visible, 0, 1000);
}

/* ---- as the article has it */

static void below_the_watermark_a_burst_is_sent(void **state)
{
	(void)state;
	assert_int_equal(count(&article, 0), 10);
	assert_int_equal(count(&article, 9), 10);
	assert_int_equal(count(&article, 10), 0);
	assert_int_equal(count(&article, 11), 0);
	assert_int_equal(count(&article, INT64_MAX), 0);
}

static void what_was_just_sent_counts(void **state)
{
	(void)state;
	assert_int_equal(count_after(&article, 10, 0, 0, 1001), 0);
	assert_int_equal(count_after(&article, 10, 0, 0, 1000 + 59999), 0);
	assert_int_equal(count_after(&article, 10, 0, 0, 1000 + 60000), 10);
	/* A burst that reached the queue in part leaves room for more. */
	assert_int_equal(count_after(&article, 9, 0, 0, 1001), 10);
}

static void what_is_counted_already_is_not_counted_twice(void **state)
{
	(void)state;
	assert_int_equal(count_after(&article, 4, 4, 0, 1001), 10);
	assert_int_equal(count_after(&article, 4, 9, 0, 1001), 10);
	assert_int_equal(count_after(&article, 10, 3, 0, 1001), 0);
}

static void messages_in_flight_are_used_unless_they_pile_up(void **state)
{
	const struct refill_state stuck = {.in_flight = 110};
	const struct refill_state busy = {.in_flight = 109};

	(void)state;
	assert_int_equal(count_after(&article, 0, 0, 10, 1000), 10);
	assert_int_equal(count_after(&article, 0, 0, 109, 1000), 10);
	assert_int_equal(count_after(&article, 0, 0, 110, 1000), 0);
	assert_true(refill_is_stuck(&article, &stuck));
	assert_false(refill_is_stuck(&article, &busy));
}

/* Ten hours of a queue that reports what was sent 59 s late. */
static void a_late_count_does_not_overshoot(void **state)
{
	static const struct refill_settings fast = {10, 10, 5, 0, 1};
	struct refill_state s = {0};
	int64_t real = 0, reported = 0, reported_from = 0, most = 0;

	(void)state;
	for (int64_t now = 1; now < 36000000; now += 5000) {
		long n;

		if (now >= reported_from)
			reported = real;
		n = refill_look(&fast, &s, reported, 0, now);
		if (n > 0) {
			real += n;
			refill_note_sent(&s, now, n);
			reported_from = now + 59000;
		}
		most = real > most ? real : most;
		if (now % 400000 < 5000 && real > 0) {
			real--;
			reported = reported > 0 ? reported - 1 : 0;
		}
	}
	assert_in_range(most, 10, 19);
}

static void without_a_depth_the_wait_is_the_interval(void **state)
{
	static const enum refill_turn turns[] = {
	    REFILL_SENT, REFILL_NONE, REFILL_FAILED};
	struct refill_state s = {0};

	(void)state;
	for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
		const enum refill_turn turn = turns[i];

		assert_int_equal(refill_wait(&article, &s, turn, 0), 60000);
		assert_int_equal(refill_wait(&article, &s, turn, 0.5), 63000);
		assert_in_range(
		    refill_wait(&article, &s, turn, 0.999999), 65999, 66000);
	}
}

/* ---- with a depth */

static void a_gap_of_a_batch_is_closed_in_batches(void **state)
{
	(void)state;
	assert_int_equal(count(&alone, 0), 10);
	assert_int_equal(count(&alone, 985), 10);
	assert_int_equal(count(&alone, 990), 10);
	assert_int_equal(count(&alone, 991), 0);
	assert_int_equal(count(&alone, 1000), 0);
	assert_int_equal(count(&alone, INT64_MAX), 0);
	assert_int_equal(count(&alone, -1), 10);
}

static void a_small_depth_is_kept_above_its_half(void **state)
{
	static const struct {
		long depth, visible, sent;
	} rows[] = {{1, 0, 1}, {1, 1, 0}, {2, 1, 1}, {3, 2, 0}, {3, 1, 2},
	    {10, 6, 0}, {10, 5, 5}, {10, 0, 10}, {19, 10, 0}, {19, 9, 10},
	    {20, 11, 0}, {20, 10, 10}, {25, 16, 0}, {25, 15, 10}, {25, 9, 10}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct refill_settings rule = {
		    10, 10, 60, rows[i].depth, 1};

		assert_int_equal(count(&rule, rows[i].visible), rows[i].sent);
	}
}

static void several_share_the_last_of_a_gap(void **state)
{
	const struct refill_settings many = {10, 10, 60, 1000, 1000};

	(void)state;
	assert_int_equal(count(&pair, 0), 10);
	assert_int_equal(count(&pair, 981), 10);
	assert_int_equal(count(&pair, 983), 9);
	assert_int_equal(count(&pair, 990), 5);
	assert_int_equal(count(&pair, 991), 0);
	assert_int_equal(count(&many, 0), 1);
	assert_int_equal(count(&many, 990), 1);
}

static void an_idle_producer_closes_any_gap(void **state)
{
	struct refill_state s = {0};

	(void)state;
	/* Its next wait would be that of 60 s. */
	for (int i = 0; i < 6; i++) {
		assert_int_equal(refill_look(&alone, &s, 999, 0, 1000), 0);
		(void)refill_wait(&alone, &s, REFILL_NONE, 0);
	}
	assert_int_equal(refill_look(&alone, &s, 1000, 0, 1000), 0);
	assert_int_equal(refill_look(&alone, &s, 999, 0, 1000), 1);
	assert_int_equal(refill_look(&alone, &s, 994, 0, 1000), 6);
	assert_int_equal(refill_look(&pair, &s, 994, 0, 1000), 3);
	refill_note_sent(&s, 1000, 6);
	assert_int_equal(refill_look(&alone, &s, 992, 0, 1000), 0);
	assert_int_equal(refill_wait(&alone, &s, REFILL_NONE, 0), 8000);
	assert_int_equal(refill_wait(&alone, &s, REFILL_NONE, 0), 16000);
}

/* However short the interval is: a message that is taken between two looks is
 * no call of its own. */
static void a_send_for_a_small_gap_is_followed_by_a_wait(void **state)
{
	static const long intervals[] = {1, 2, 7, 8, 9, 60};

	(void)state;
	for (size_t i = 0; i < sizeof intervals / sizeof intervals[0]; i++) {
		const struct refill_settings rule = {
		    10, 10, intervals[i], 1000, 1};
		struct refill_state s = {0};

		for (int k = 0; k < 6; k++) {
			(void)refill_look(&rule, &s, 1000, 0, 1000);
			(void)refill_wait(&rule, &s, REFILL_NONE, 0);
		}
		assert_int_equal(refill_look(&rule, &s, 995, 0, 1000), 5);
		refill_note_sent(&s, 1000, 5);
		assert_int_equal(refill_look(&rule, &s, 994, 0, 1000), 0);
		assert_int_equal(refill_wait(&rule, &s, REFILL_NONE, 0),
		    intervals[i] < REFILL_CALM ? 1000 * intervals[i]
					       : 1000 * REFILL_CALM);
	}
}

static void what_was_sent_counts_for_each_producer(void **state)
{
	(void)state;
	/* Nothing of it is counted yet. */
	assert_int_equal(count_after(&alone, 990, 0, 0, 1001), 10);
	assert_int_equal(count_after(&alone, 991, 0, 0, 1001), 0);
	assert_int_equal(count_after(&pair, 490, 0, 0, 1001), 10);
	assert_int_equal(count_after(&pair, 496, 0, 0, 1001), 0);
	/* All of it is, or what was taken. */
	assert_int_equal(count_after(&alone, 490, 490, 0, 1001), 10);
	assert_int_equal(count_after(&alone, 490, 990, 0, 1001), 10);
	assert_int_equal(count_after(&alone, 490, 991, 0, 1001), 0);
	/* What is counted may be of the others, who have sent their share. */
	assert_int_equal(count_after(&pair, 250, 500, 0, 1001), 0);
	assert_int_equal(count_after(&pair, 240, 500, 0, 1001), 10);
}

/* The other one may have begun a minute later. */
static void what_was_sent_is_forgotten_bit_by_bit(void **state)
{
	static const struct {
		int64_t after;
		long held;
	} rows[] = {{1, 1000}, {59999, 1000}, {60000, 250}, {75000, 140},
	    {90000, 62}, {105000, 15}, {119999, 0}, {120000, 0},
	    {INT64_C(1) << 50, 0}};
	struct refill_state s = {0}, of_one = {0};

	(void)state;
	(void)refill_look(&pair, &s, 0, 0, 1000);
	refill_note_sent(&s, 1000, 500);
	(void)refill_look(&alone, &of_one, 0, 0, 1000);
	refill_note_sent(&of_one, 1000, 500);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const int64_t now = 1000 + rows[i].after;

		(void)refill_look(&pair, &s, 0, 0, now);
		assert_int_equal(s.held, rows[i].held);
		(void)refill_look(&alone, &of_one, 0, 0, now);
		assert_int_equal(of_one.held, rows[i].after < 60000 ? 500 : 0);
	}
	assert_int_equal(s.n, 0);
}

static void what_is_late_is_neither_negative_nor_more_than_was_sent(
    void **state)
{
	struct refill_state s = {0};

	(void)state;
	/* The other one may have sent 50 of the 100 that are missing. */
	(void)refill_look(&pair, &s, 900, 0, 1000);
	assert_int_equal(s.held, 900);
	assert_int_equal(s.most, 950);
	refill_note_sent(&s, 1000, 10);
	assert_int_equal(s.held, 910);
	(void)refill_look(&pair, &s, 900, 0, 2000);
	assert_int_equal(s.held, 920);
	(void)refill_look(&pair, &s, 950, 0, 2000);
	assert_int_equal(s.held, 970);
	(void)refill_look(&pair, &s, 965, 0, 2000);
	assert_int_equal(s.held, 970);
	(void)refill_look(&pair, &s, 2000, 0, 2000);
	assert_int_equal(s.held, 2000);
	assert_int_equal(s.most, 2000);
	(void)refill_look(&pair, &s, 20, 0, 2000);
	assert_int_equal(s.held, 40);
	(void)refill_look(&pair, &s, INT64_MAX, 0, 2000);
	refill_note_sent(&s, 3000, 10);
	assert_int_equal(refill_look(&pair, &s, INT64_MAX, 0, 3000), 0);
	assert_true(s.held > 0);
}

/* What the queue was held to contain then moves on with the oldest send. */
static void before_is_that_of_the_oldest_send(void **state)
{
	struct refill_state s = {0};

	(void)state;
	(void)refill_look(&alone, &s, 500, 0, 1000);
	refill_note_sent(&s, 1000, 10);
	(void)refill_look(&alone, &s, 500, 0, 31000);
	refill_note_sent(&s, 31000, 20);
	(void)refill_look(&alone, &s, 500, 0, 60999);
	assert_int_equal(s.held, 530);
	/* 510 were held at 31 s, before the 20. */
	(void)refill_look(&alone, &s, 512, 0, 61000);
	assert_int_equal(s.held, 530);
	(void)refill_look(&alone, &s, 525, 0, 90999);
	assert_int_equal(s.held, 530);
	(void)refill_look(&alone, &s, 525, 0, 91000);
	assert_int_equal(s.held, 525);
}

static void with_a_depth_messages_in_flight_pile_up_later(void **state)
{
	const struct refill_settings rule = {10, 10, 60, 20, 1};
	const struct refill_settings one = {0, 0, 60, 1, 1};
	const struct refill_state stuck = {.in_flight = 120};
	const struct refill_state busy = {.in_flight = 119};
	const struct refill_state idle = {.in_flight = 100};

	(void)state;
	assert_true(refill_is_stuck(&rule, &stuck));
	assert_false(refill_is_stuck(&rule, &busy));
	assert_true(refill_is_stuck(&one, &busy));
	assert_false(refill_is_stuck(&one, &idle));
	assert_int_equal(count_after(&rule, 0, 0, 120, 1000), 0);
	assert_int_equal(count_after(&rule, 0, 0, 119, 1000), 10);
	assert_int_equal(count_after(&pair, 0, 0, 1099, 1000), 10);
	assert_int_equal(count_after(&pair, 0, 0, 1100, 1000), 0);
}

/* ---- its memory */

static void sends_of_a_second_are_one_note(void **state)
{
	struct refill_state s = {0};

	(void)state;
	(void)refill_look(&alone, &s, 100, 0, 1000);
	refill_note_sent(&s, 1000, 10);
	(void)refill_look(&alone, &s, 110, 0, 1500);
	refill_note_sent(&s, 1999, 10);
	assert_int_equal(s.n, 1);
	(void)refill_look(&alone, &s, 120, 0, 2000);
	refill_note_sent(&s, 2000, 5);
	assert_int_equal(s.n, 2);
	/* The first note counts as long as its last send does. */
	(void)refill_look(&alone, &s, 100, 0, 61998);
	assert_int_equal(s.held, 125);
	(void)refill_look(&alone, &s, 100, 0, 61999);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.held, 105);
}

/* Sends at any times: their notes fit, and none is lost before its time. */
static void send_for_minutes(
    const struct refill_settings *rule, int64_t step, int64_t settled)
{
	static int64_t when[250000];
	struct refill_state s = {0};
	int64_t now = 1;
	size_t n = 0, first = 0;

	for (; n < 250000 && now < 5 * settled; n++) {
		(void)refill_look(rule, &s, 0, 0, now);
		refill_note_sent(&s, now, 1);
		assert_in_range(s.n, 1, REFILL_NOTES);
		when[n] = now;
		now += step == 7 ? rand() % 14 : step;
	}
	now = when[n - 1];
	while (now - when[first] >= REFILL_SETTLE_MS)
		first++;
	(void)refill_look(rule, &s, 0, 0, now);
	assert_true(s.held >= (int64_t)(n - first) * (rule->producers));
	/* No more than another second's, and what the others may have sent. */
	while (first > 0 && now - when[first - 1] < settled + REFILL_MERGE_MS)
		first--;
	assert_true(s.held <= (int64_t)(n - first) * (rule->producers));
	(void)refill_look(rule, &s, 0, 0, now + settled);
	assert_int_equal(s.held, 0);
	assert_int_equal(s.n, 0);
}

static void the_sends_of_two_minutes_always_fit(void **state)
{
	static const int64_t steps[] = {0, 1, 7, 160, 999, 1000, 1001, 2500};

	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		send_for_minutes(&alone, steps[i], REFILL_SETTLE_MS);
		send_for_minutes(&pair, steps[i], 2 * REFILL_SETTLE_MS);
	}
}

static void time_that_stands_still_or_runs_back_loses_no_send(void **state)
{
	struct refill_state s = {0};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		(void)refill_look(&alone, &s, 0, 0, 100000 - i * 50);
		refill_note_sent(&s, 100000 - i * 50, 1);
	}
	assert_int_equal(s.n, 1);
	(void)refill_look(&alone, &s, 0, 0, 50000);
	assert_int_equal(s.held, 1000);
	(void)refill_look(&alone, &s, 0, 0, 160000);
	assert_int_equal(s.held, 0);
}

/* Notes that are all of the future leave room for the newest only. */
static void a_memory_that_is_full_adds_to_the_newest(void **state)
{
	struct refill_state s = {0};

	(void)state;
	for (int i = 0; i < REFILL_NOTES; i++)
		refill_note_sent(&s, 1000 * i, 1);
	assert_int_equal(s.n, REFILL_NOTES);
	refill_note_sent(&s, 1000 * REFILL_NOTES, 5);
	assert_int_equal(s.n, REFILL_NOTES);
	(void)refill_look(&alone, &s, 0, 0, 0);
	assert_int_equal(s.held, REFILL_NOTES + 5);
}

/* ---- waiting */

static void a_full_queue_is_looked_at_less_and_less_often(void **state)
{
	static const int64_t waits[] = {1, 2, 4, 8, 16, 32, 60, 60};
	struct refill_state s = {0};

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++)
			assert_int_equal(refill_wait(&pair, &s, REFILL_NONE, 0),
			    waits[i] * 1000);
		refill_note_sent(&s, 1000, 1);
		assert_int_equal(refill_wait(&pair, &s, REFILL_SENT, 0.9), 0);
	}
	assert_int_equal(refill_wait(&pair, &s, REFILL_NONE, 0.5), 1050);
	assert_in_range(
	    refill_wait(&pair, &s, REFILL_NONE, 0.999999), 2199, 2200);
}

static void a_failure_waits_for_the_interval(void **state)
{
	struct refill_state s = {0};

	(void)state;
	assert_int_equal(refill_wait(&pair, &s, REFILL_FAILED, 0), 60000);
	assert_int_equal(refill_wait(&pair, &s, REFILL_FAILED, 0.5), 63000);
	assert_int_equal(refill_wait(&pair, &s, REFILL_NONE, 0), 1000);
	assert_int_equal(refill_wait(&pair, &s, REFILL_FAILED, 0), 60000);
	assert_int_equal(refill_wait(&pair, &s, REFILL_NONE, 0), 2000);
}

static void no_wait_is_longer_than_the_interval(void **state)
{
	static const struct refill_settings rule = {10, 10, 5, 1000, 2};
	static const struct refill_settings least = {10, 10, 1, 1000, 2};
	struct refill_state s = {0}, of_least = {0};

	(void)state;
	(void)refill_wait(&rule, &s, REFILL_NONE, 0);
	(void)refill_wait(&rule, &s, REFILL_NONE, 0);
	assert_int_equal(refill_wait(&rule, &s, REFILL_NONE, 0), 4000);
	assert_int_equal(refill_wait(&rule, &s, REFILL_NONE, 0), 5000);
	for (int i = 0; i < 9; i++)
		assert_int_equal(
		    refill_wait(&least, &of_least, REFILL_NONE, 0), 1000);
}

/* ---- several producers, in virtual time */

/* A queue, and how SQS counts what was sent to it. */
#define SECONDS 1800
struct world {
	long real, taken;
	long becomes[SECONDS + 62]; /* visible in that second */
	long counted;
};

/* Each message is counted 0 to 59 s late. */
static void send_late(struct world *w, int second, long n)
{
	w->real += n;
	for (; n > 0; n--)
		w->becomes[second + 1 + rand() % 60]++;
}

static long see(const struct world *w)
{
	return w->counted > w->taken ? w->counted - w->taken : 0;
}

/* A producer whose source makes so many messages a second. */
struct simulated {
	struct refill_state state;
	double next, made;
};

static void simulate_turns(const struct refill_settings *rule,
    struct simulated *p, struct world *w, int second)
{
	const int64_t now = (second + 1) * INT64_C(1000);

	while (p->next <= second) {
		enum refill_turn turn = REFILL_NONE;
		const long n = refill_look(rule, &p->state, see(w), 0, now);

		if ((double)n > p->made) {
			p->next = second + 1;
			return;
		}
		if (n > 0) {
			refill_note_sent(&p->state, now, n);
			send_late(w, second, n);
			p->made -= (double)n;
			turn = REFILL_SENT;
		}
		p->next = second + (double)refill_wait(
				       rule, &p->state, turn, a_chance()) /
				       1000;
	}
}

/*
 * Some of the rule's producers are up for half an hour, each with a source that
 * makes so many messages a second; every taken_s seconds, 0 for never, a
 * message is taken.  Returns the most that was in the queue, and in *end what
 * was there in the end.
 */
static long simulate(const struct refill_settings *rule, int up, int made,
    int taken_s, long *end)
{
	struct world w = {.real = 0};
	struct simulated p[20];
	long most = 0;

	memset(p, 0, sizeof p);
	for (int i = 0; i < up; i++)
		p[i].next = (double)(rand() % (int)(rule->interval + 1));
	for (int second = 0; second < SECONDS; second++) {
		w.counted += w.becomes[second];
		for (int i = 0; i < up; i++) {
			p[i].made = p[i].made + made < 60 * made
					? p[i].made + made
					: 60 * made;
			simulate_turns(rule, &p[i], &w, second);
		}
		most = w.real > most ? w.real : most;
		if (taken_s > 0 && second % taken_s == 0 && w.real > 0) {
			w.real--;
			w.taken++;
		}
	}
	*end = w.real;
	return most;
}

/* As it is by default, and with sources of 4 kB/s. */
static void two_producers_overshoot_by_no_batch(void **state)
{
	long end;

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_in_range(simulate(&pair, 2, 8, 0, &end), 1000, 1009);
		assert_in_range(
		    simulate(&pair, 2, 8, 1 + rand() % 9, &end), 950, 1009);
	}
}

/* One to twenty, slow and fast ones, whose queue is used or not. */
static void producers_that_share_a_queue_overshoot_little(void **state)
{
	static const long intervals[] = {5, 20, 60};

	(void)state;
	for (int i = 0; i < 200; i++) {
		const int up = 1 + rand() % 20;
		const struct refill_settings rule = {
		    10, 10, intervals[i % 3], 100 + rand() % 1000, up};
		long most, end;

		most = simulate(&rule, up, 1 + rand() % 200, rand() % 40, &end);
		if (most >= rule.depth + rule.depth / 50 + up)
			fail_msg("%d producers, depth %ld, interval %ld: %ld",
			    up, rule.depth, rule.interval, most);
	}
}

/* The others fill its share up, in more time. */
static void a_producer_that_is_down_is_made_up_for(void **state)
{
	static const struct refill_settings four = {10, 10, 60, 1000, 4};
	long end;

	(void)state;
	for (int i = 0; i < 20; i++) {
		(void)simulate(&four, 3, 8, 0, &end);
		assert_in_range(end, 1000, 1009);
		(void)simulate(&pair, 1, 8, 0, &end);
		assert_int_equal(end, 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(below_the_watermark_a_burst_is_sent),
	    cmocka_unit_test(what_was_just_sent_counts),
	    cmocka_unit_test(what_is_counted_already_is_not_counted_twice),
	    cmocka_unit_test(messages_in_flight_are_used_unless_they_pile_up),
	    cmocka_unit_test(a_late_count_does_not_overshoot),
	    cmocka_unit_test(without_a_depth_the_wait_is_the_interval),
	    cmocka_unit_test(a_gap_of_a_batch_is_closed_in_batches),
	    cmocka_unit_test(a_small_depth_is_kept_above_its_half),
	    cmocka_unit_test(several_share_the_last_of_a_gap),
	    cmocka_unit_test(an_idle_producer_closes_any_gap),
	    cmocka_unit_test(a_send_for_a_small_gap_is_followed_by_a_wait),
	    cmocka_unit_test(what_was_sent_counts_for_each_producer),
	    cmocka_unit_test(what_was_sent_is_forgotten_bit_by_bit),
	    cmocka_unit_test(
		what_is_late_is_neither_negative_nor_more_than_was_sent),
	    cmocka_unit_test(before_is_that_of_the_oldest_send),
	    cmocka_unit_test(with_a_depth_messages_in_flight_pile_up_later),
	    cmocka_unit_test(sends_of_a_second_are_one_note),
	    cmocka_unit_test(the_sends_of_two_minutes_always_fit),
	    cmocka_unit_test(time_that_stands_still_or_runs_back_loses_no_send),
	    cmocka_unit_test(a_memory_that_is_full_adds_to_the_newest),
	    cmocka_unit_test(a_full_queue_is_looked_at_less_and_less_often),
	    cmocka_unit_test(a_failure_waits_for_the_interval),
	    cmocka_unit_test(no_wait_is_longer_than_the_interval),
	    cmocka_unit_test(two_producers_overshoot_by_no_batch),
	    cmocka_unit_test(producers_that_share_a_queue_overshoot_little),
	    cmocka_unit_test(a_producer_that_is_down_is_made_up_for),
	};

	return cmocka_run_group_tests_name(
	    "producer refill", tests, NULL, NULL);
}

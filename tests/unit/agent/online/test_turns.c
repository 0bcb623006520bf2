/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "agent/online/turns.h"

/* How the queues of a run behave: after so long each fails, is empty, or gives
 * a message; one that would take longer than its turn is cut off. */
enum way { SILENT, FAILS, GIVES };
struct queue {
	enum way way;
	int64_t ms; /* of an answer */
};

/* One turn of a run, as it is expected. */
struct turn {
	size_t queue;
	int64_t from, until; /* ms since the run began */
};

struct scene {
	const char *what;
	int64_t deadline;
	long wanted; /* messages */
	struct queue queues[LIMIT_QUEUES];
	size_t n;
	struct turn turns[8];
	size_t turns_n;
};

/* Virtual time: a turn takes as long as its queue needs. */
static void play(const struct scene *scene)
{
	int64_t now = 0;
	struct turns t;
	long held = 0;
	size_t queue, k = 0;

	turns_init(&t, scene->n, NULL, scene->deadline);
	while (held < scene->wanted && turns_next(&t, now, &queue)) {
		const struct queue *q = &scene->queues[queue];
		const struct turn *expected = &scene->turns[k];
		const bool answers = q->way != SILENT && now + q->ms <= t.until;

		if (k == scene->turns_n || queue != expected->queue ||
		    now != expected->from || t.until != expected->until)
			fail_msg("%s: turn %zu: queue %zu from %ld to %ld",
			    scene->what, k, queue, (long)now, (long)t.until);
		k++;
		now = answers ? now + q->ms : t.until;
		held += answers && q->way == GIVES ? 1 : 0;
		turns_end(&t, now, answers, held > 0);
	}
	assert_int_equal(k, scene->turns_n);
}

static void the_time_that_is_left_is_shared(void **state)
{
	static const struct scene scenes[] = {
	    {"one has all", 10000, 1, {{SILENT, 0}}, 1, {{0, 0, 10000}}, 1},
	    {"a silent one leaves its share to the other", 10000, 1,
		{{SILENT, 0}, {GIVES, 100}}, 2, {{0, 0, 5000}, {1, 5000, 7500}},
		2},
	    {"what is not used is the others'", 10000, 1,
		{{FAILS, 100}, {FAILS, 100}, {SILENT, 0}}, 3,
		{{0, 0, 3333}, {1, 100, 5050}, {2, 200, 10000}}, 3},
	    {"a silent one comes again, with all that is left", 10000, 1,
		{{SILENT, 0}, {FAILS, 500}}, 2,
		{{0, 0, 5000}, {1, 5000, 7500}, {0, 5500, 10000}}, 3},
	    {"two silent ones take turns", 10000, 1, {{SILENT, 0}, {SILENT, 0}},
		2,
		{{0, 0, 5000}, {1, 5000, 7500}, {0, 7500, 9500},
		    {1, 9500, 10000}},
		4},
	    {"a share is never too short", 3000, 1,
		{{SILENT, 0}, {SILENT, 0}, {GIVES, 10}}, 3,
		{{0, 0, 2000}, {1, 2000, 3000}}, 2},
	    {"one message is enough", 10000, 1, {{GIVES, 5}, {GIVES, 5}}, 2,
		{{0, 0, 5000}}, 1},
	    {"for more there is less time, and one turn", 60000, 3,
		{{GIVES, 5}, {SILENT, 0}, {GIVES, 5}}, 3,
		{{0, 0, 20000}, {1, 5, 2005}, {2, 2005, 4005}}, 3},
	    {"whoever answered does not come again", 10000, 1,
		{{FAILS, 4900}, {FAILS, 1}}, 2,
		{{0, 0, 5000}, {1, 4900, 10000}}, 2},
	    {"the first turn comes in any case", 0, 1, {{SILENT, 0}}, 1,
		{{0, 0, 0}}, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
		play(&scenes[i]);
}

/* Whatever they do, all are asked within the deadline if each that is silent
 * can have its least. */
static void nobody_is_left_out(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		const size_t n = 1 + (size_t)rand() % LIMIT_QUEUES;
		const int64_t deadline = (int64_t)n * TURNS_LEAST_MS;
		bool asked[LIMIT_QUEUES] = {false};
		int64_t now = 0;
		struct turns t;
		size_t queue, turns = 0;

		turns_init(&t, n, NULL, deadline);
		while (turns_next(&t, now, &queue)) {
			const bool answers = rand() % 2 == 0;

			assert_in_range(t.until, now, deadline);
			now += answers ? rand() % (t.until - now + 1)
				       : t.until - now;
			asked[queue] = true;
			turns_end(&t, now, answers, false);
			assert_in_range(++turns, 1, 3 * LIMIT_QUEUES);
		}
		for (size_t k = 0; k < n; k++)
			assert_true(asked[k]);
	}
}

static void a_turn_until_the_deadline_is_the_last(void **state)
{
	struct turns t;
	size_t queue;

	(void)state;
	turns_init(&t, 1, NULL, 5000);
	assert_true(turns_next(&t, 0, &queue));
	turns_end(&t, 5000 - TURNS_REST_MS + 1, false, false);
	assert_false(turns_next(&t, 5000 - TURNS_REST_MS + 1, &queue));
}

static double a_chance(void *ctx)
{
	(void)ctx;
	return rand() / ((double)RAND_MAX + 1);
}

static double almost_one(void *ctx)
{
	(void)ctx;
	return 0x1.fffffffffffffp-1;
}

static void each_order_comes_as_often_as_any_other(void **state)
{
	const struct clock chance = {.chance = a_chance};
	const struct clock most = {.chance = almost_one};
	unsigned first[3][3] = {{0}};
	struct turns t;

	(void)state;
	for (int i = 0; i < 30000; i++) {
		turns_init(&t, 3, &chance, 10000);
		for (size_t k = 0; k < 3; k++)
			first[k][t.queue[k]]++;
	}
	/* 10,000 each, with a deviation of 82. */
	for (size_t k = 0; k < 3; k++)
		for (size_t q = 0; q < 3; q++)
			assert_in_range(first[k][q], 9500, 10500);
	turns_init(&t, LIMIT_QUEUES, &most, 10000);
	for (size_t k = 0; k < LIMIT_QUEUES; k++)
		assert_int_equal(t.queue[k], k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_time_that_is_left_is_shared),
	    cmocka_unit_test(nobody_is_left_out),
	    cmocka_unit_test(a_turn_until_the_deadline_is_the_last),
	    cmocka_unit_test(each_order_comes_as_often_as_any_other),
	};

	return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/fleet/producers.h"

#include <err.h>
#include <stdlib.h>

#include "producer/online/refill.h"
#include "tests/bench/fleet/agents.h"

/* As in producer/online/batch.c: what there is after this long is sent. */
#define SLOW_MS     20000
/* A connection that rests for longer is closed, and another one takes two more
 * round trips (TCP and TLS). */
#define REST_MS     20000
#define ROUND_TRIPS 2
#define START_MS    60000 /* from the first to the last that starts */
#define ATTEMPTS    3     /* as SQS_ATTEMPTS of common/sqs/client.h */

struct producer {
	int64_t speed;              /* bytes a second; 0: dead */
	size_t queue;               /* whose turn it is */
	int64_t next[LIMIT_QUEUES]; /* when the turn of each comes */
	struct refill_state state[LIMIT_QUEUES];
	int64_t left; /* of the messages that the rule asked for */
	int64_t n;    /* in the batch that is under way */
	bool sent;    /* since the connection was made */
	int64_t visible, in_flight; /* as told */
	int64_t last_call;          /* when the last answer came */
	int attempts;               /* of the call that is under way */
	enum world_fate fate;
};

/* When the outage that there is now ends; -1: there is none. */
static int64_t find_end(const struct world *w)
{
	const struct world_settings *s = w->settings;

	for (size_t i = 0; i < s->outages_n; i++)
		if (w->now >= s->outages[i].from_ms &&
		    w->now < s->outages[i].to_ms)
			return s->outages[i].to_ms;
	return -1;
}

static void add_event(
    struct world *w, const struct producer *p, int64_t at, enum event_kind kind)
{
	events_add(&w->events, at, kind, (uint32_t)(p - w->producers), 0);
}

static int64_t find_way(const struct world *w, const struct producer *p)
{
	const int64_t one_way = w->settings->producer_ms;

	return w->now - p->last_call > REST_MS || p->last_call == 0
		   ? (1 + 2 * ROUND_TRIPS) * one_way
		   : one_way;
}

/* The turn of the queue that has waited for the longest time; of several alike
 * the one behind the last. */
static void plan_turn(struct world *w, struct producer *p)
{
	const size_t n = w->settings->queues;
	size_t next = (p->queue + 1) % n;

	for (size_t i = 2; i <= n; i++)
		if (p->next[(p->queue + i) % n] < p->next[next])
			next = (p->queue + i) % n;
	p->queue = next;
	/* Having sent, a producer that sleeps closes its connections. */
	if (p->sent && p->next[next] > w->now)
		p->last_call = 0;
	p->sent = p->sent && p->last_call != 0;
	add_event(
	    w, p, p->next[next] > w->now ? p->next[next] : w->now, EVENT_LOOK);
}

static void end_turn(struct world *w, struct producer *p, enum refill_turn turn)
{
	p->next[p->queue] =
	    w->now + refill_wait(&w->settings->refill, &p->state[p->queue],
			 turn, random_unit(&w->chance));
	plan_turn(w, p);
}

/* What was under way when the power went is lost, and so is what the producer
 * knew. */
static void switch_off(struct world *w, struct producer *p, int64_t until)
{
	for (size_t i = 0; i < w->settings->queues; i++) {
		p->state[i] = (struct refill_state){.visible = 0};
		p->next[i] = 0;
	}
	p->last_call = 0;
	add_event(w, p, until + random_below(&w->chance, START_MS), EVENT_LOOK);
}

static void begin_turn(struct world *w, struct producer *p)
{
	p->attempts = 0;
	add_event(w, p, w->now + find_way(w, p), EVENT_COUNTED);
}

static void count_queue(struct world *w, struct producer *p)
{
	struct queue *q = &w->queues[p->queue];

	p->fate = world_call(w, WORLD_LOOK);
	queue_tell(q, w->now, &p->visible, &p->in_flight);
	add_event(w, p, w->now + w->settings->producer_ms, EVENT_TOLD);
}

/* Make a batch, and have it arrive.  The source makes one message after the
 * other. */
static void send_batch(struct world *w, struct producer *p)
{
	const int64_t ms = w->settings->bytes * 1000 / p->speed;
	const int64_t most = p->left < LIMIT_BATCH ? p->left : LIMIT_BATCH;
	int64_t made = ms;

	p->n = 1;
	while (p->n < most && ms < SLOW_MS && made - ms < SLOW_MS) {
		p->n++;
		made += ms;
	}
	p->attempts = 0;
	add_event(w, p, w->now + made + find_way(w, p), EVENT_ARRIVED);
}

static bool call_again(
    struct world *w, struct producer *p, enum event_kind kind)
{
	if (++p->attempts >= ATTEMPTS)
		return false;
	add_event(w, p,
	    w->now + world_backoff(w, p->attempts, false) +
		w->settings->producer_ms,
	    kind);
	return true;
}

static void learn_count(struct world *w, struct producer *p)
{
	p->last_call = w->now;
	if (p->fate != WORLD_DONE) {
		if (!call_again(w, p, EVENT_COUNTED))
			end_turn(w, p, REFILL_FAILED);
		return;
	}
	p->left = refill_look(&w->settings->refill, &p->state[p->queue],
	    p->visible, p->in_flight, w->now);
	if (p->left > 0)
		send_batch(w, p);
	else
		end_turn(w, p, REFILL_NONE);
}

static void take_batch(struct world *w, struct producer *p)
{
	struct queue *q = &w->queues[p->queue];

	p->fate = world_call(w, WORLD_SEND);
	if (p->fate != WORLD_REFUSED) {
		w->result.sent += p->n;
		for (int64_t k = 0; k < p->n; k++)
			queue_add(q, w->now);
		agents_serve(w, p->queue);
	}
	add_event(w, p, w->now + w->settings->producer_ms, EVENT_CONFIRMED);
}

/* A send whose outcome is not known is not repeated, and counts for the rule.
 */
static void learn_outcome(struct world *w, struct producer *p)
{
	p->last_call = w->now;
	if (p->fate == WORLD_REFUSED && call_again(w, p, EVENT_ARRIVED))
		return;
	if (p->fate != WORLD_REFUSED) {
		refill_note_sent(&p->state[p->queue], w->now, (long)p->n);
		p->sent = true;
	}
	if (p->fate != WORLD_DONE) {
		end_turn(w, p, REFILL_FAILED);
		return;
	}
	p->left -= p->n;
	if (p->left > 0)
		send_batch(w, p);
	else
		end_turn(w, p, REFILL_SENT);
}

void producers_event(struct world *w, const struct event *e)
{
	struct producer *p = &w->producers[e->who];
	const int64_t until = find_end(w);

	if (until >= 0)
		switch_off(w, p, until);
	else if (e->kind == EVENT_LOOK)
		begin_turn(w, p);
	else if (e->kind == EVENT_COUNTED)
		count_queue(w, p);
	else if (e->kind == EVENT_TOLD)
		learn_count(w, p);
	else if (e->kind == EVENT_ARRIVED)
		take_batch(w, p);
	else
		learn_outcome(w, p);
}

void producers_begin(struct world *w)
{
	const struct world_settings *s = w->settings;

	w->producers = calloc(s->producers, sizeof *w->producers);
	if (w->producers == NULL)
		err(1, NULL);
	for (size_t i = 0; i < s->producers; i++) {
		struct producer *p = &w->producers[i];

		p->speed = s->speeds[i % s->speeds_n];
		if (p->speed > 0)
			add_event(w, p, random_below(&w->chance, START_MS),
			    EVENT_LOOK);
	}
}

void producers_free(struct world *w)
{
	free(w->producers);
}

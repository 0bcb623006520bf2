/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/fleet/agents.h"

#include <err.h>
#include <stdlib.h>

#define ATTEMPTS      3 /* as SQS_ATTEMPTS of common/sqs/client.h */
/* As agent/online/ polls. */
#define LOOK_MS       1000
#define TURN_MS       2000
#define POLL_MOST_MS  20000 /* SQS has no longer ones */
#define LEFT_MS       2000  /* for the delete, after a poll */
#define HOUR_MS       3600000.0
#define DAY_MS        86400000.0
#define BEGIN_MS      50 /* from the start of the agent to its first request */
#define RETRY_MS      3600000 /* after the third */
#define RETRY_MORE_MS 180000  /* up to so much later */
#define NO_STORM      (-1)

static struct outcome *find_outcome(struct world *w, const struct agent *a)
{
	return a->storm == NO_STORM ? &w->result.other
				    : &w->result.storms[a->storm];
}

static void add_event(
    struct world *w, const struct agent *a, int64_t at, enum event_kind kind)
{
	events_add(&w->events, at, kind, (uint32_t)(a - w->agents), a->turn);
}

static void make_room(struct world *w)
{
	const size_t room = w->agents_room > 0 ? 2 * w->agents_room : 1024;

	w->agents = reallocarray(w->agents, room, sizeof *w->agents);
	w->free_agents =
	    reallocarray(w->free_agents, room, sizeof *w->free_agents);
	if (w->agents == NULL || w->free_agents == NULL)
		err(1, NULL);
	w->agents_room = room;
}

/* One that has a turn of its own, so that no old event is for it. */
static struct agent *take_agent(struct world *w)
{
	struct agent *a;

	if (w->free_n > 0) {
		a = &w->agents[w->free_agents[--w->free_n]];
		*a = (struct agent){.turn = a->turn + 1};
		return a;
	}
	if (w->agents_n == w->agents_room)
		make_room(w);
	a = &w->agents[w->agents_n++];
	*a = (struct agent){.turn = 0};
	return a;
}

static void drop_agent(struct world *w, struct agent *a)
{
	a->turn++;
	w->free_agents[w->free_n++] = (uint32_t)(a - w->agents);
}

static void begin_run(struct world *w, struct agent *a)
{
	const int64_t queues = (int64_t)w->settings->queues;

	a->deadline = w->now + w->settings->timeout_ms;
	a->queue =
	    w->settings->given ? 0 : (int8_t)random_below(&w->chance, queues);
	a->asked = 0;
	a->attempts = 0;
	a->turn++;
	add_event(w, a, w->now + BEGIN_MS + w->settings->agent_ms, EVENT_ASK);
}

static void start_agent(struct world *w, int storm, bool daily)
{
	struct agent *a = take_agent(w);

	a->storm = (int8_t)storm;
	a->daily = daily;
	a->boot = w->now;
	if (daily)
		w->result.daily++;
	else
		find_outcome(w, a)->boots++;
	begin_run(w, a);
}

/* When the retry timer starts it after so many tries: see
 * agent/systemd/sqs-entropy-agent-retry.timer. */
static int64_t find_retry(struct world *w, const struct agent *a)
{
	static const int64_t minutes[] = {5, 15, 35};
	int64_t at = w->now + RETRY_MS;

	if ((size_t)a->tries <= sizeof minutes / sizeof minutes[0])
		at = a->boot + minutes[a->tries - 1] * 60000;
	if (at < w->now)
		at = w->now;
	return at + random_below(&w->chance, RETRY_MORE_MS + 1);
}

/* The retry timer starts it again, if it does. */
static void end_unserved(struct world *w, struct agent *a)
{
	const struct world_settings *s = w->settings;

	a->tries++;
	if (a->daily || s->retry == RETRY_NONE ||
	    (s->retry == RETRY_ONCE && a->tries > 1)) {
		drop_agent(w, a);
		return;
	}
	a->turn++;
	add_event(w, a, find_retry(w, a), EVENT_AGAIN);
}

static void end_served(struct world *w, struct agent *a)
{
	struct outcome *o = find_outcome(w, a);

	if (a->daily)
		w->result.daily_served++;
	else if (a->tries == 0)
		o->first++;
	else
		o->retried++;
	drop_agent(w, a);
}

/* A message that comes back carries no credit any more: see credit.h. */
static void end_uncredited(struct world *w, struct agent *a)
{
	if (!a->daily)
		find_outcome(w, a)->unusable++;
	end_unserved(w, a);
}

static void plan_return(struct world *w, const struct agent *a, int server)
{
	events_add(&w->events, w->now + w->settings->visibility_ms,
	    EVENT_RETURN, (uint32_t)a->queue, server);
}

/* The message is lost to everybody for the visibility time-out. */
static void die(struct world *w, struct agent *a)
{
	plan_return(w, a, a->server);
	if (!a->daily)
		find_outcome(w, a)->died++;
	drop_agent(w, a);
}

static void receive_message(struct world *w, struct agent *a)
{
	bool again;

	a->server = (int8_t)queue_take(&w->queues[a->queue], w->now, &again);
	a->again = again;
	a->attempts = 0;
	a->turn++;
	if (random_unit(&w->chance) < w->settings->dies)
		die(w, a);
	else
		add_event(
		    w, a, w->now + 2 * w->settings->agent_ms, EVENT_DELETE);
}

void agents_serve(struct world *w, size_t queue)
{
	struct queue *q = &w->queues[queue];

	while (q->visible > 0 && q->waiting_n > 0) {
		const uint32_t who = queue_choose(q);

		queue_leave(q, who);
		receive_message(w, &w->agents[who]);
	}
}

/* Another attempt of the call, if there is time for one. */
static bool call_again(
    struct world *w, struct agent *a, bool throttled, enum event_kind kind)
{
	const int64_t at = w->now + world_backoff(w, ++a->attempts, throttled) +
			   2 * w->settings->agent_ms;

	if ((!throttled && a->attempts >= ATTEMPTS) || at >= a->deadline)
		return false;
	add_event(w, a, at, kind);
	return true;
}

/* The seconds of the next poll, in ms: each queue is looked at for one; then a
 * single one is waited on for what is left, and several in turns. */
static int64_t find_poll(const struct world *w, const struct agent *a)
{
	const int64_t queues = (int64_t)w->settings->queues;
	const int64_t most = queues > 1 ? TURN_MS : POLL_MOST_MS;
	const int64_t left =
	    (a->asked < queues ? a->deadline - LEFT_MS : a->until) - w->now;

	if (a->asked < queues)
		return left < LOOK_MS ? 0 : LOOK_MS;
	return (left < most ? left : most) / 1000 * 1000;
}

static void begin_wait(struct world *w, struct agent *a)
{
	const int64_t until = w->now + w->settings->wait_ms;

	a->until = a->deadline - LEFT_MS;
	if (until < a->until)
		a->until = until;
}

/* The next queue, or the first one again as long as there is time. */
static void ask_next(struct world *w, struct agent *a)
{
	const int64_t queues = (int64_t)w->settings->queues;

	w->result.empty++;
	a->asked++;
	a->queue = (int8_t)((a->queue + 1) % queues);
	a->attempts = 0;
	a->turn++;
	if (a->asked == queues)
		begin_wait(w, a);
	if (a->asked < queues || find_poll(w, a) > 0)
		add_event(w, a, w->now + 2 * w->settings->agent_ms, EVENT_ASK);
	else
		end_unserved(w, a);
}

static void ask(struct world *w, struct agent *a)
{
	struct queue *q = &w->queues[a->queue];
	enum world_fate fate;
	int64_t poll;
	bool again;

	if (!queue_accepts(q, w->now, QUEUE_RECEIVE)) {
		w->result.throttled++;
		if (!call_again(w, a, true, EVENT_ASK))
			end_unserved(w, a);
		return;
	}
	fate = world_call(w, WORLD_RECEIVE);
	if (fate == WORLD_UNKNOWN && q->visible > 0)
		plan_return(w, a, queue_take(q, w->now, &again));
	if (fate != WORLD_DONE) {
		if (!call_again(w, a, false, EVENT_ASK))
			end_unserved(w, a);
		return;
	}
	poll = find_poll(w, a);
	if (q->visible > 0) {
		receive_message(w, a);
	} else if (poll > 0) {
		queue_wait(q, (uint32_t)(a - w->agents));
		add_event(w, a, w->now + poll, EVENT_GIVE_UP);
	} else {
		ask_next(w, a);
	}
}

static void delete_message(struct world *w, struct agent *a)
{
	struct queue *q = &w->queues[a->queue];
	const bool accepted = queue_accepts(q, w->now, QUEUE_DELETE);
	const enum world_fate fate =
	    accepted ? world_call(w, WORLD_DELETE) : WORLD_REFUSED;

	if (!accepted)
		w->result.throttled++;
	if (fate != WORLD_DONE && call_again(w, a, !accepted, EVENT_DELETE))
		return;
	if (fate != WORLD_REFUSED) {
		queue_delete(q, w->now, a->server);
		w->result.deleted++;
	} else {
		plan_return(w, a, a->server);
	}
	if (fate != WORLD_DONE)
		end_unserved(w, a);
	else if (a->again)
		end_uncredited(w, a);
	else
		end_served(w, a);
}

static void return_message(struct world *w, const struct event *e)
{
	queue_return(&w->queues[e->who], w->now, (int)e->what);
	agents_serve(w, e->who);
}

/* The next boot, or daily run, by chance.  *last is the moment of the one
 * before, and of less than a millisecond nothing is lost. */
static void plan_next(
    struct world *w, enum event_kind kind, double *last, double mean_ms)
{
	*last += random_exponential(&w->boots, mean_ms);
	if (*last < (double)w->settings->boots_ms)
		events_add(&w->events, (int64_t)*last, kind, 0, 0);
}

static void plan_boot(struct world *w)
{
	if (w->settings->rate > 0)
		plan_next(
		    w, EVENT_BOOT, &w->last_boot, HOUR_MS / w->settings->rate);
}

static void plan_daily(struct world *w)
{
	if (w->settings->machines > 0)
		plan_next(w, EVENT_DAILY, &w->last_daily,
		    DAY_MS / w->settings->machines);
}

static void boot(struct world *w)
{
	start_agent(w, NO_STORM, false);
	plan_boot(w);
}

static void run_daily(struct world *w)
{
	start_agent(w, NO_STORM, true);
	plan_daily(w);
}

void agents_event(struct world *w, const struct event *e)
{
	struct agent *a = NULL;

	if (e->kind == EVENT_RETURN) {
		return_message(w, e);
	} else if (e->kind == EVENT_BOOT) {
		boot(w);
	} else if (e->kind == EVENT_BURST) {
		start_agent(w, (int)e->who, false);
	} else if (e->kind == EVENT_DAILY) {
		run_daily(w);
	} else {
		a = &w->agents[e->who];
		if (a->turn != e->what)
			return;
	}
	if (e->kind == EVENT_ASK) {
		ask(w, a);
	} else if (e->kind == EVENT_DELETE) {
		delete_message(w, a);
	} else if (e->kind == EVENT_AGAIN) {
		begin_run(w, a);
	} else if (e->kind == EVENT_GIVE_UP) {
		queue_leave(&w->queues[a->queue], e->who);
		ask_next(w, a);
	}
}

void agents_begin(struct world *w)
{
	const struct world_settings *s = w->settings;

	plan_boot(w);
	plan_daily(w);
	for (size_t i = 0; i < s->storms_n; i++)
		for (int64_t k = 0; k < s->storms[i].n; k++)
			events_add(&w->events,
			    s->storms[i].from_ms +
				random_below(
				    &w->boots, s->storms[i].within_ms + 1),
			    EVENT_BURST, (uint32_t)i, 0);
}

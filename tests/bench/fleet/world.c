/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/fleet/world.h"

#include <err.h>
#include <stdlib.h>

#include "tests/bench/fleet/agents.h"
#include "tests/bench/fleet/producers.h"

#define BACKOFF_MS   50
#define THROTTLED_MS 1000

enum { STREAM_BOOTS = 1, STREAM_CALLS, STREAM_CHANCE, STREAM_QUEUES };

int64_t world_mark(const struct world_settings *s)
{
	return s->refill.depth > 0 ? s->refill.depth
				   : s->refill.low_watermark + s->refill.burst;
}

enum world_fate world_call(struct world *w, enum world_call call)
{
	const double fails = w->settings->fails;
	const double chance = random_unit(&w->calls);

	w->result.calls[call]++;
	if (chance >= fails)
		return WORLD_DONE;
	w->result.failed++;
	return chance < fails / 2 ? WORLD_REFUSED : WORLD_UNKNOWN;
}

int64_t world_backoff(struct world *w, int attempts, bool throttled)
{
	const int64_t most = throttled ? THROTTLED_MS : BACKOFF_MS;

	return random_below(&w->chance, (most << (attempts - 1)) + 1);
}

/* No message comes from nowhere, or goes there. */
static void check_sum(const struct world *w)
{
	const struct world_settings *s = w->settings;
	int64_t there = 0, begun = 0;

	for (size_t i = 0; i < s->queues; i++) {
		there += w->queues[i].visible + w->queues[i].in_flight;
		begun += s->empty ? 0 : world_mark(s);
	}
	if (begun + w->result.sent != there + w->result.deleted)
		errx(1, "of %lld messages %lld are left, %lld deleted",
		    (long long)(begun + w->result.sent), (long long)there,
		    (long long)w->result.deleted);
}

static void sample(struct world *w)
{
	int64_t visible = 0;

	for (size_t i = 0; i < w->settings->queues; i++)
		visible += w->queues[i].visible;
	w->trace[w->trace_n++] = visible;
	events_add(
	    &w->events, w->now + w->settings->trace_ms, EVENT_SAMPLE, 0, 0);
}

static void begin_trace(struct world *w, int64_t end)
{
	if (w->settings->trace_ms == 0)
		return;
	w->trace =
	    calloc((size_t)(end / w->settings->trace_ms) + 1, sizeof *w->trace);
	if (w->trace == NULL)
		err(1, NULL);
	events_add(&w->events, 0, EVENT_SAMPLE, 0, 0);
}

static void begin(struct world *w, uint64_t seed)
{
	const struct world_settings *s = w->settings;

	w->boots = random_new(seed, STREAM_BOOTS);
	w->calls = random_new(seed, STREAM_CALLS);
	w->chance = random_new(seed, STREAM_CHANCE);
	for (size_t i = 0; i < s->queues; i++)
		queue_init(&w->queues[i], &s->queue,
		    random_new(seed, STREAM_QUEUES + i),
		    s->empty ? 0 : world_mark(s));
	producers_begin(w);
	agents_begin(w);
}

void world_run(
    struct world *w, const struct world_settings *settings, uint64_t seed)
{
	const int64_t end = settings->boots_ms + settings->tail_ms;
	struct event e;

	*w = (struct world){.settings = settings};
	begin(w, seed);
	begin_trace(w, end);
	while (events_next(&w->events, &e) && e.at < end) {
		w->now = e.at;
		if (e.kind <= EVENT_CONFIRMED)
			producers_event(w, &e);
		else if (e.kind == EVENT_SAMPLE)
			sample(w);
		else
			agents_event(w, &e);
	}
	w->now = end;
	for (size_t i = 0; i < settings->queues; i++)
		queue_end(&w->queues[i], end);
	check_sum(w);
}

void world_free(struct world *w)
{
	for (size_t i = 0; i < w->settings->queues; i++)
		queue_free(&w->queues[i]);
	producers_free(w);
	events_free(&w->events);
	free(w->agents);
	free(w->free_agents);
	free(w->trace);
}

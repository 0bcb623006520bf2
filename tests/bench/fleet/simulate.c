/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet that boots, its queues and its producers, in virtual time.
 *
 * simulate [NAME=VALUE]...
 *	One line of JSON for each seed.  The names are those of read_word(),
 *	read_number() and read_list(); times are in seconds, speeds in bytes a
 *	second, delays in milliseconds one way.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/fleet/world.h"

struct seeds {
	uint64_t from, to;
};

/* Names that are numbers, and how many of the member's unit one is. */
struct number {
	const char *name;
	size_t offset;
	enum { INTEGER, LONG, SIZE, REAL } kind;
	double unit;
};

#define MEMBER(name) offsetof(struct world_settings, name)

static const struct number numbers[] = {
    {"rate", MEMBER(rate), REAL, 1},
    {"boots", MEMBER(boots_ms), INTEGER, 1000},
    {"tail", MEMBER(tail_ms), INTEGER, 1000},
    {"machines", MEMBER(machines), REAL, 1},
    {"timeout", MEMBER(timeout_ms), INTEGER, 1000},
    {"wait", MEMBER(wait_ms), INTEGER, 1000},
    {"dies", MEMBER(dies), REAL, 1},
    {"agent-delay", MEMBER(agent_ms), INTEGER, 1},
    {"queues", MEMBER(queues), SIZE, 1},
    {"late", MEMBER(queue.late_ms), INTEGER, 1000},
    {"visibility", MEMBER(visibility_ms), INTEGER, 1000},
    {"fails", MEMBER(fails), REAL, 1},
    {"producers", MEMBER(producers), SIZE, 1},
    {"delay", MEMBER(producer_ms), INTEGER, 1},
    {"bytes", MEMBER(bytes), INTEGER, 1},
    {"depth", MEMBER(refill.depth), LONG, 1},
    {"sharing", MEMBER(refill.producers), LONG, 1},
    {"interval", MEMBER(refill.interval), LONG, 1},
    {"trace", MEMBER(trace_ms), INTEGER, 1000},
    {"low-watermark", MEMBER(refill.low_watermark), LONG, 1},
    {"burst", MEMBER(refill.burst), LONG, 1},
};

static const struct world_settings defaults = {
    .boots_ms = 1800000,
    .tail_ms = 9000000,
    .timeout_ms = 10000,
    .wait_ms = 8000,
    .dies = 0.001,
    .retry = RETRY_UNTIL,
    .agent_ms = 5,
    .queues = 1,
    .queue = {.counts = QUEUE_SUM, .late_ms = 60000},
    .visibility_ms = 30000,
    .fails = 0.001,
    .producers = 2,
    .speeds = {4000},
    .speeds_n = 1,
    .producer_ms = 80,
    .bytes = 512,
    .refill = {.depth = 1000,
	.producers = 2,
	.interval = 60,
	.low_watermark = 10,
	.burst = 10},
};

static double read_real(const char *name, const char *text)
{
	char *end;
	const double value = strtod(text, &end);

	if (end == text || *end != '\0' || value < 0)
		errx(64, "%s=%s: a number is needed", name, text);
	return value;
}

static bool read_number(
    struct world_settings *s, const char *name, const char *text)
{
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		const struct number *n = &numbers[i];
		char *at = (char *)s + n->offset;
		double value;

		if (strcmp(n->name, name) != 0)
			continue;
		value = read_real(name, text) * n->unit;
		if (n->kind == REAL)
			memcpy(at, &value, sizeof value);
		else if (n->kind == LONG)
			memcpy(at, &(long){(long)value}, sizeof(long));
		else if (n->kind == SIZE)
			memcpy(at, &(size_t){(size_t)value}, sizeof(size_t));
		else
			memcpy(at, &(int64_t){(int64_t)value}, sizeof(int64_t));
		return true;
	}
	return false;
}

static bool is(const char *name, const char *value, const char *word)
{
	const size_t n = strlen(name);

	return strncmp(word, name, n) == 0 && word[n] == '=' &&
	       strcmp(word + n + 1, value) == 0;
}

static bool read_word(struct world_settings *s, const char *word)
{
	if (is("counts", "exact", word))
		s->queue.counts = QUEUE_EXACT;
	else if (is("counts", "sum", word))
		s->queue.counts = QUEUE_SUM;
	else if (is("counts", "one", word))
		s->queue.counts = QUEUE_ONE;
	else if (is("servers", "steady", word))
		s->queue.drawn = false;
	else if (is("servers", "drawn", word))
		s->queue.drawn = true;
	else if (is("queue", "standard", word))
		s->queue.fifo = false;
	else if (is("queue", "fifo", word))
		s->queue.fifo = true;
	else if (is("begin", "full", word))
		s->empty = false;
	else if (is("begin", "empty", word))
		s->empty = true;
	else if (is("order", "given", word))
		s->given = true;
	else if (is("order", "random", word))
		s->given = false;
	else if (is("retry", "none", word))
		s->retry = RETRY_NONE;
	else if (is("retry", "once", word))
		s->retry = RETRY_ONCE;
	else if (is("retry", "until", word))
		s->retry = RETRY_UNTIL;
	else
		return false;
	return true;
}

static void read_speeds(struct world_settings *s, char *text)
{
	s->speeds_n = 0;
	for (char *word = strtok(text, ","); word != NULL;
	     word = strtok(NULL, ",")) {
		if (s->speeds_n == WORLD_SPEEDS)
			errx(64, "too many speeds");
		s->speeds[s->speeds_n++] = (int64_t)read_real("speeds", word);
	}
}

/* "N@FROM/WITHIN": N boots, from that second on, within so many. */
static void add_storm(struct world_settings *s, const char *text)
{
	struct storm *storm = &s->storms[s->storms_n];
	int end = 0;

	if (s->storms_n++ == WORLD_STORMS ||
	    sscanf(text, "%" SCNd64 "@%" SCNd64 "/%" SCNd64 "%n", &storm->n,
		&storm->from_ms, &storm->within_ms, &end) != 3 ||
	    text[end] != '\0')
		errx(64, "storm=%s: N@FROM/WITHIN is needed", text);
	storm->from_ms *= 1000;
	storm->within_ms *= 1000;
}

/* "FROM-TO": no producer is on. */
static void add_outage(struct world_settings *s, const char *text)
{
	struct outage *outage = &s->outages[s->outages_n];
	int end = 0;

	if (s->outages_n++ == WORLD_OUTAGES ||
	    sscanf(text, "%" SCNd64 "-%" SCNd64 "%n", &outage->from_ms,
		&outage->to_ms, &end) != 2 ||
	    text[end] != '\0')
		errx(64, "outage=%s: FROM-TO is needed", text);
	outage->from_ms *= 1000;
	outage->to_ms *= 1000;
}

static bool read_list(struct world_settings *s, const char *name, char *text)
{
	if (strcmp(name, "speeds") == 0)
		read_speeds(s, text);
	else if (strcmp(name, "storm") == 0)
		add_storm(s, text);
	else if (strcmp(name, "outage") == 0)
		add_outage(s, text);
	else
		return false;
	return true;
}

static void read_settings(
    struct world_settings *s, struct seeds *seeds, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		int n;

		if (read_word(s, argv[i]))
			continue;
		if (value == NULL)
			errx(64, "%s: NAME=VALUE is needed", argv[i]);
		*value++ = '\0';
		if (strcmp(argv[i], "seeds") == 0) {
			n = sscanf(value, "%" SCNu64 "-%" SCNu64, &seeds->from,
			    &seeds->to);
			if (n < 1)
				errx(64, "seeds=FROM-TO is needed");
			if (n == 1)
				seeds->to = seeds->from;
		} else if (!read_number(s, argv[i], value) &&
			   !read_list(s, argv[i], value)) {
			errx(64, "%s=%s: there is no such setting", argv[i],
			    value);
		}
	}
	if (s->queues < 1 || s->queues > LIMIT_QUEUES || s->producers < 1 ||
	    s->producers > WORLD_PRODUCERS || s->speeds_n < 1)
		errx(64, "1 to %d queues, 1 to %d producers", LIMIT_QUEUES,
		    WORLD_PRODUCERS);
}

static void print_outcome(const struct outcome *o)
{
	printf("{\"boots\": %" PRId64 ", \"first\": %" PRId64
	       ", \"retried\": %" PRId64 ", \"unusable\": %" PRId64
	       ", \"died\": %" PRId64 "}",
	    o->boots, o->first, o->retried, o->unusable, o->died);
}

static void print_outcomes(const struct world *w)
{
	const struct world_result *r = &w->result;

	printf(", \"storms\": [");
	for (size_t i = 0; i < w->settings->storms_n; i++) {
		if (i > 0)
			printf(", ");
		print_outcome(&r->storms[i]);
	}
	printf("], \"other\": ");
	print_outcome(&r->other);
	printf(", \"daily\": %" PRId64 ", \"daily_served\": %" PRId64, r->daily,
	    r->daily_served);
}

/* Of several queues: the deepest, the longest dry, the first that was. */
static void print_queues(const struct world *w)
{
	int64_t peak = 0, dry = 0, first = -1;

	for (size_t i = 0; i < w->settings->queues; i++) {
		const struct queue *q = &w->queues[i];

		peak = q->peak > peak ? q->peak : peak;
		dry = q->dry_ms > dry ? q->dry_ms : dry;
		if (q->first_dry >= 0 && (first < 0 || q->first_dry < first))
			first = q->first_dry;
	}
	printf(", \"mark\": %" PRId64 ", \"peak\": %" PRId64
	       ", \"dry_s\": %.1f, \"first_dry_s\": %.1f",
	    world_mark(w->settings), peak, (double)dry / 1000,
	    first < 0 ? -1.0 : (double)first / 1000);
}

static void print_result(const struct world *w, uint64_t seed)
{
	const struct world_result *r = &w->result;

	printf("{\"seed\": %" PRIu64, seed);
	print_outcomes(w);
	print_queues(w);
	printf(", \"looks\": %" PRId64 ", \"sends\": %" PRId64
	       ", \"receives\": %" PRId64 ", \"deletes\": %" PRId64
	       ", \"empty\": %" PRId64 ", \"failed\": %" PRId64
	       ", \"throttled\": %" PRId64 ", \"sent\": %" PRId64
	       ", \"bytes\": %" PRId64,
	    r->calls[WORLD_LOOK], r->calls[WORLD_SEND], r->calls[WORLD_RECEIVE],
	    r->calls[WORLD_DELETE], r->empty, r->failed, r->throttled, r->sent,
	    r->sent * w->settings->bytes);
	printf(", \"trace\": [");
	for (size_t i = 0; i < w->trace_n; i++)
		printf("%s%" PRId64, i > 0 ? ", " : "", w->trace[i]);
	printf("]}\n");
}

int main(int argc, char **argv)
{
	struct world_settings settings = defaults;
	struct seeds seeds = {1, 1};
	struct world w;

	read_settings(&settings, &seeds, argc, argv);
	for (uint64_t seed = seeds.from; seed <= seeds.to; seed++) {
		world_run(&w, &settings, seed);
		print_result(&w, seed);
		world_free(&w);
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_BENCH_FLEET_WORLD_H
#define SQS_ENTROPY_TESTS_BENCH_FLEET_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "producer/conf.h"
#include "tests/bench/fleet/events.h"
#include "tests/bench/fleet/queue.h"
#include "tests/bench/fleet/random.h"

/* Machines that boot, queues and producers, in virtual time (ms). */
#define WORLD_STORMS    8
#define WORLD_PRODUCERS 1000
#define WORLD_SPEEDS    16
#define WORLD_OUTAGES   8

enum event_kind {
	/* who: a producer */
	EVENT_LOOK,      /* its turn begins */
	EVENT_COUNTED,   /* its GetQueueAttributes has reached SQS */
	EVENT_TOLD,      /* the answer has reached it */
	EVENT_ARRIVED,   /* its SendMessageBatch has reached SQS */
	EVENT_CONFIRMED, /* the answer has reached it */
	/* who: an agent */
	EVENT_ASK,     /* a ReceiveMessage has reached SQS */
	EVENT_GIVE_UP, /* the time of its long poll is over */
	EVENT_DELETE,  /* its DeleteMessageBatch has reached SQS */
	EVENT_AGAIN,   /* the retry timer starts it */
	/* who: a queue; what: a server of it */
	EVENT_RETURN, /* a message's visibility time-out ends */
	/* who: which storm, or none of them */
	EVENT_BOOT,  /* a machine boots, at the rate */
	EVENT_BURST, /* and with a storm */
	EVENT_DAILY, /* a machine has its daily run */
	/* who: nobody */
	EVENT_SAMPLE /* what is visible is noted */
};

/* Calls to SQS. */
enum world_call {
	WORLD_LOOK,    /* GetQueueAttributes */
	WORLD_SEND,    /* SendMessageBatch */
	WORLD_RECEIVE, /* ReceiveMessage */
	WORLD_DELETE,  /* DeleteMessageBatch */
	WORLD_CALLS
};

struct storm {
	int64_t n, from_ms, within_ms;
};

struct outage {
	int64_t from_ms, to_ms;
};

enum world_retry { RETRY_NONE, RETRY_ONCE, RETRY_UNTIL };

struct world_settings {
	/* Boots. */
	double rate;      /* an hour, by chance */
	int64_t boots_ms; /* for so long */
	int64_t tail_ms;  /* and the simulation goes on for that */
	double machines;  /* that are up, and have one run a day */
	struct storm storms[WORLD_STORMS];
	size_t storms_n;
	/* Agents. */
	int64_t timeout_ms;
	bool given;      /* the first queue is asked first, else any */
	int64_t wait_ms; /* for a message where there is none; 0: not at all */
	double dies;     /* between receiving and deleting: this share */
	enum world_retry retry;
	int64_t agent_ms; /* one way to SQS */
	/* Queues. */
	size_t queues;
	struct queue_settings queue;
	int64_t visibility_ms;
	bool empty;   /* at the beginning, else at the mark */
	double fails; /* of the calls: this share */
	/* Producers: the i-th has the speed i modulo speeds_n, bytes a second;
	 * 0: it is dead. */
	size_t producers;
	int64_t speeds[WORLD_SPEEDS];
	size_t speeds_n;
	int64_t producer_ms; /* one way to SQS */
	int64_t bytes;       /* of a message */
	struct refill_settings refill;
	struct outage outages[WORLD_OUTAGES]; /* of all producers */
	size_t outages_n;
	int64_t trace_ms; /* what is visible is noted so often; 0: never */
};

struct agent {
	int64_t boot;            /* when it started for the first time */
	int64_t deadline, until; /* the latter is when its wait ends */
	int32_t tries;           /* runs so far */
	int32_t attempts;        /* of the call that is under way */
	int64_t turn;  /* grows, so that old events are known for such */
	int8_t storm;  /* -1: none */
	int8_t queue;  /* whose turn it is */
	int8_t asked;  /* queues in this run */
	int8_t server; /* of the message that it holds */
	bool daily;    /* it is not its boot */
	bool again;    /* somebody has received the message before */
};

/* What came of the boots of a storm, or of the others. */
struct outcome {
	int64_t boots, first, retried, unusable, died;
};

struct world_result {
	struct outcome storms[WORLD_STORMS], other;
	int64_t calls[WORLD_CALLS], empty, failed, throttled;
	int64_t daily, daily_served;
	int64_t sent, deleted; /* messages */
};

struct producer;

struct world {
	const struct world_settings *settings;
	int64_t now;
	struct events events;
	struct random boots, calls, chance;
	double last_boot, last_daily; /* at the rate, ms */
	struct queue queues[LIMIT_QUEUES];
	struct producer *producers;
	struct agent *agents;
	uint32_t *free_agents;
	size_t agents_n, agents_room, free_n;
	int64_t *trace; /* visible messages of all queues, each trace_ms */
	size_t trace_n;
	struct world_result result;
};

/* What a queue is kept at, at most. */
int64_t world_mark(const struct world_settings *s);

/* Run all of it and leave what came of it in w->result and w->queues.
 * world_free() is due. */
void world_run(
    struct world *w, const struct world_settings *settings, uint64_t seed);
void world_free(struct world *w);

/* What happens to a call. */
enum world_fate {
	WORLD_DONE,
	WORLD_REFUSED, /* nothing was done */
	WORLD_UNKNOWN  /* it was done, and the answer is lost */
};
enum world_fate world_call(struct world *w, enum world_call call);

/* The pause before another attempt, of so many: see sqs_backoff(). */
int64_t world_backoff(struct world *w, int attempts, bool throttled);

#endif

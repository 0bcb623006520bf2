/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_BENCH_FLEET_QUEUE_H
#define SQS_ENTROPY_TESTS_BENCH_FLEET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/fleet/random.h"

/*
 * A queue of SQS: messages on servers, who waits for one, and numbers that are
 * told late.  AWS says of them that they are approximate, and settle within a
 * minute after the last change.
 */
#define QUEUE_SERVERS 8
#define QUEUE_STEP_MS 250 /* of what is remembered */
#define QUEUE_STEPS   512 /* 128 s */

enum queue_counts {
	QUEUE_EXACT, /* as it is */
	QUEUE_SUM,   /* each server tells its own part, each as late as it is */
	QUEUE_ONE    /* one server, another one each time, tells the whole */
};

/* Calls that a limit of FIFO queues may meet; producers make few. */
enum queue_limited { QUEUE_RECEIVE, QUEUE_DELETE, QUEUE_LIMITED };

struct queue_settings {
	enum queue_counts counts;
	bool drawn;      /* how late a server is differs at each look */
	int64_t late_ms; /* most that a server is */
	bool fifo;       /* and so has a limit of calls */
};

/* Messages of one server. */
struct queue_part {
	int32_t visible, in_flight;
};

struct queue {
	struct queue_settings settings;
	struct random chance;
	struct queue_part at[QUEUE_SERVERS];
	int64_t visible, in_flight;
	int64_t again[QUEUE_SERVERS]; /* of the visible, received before */
	int64_t late[QUEUE_SERVERS];  /* ms, how late each server is */
	struct queue_part (*past)[QUEUE_SERVERS]; /* a ring of QUEUE_STEPS */
	int64_t step;                             /* the last one in past */
	uint32_t *waiting;                        /* agents that poll */
	size_t waiting_n, waiting_room;
	double calls[QUEUE_LIMITED];   /* FIFO: that may be made now */
	int64_t filled[QUEUE_LIMITED]; /* when that was counted, ms */
	int64_t peak;                  /* most that were ever visible */
	int64_t dry_ms;                /* for how long none was */
	int64_t dry_since;             /* -1: some are visible */
	int64_t first_dry; /* when that began for the first time; -1: never */
};

/* n messages are there and have been for long. */
void queue_init(struct queue *q, const struct queue_settings *settings,
    struct random chance, int64_t n);
void queue_free(struct queue *q);

/* What GetQueueAttributes tells. */
void queue_tell(
    struct queue *q, int64_t now, int64_t *visible, int64_t *in_flight);

/* One new message, or one that was received and not deleted. */
void queue_add(struct queue *q, int64_t now);
void queue_return(struct queue *q, int64_t now, int server);

/* A receipt: the server of the message; -1: none is visible.  *again is true
 * if somebody has received it before. */
int queue_take(struct queue *q, int64_t now, bool *again);
void queue_delete(struct queue *q, int64_t now, int server);

/* True if the queue accepts one more call of the kind now: a FIFO queue without
 * high throughput takes 300 a second of each. */
bool queue_accepts(struct queue *q, int64_t now, enum queue_limited kind);

/* Agents that wait: one more, one of them by chance, or this one. */
void queue_wait(struct queue *q, uint32_t agent);
uint32_t queue_choose(struct queue *q);
void queue_leave(struct queue *q, uint32_t agent);

/* Count the time up to now. */
void queue_end(struct queue *q, int64_t now);

#endif

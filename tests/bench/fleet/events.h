/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_BENCH_FLEET_EVENTS_H
#define SQS_ENTROPY_TESTS_BENCH_FLEET_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What happens to whom at which moment of virtual time. */
struct event {
	int64_t at;     /* ms */
	uint64_t order; /* of one moment: first come, first served */
	unsigned kind;  /* enum event_kind of world.h */
	uint32_t who;   /* a producer, an agent or a queue */
	int64_t what;   /* as its kind says */
};

/* Those that are still to come, the next one first. */
struct events {
	struct event *heap;
	size_t n, room;
	uint64_t order;
};

/* Ends the program when there is no memory. */
void events_add(
    struct events *e, int64_t at, unsigned kind, uint32_t who, int64_t what);

/* Take the next one; false: there is none. */
bool events_next(struct events *e, struct event *next);

void events_free(struct events *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_ONLINE_TURNS_H
#define SQS_ENTROPY_AGENT_ONLINE_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/limits.h"

/*
 * In which order a run asks its queues, and how much of its time each may take.
 * Pure.  Times are CLOCK_MONOTONIC ms.
 *
 * A turn lasts for an equal share of the time that is left, counted by the
 * queues that are still to be asked, and for TURNS_LEAST_MS at least, because a
 * shorter one is too short for a slow network.  What a turn does not use is
 * left to the others; so one queue has all the time, and a queue that is
 * unreachable, throttled or silent does not take it from the next one.  A queue
 * that used its turn up without an answer is asked again behind the others:
 * what kept it from answering may have passed, such as a network that was not
 * up.  A turn until the deadline is the last one: its failure tells more than
 * that of another try in the rest of it.
 *
 * Once a message is there the other queues are asked for more, but a turn is
 * TURNS_LEAST_MS at most then and nobody is asked again: the kernel waits.
 */
#define TURNS_LEAST_MS 2000
/* A turn that ended with less time left than this was used up. */
#define TURNS_REST_MS  500

struct turns {
	size_t queue[LIMIT_QUEUES]; /* still to be asked, the next one first */
	size_t n;
	int64_t deadline; /* of the run */
	int64_t until;    /* when the turn ends */
	bool holds;       /* a message is there */
	bool begun;       /* somebody had a turn */
};

/* Let n queues (1..LIMIT_QUEUES) take turns in their order, or, with a clock,
 * in an order that its chance() gives. */
void turns_init(
    struct turns *t, size_t n, const struct clock *shuffle, int64_t deadline);

/* Begin the next turn: *queue may take until t->until.  False when there is
 * none: all were asked, or the time is up.  The first turn comes in any case.
 */
bool turns_next(struct turns *t, int64_t now, size_t *queue);

/* End the turn.  answered: the queue, or who is in front of it, said something;
 * holds: a message of this or an earlier turn is there. */
void turns_end(struct turns *t, int64_t now, bool answered, bool holds);

#endif

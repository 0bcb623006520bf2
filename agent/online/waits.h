/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_ONLINE_WAITS_H
#define SQS_ENTROPY_AGENT_ONLINE_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

/*
 * On which queue a run waits for a message, and for how long, when a look at
 * each has found none.  Pure.  Times are CLOCK_MONOTONIC ms.
 *
 * SQS answers a long poll as soon as there is a message, so that one queue is
 * waited on in one request, of SQS_WAIT_MAX_S at most.  Several take turns of
 * WAITS_TURN_S, in the order in which they were added: a message in any of
 * them is found after a turn of each other one at the latest.
 */
#define WAITS_TURN_S 2

struct waits {
	size_t queue[LIMIT_QUEUES]; /* whose turn is next comes first */
	size_t n;
	int64_t until; /* no poll lasts longer */
};

/* Wait on queue, too; at most LIMIT_QUEUES are added. */
void waits_add(struct waits *w, size_t queue);

/* The next poll: of *queue, for *seconds, which is 1 or more.  False when there
 * is no queue, or less than a second is left. */
bool waits_next(struct waits *w, int64_t now, size_t *queue, int *seconds);

#endif

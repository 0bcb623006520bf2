/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ONLINE_TEND_H
#define SQS_ENTROPY_PRODUCER_ONLINE_TEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "producer/conf.h"
#include "producer/online/batch.h"
#include "producer/online/heartbeat.h"
#include "producer/online/refill.h"
#include "producer/online/report.h"
#include "sqs/session.h"

/*
 * The queues of a session that are kept topped up: each is looked at in its
 * turn, what is missing is asked from the offline half and sent.  A failure of
 * one queue keeps no other from its turn.
 */
struct tended {
	struct session_queue *queue;
	size_t entry; /* its index in the configuration */
	bool opened;  /* its URL is known */
	bool warned;  /* of what was found with it */
	bool fails;   /* the last try did */
	struct refill_state state;
	struct report report;
	int64_t next; /* when it is looked at again, CLOCK_MONOTONIC ms */
};

struct tending {
	const struct conf *conf;
	const struct clock *clock;
	struct session *session;
	struct heartbeat heartbeat;
	struct batch batch;
	struct tended tended[LIMIT_QUEUES]; /* as many as the session has */
};

/* The queues of t's session; nothing is known of any. */
void tend_init(struct tending *t);

/* --once: look at each queue once.  The first failure is what comes of it. */
int tend_once(struct tending *t) MUST_CHECK;

/* Until told to stop (ERR_CANCELED), until the offline half has ended (ERR_EOF)
 * or makes no message any more, or until only a process that starts anew can go
 * on (ERR_ABSENT), which is logged. */
int tend_always(struct tending *t) MUST_CHECK;

#endif

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
 * one queue keeps no other from its turn, and with a depth a turn is one batch
 * at most, so that an empty queue or a slow source keeps none waiting either.
 */
struct tended {
	struct session_queue *queue;
	size_t entry;          /* its index in the configuration */
	bool opened;           /* its URL is known */
	bool warned;           /* of what was found with it */
	bool fails;            /* the last try did */
	enum refill_turn turn; /* how the last one ended */
	long sent, asked;      /* messages since the start; of asked, those of
				  the last turn may have failed */
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
	bool sent;   /* something, since connections were last let go */
	size_t last; /* index of the queue that had its turn last */
	struct tended tended[LIMIT_QUEUES]; /* as many as the session has */
};

/* The queues of t's session; nothing is known of any. */
void tend_init(struct tending *t);

/* --once: a burst to each queue that has less than the low watermark, or what
 * the rule says until it says nothing.  The first failure is what comes of it.
 */
int tend_once(struct tending *t) MUST_CHECK;

/* Until told to stop (ERR_CANCELED), until the offline half has ended (ERR_EOF)
 * or makes no message any more, or until only a process that starts anew can go
 * on (ERR_ABSENT), which is logged. */
int tend_always(struct tending *t) MUST_CHECK;

#endif

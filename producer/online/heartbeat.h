/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ONLINE_HEARTBEAT_H
#define SQS_ENTROPY_PRODUCER_ONLINE_HEARTBEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/record.h"
#include "producer/record.h"

/*
 * The online half's signs of life.  The offline half turns each into one for
 * the service manager's watchdog and sends none of its own, so that the
 * watchdog sees when either half hangs.  Waiting is cut into slices with a sign
 * between them.  A call to SQS cannot be cut; it is kept as short as a slice.
 */
struct heartbeat {
	int fd; /* to the offline half */
	int cancel_fd;
	const struct clock *clock;
	int64_t slice; /* ms */
	int64_t told;  /* when the last sign was sent, CLOCK_MONOTONIC ms */
	bool look;     /* the offline half has asked for a look at once */
	struct record_heartbeat record;
};

/* Where no watchdog needs one earlier: the status is written from them. */
#define HEARTBEAT_USUAL_MS 60000

/* For one queue, of which nothing is known yet; clock has to live as long as
 * h.  Its sleep may end early where a record of the offline half has come. */
void heartbeat_init(struct heartbeat *h, int fd, int cancel_fd,
    const struct clock *clock, int64_t watchdog_ms);

/* Send the record as it is now.  Never waits: when there is no room, the
 * offline half still has earlier ones to read, and this one is dropped. */
void heartbeat_tell(struct heartbeat *h);

/* Send a sign of life.  Returns the deadline of a call that begins now: after
 * usual ms, or after a slice when that is shorter. */
int64_t heartbeat_deadline(struct heartbeat *h, int64_t usual);

/* As clock_sleep(), and as record_receive() without a deadline, but both wait
 * in slices with a sign of life before each; what is received within a slice of
 * the last sign needs no other.  RECORD_LOOK sets look; it ends a sleep, also
 * one that has not begun, and is nothing that is received. */
int heartbeat_sleep(struct heartbeat *h, int64_t ms) MUST_CHECK;
int heartbeat_receive(struct heartbeat *h, uint32_t *type, void *data,
    size_t max, size_t *len) MUST_CHECK;

#endif

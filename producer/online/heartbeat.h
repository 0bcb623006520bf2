/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ONLINE_HEARTBEAT_H
#define SQS_ENTROPY_PRODUCER_ONLINE_HEARTBEAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/record.h"
#include "producer/record.h"

/*
 * The online half's signs of life.  The offline half turns each into one for
 * the service manager's watchdog and makes none up: whichever half hangs, none
 * comes any more.  Waiting is cut into slices with a sign between them; what
 * cannot be cut, a call to the service, is kept as short as a slice.
 */
struct heartbeat {
	int fd; /* to the offline half */
	int cancel_fd;
	const struct clock *clock;
	int64_t slice; /* ms; 0: nobody watches */
	struct record_heartbeat record;
};

/* clock is borrowed. */
void heartbeat_init(struct heartbeat *h, int fd, int cancel_fd,
    const struct clock *clock, int64_t watchdog_ms);

/* Say what is in the record now.  Never waits: one that finds no room is as
 * good as told, for those before it are still unread. */
void heartbeat_tell(const struct heartbeat *h);

/* Tell, and the end of a call that begins now and may take usual ms. */
int64_t heartbeat_deadline(const struct heartbeat *h, int64_t usual);

/* clock_sleep(), and a record_receive() that waits for ever, in slices. */
int heartbeat_sleep(const struct heartbeat *h, int64_t ms) MUST_CHECK;
int heartbeat_receive(const struct heartbeat *h, uint32_t *type, void *data,
    size_t max, size_t *len) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ONLINE_BATCH_H
#define SQS_ENTROPY_PRODUCER_ONLINE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/trouble.h"
#include "message/message.h"
#include "producer/online/heartbeat.h"

/* Agents give no credit to what was signed further than this from the time at
 * which SQS took it (CREDIT_FRESH_MS). */
#define BATCH_FRESH_MS 300000

/* Messages of the offline half that are to be sent in one call. */
struct batch {
	struct buf *space; /* room for LIMIT_BATCH of them, and an answer */
	struct message *at;
	size_t n;
	uint8_t *record;     /* RECORD_MAX bytes */
	int64_t oldest;      /* none is older, CLOCK_MONOTONIC ms */
	struct trouble slow; /* messages are dropped for it */
	int failed; /* enum err_code that came instead of a message, or 0 */
	bool ended; /* and no other message will come */
};

/* ERR_NOMEM; batch_free() is due even then. */
int batch_init(struct batch *b, struct err *err) MUST_CHECK;
void batch_free(struct batch *b);

/* Forget the messages; n stays. */
void batch_wipe(struct batch *b);

/*
 * Ask for what is missing at most (1..LIMIT_BATCH) until all are there.  Fewer
 * messages are in the batch when the source is slow, or when failed is set:
 * there is no other message now, and the offline half has logged why.  ERR_EOF
 * (told: that half has ended), ERR_FORMAT (it cannot have answered that),
 * ERR_CANCELED, ERR_IO.
 */
int batch_fill(struct batch *b, struct heartbeat *h,
    const struct record_ask *ask, size_t most, struct err *err) MUST_CHECK;

#endif

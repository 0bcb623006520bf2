/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_PARTS_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_PARTS_H

#include "producer/offline/blocks.h"

/* What one source is at while all are read side by side. */
struct part {
	uint8_t *out; /* room for len bytes */
	size_t len;
	bool start_only; /* no block is wanted */
	bool starts;     /* these are samples of the start-up test, not used */
	bool aside;      /* it was left out before: others do not wait for it */
	bool others;     /* ... and there are others */
	bool done;
	bool failed; /* as why says, or it is not to be tried yet */
	struct err why;
	struct gathering gathering;
};

/*
 * Read the b->n sources side by side, each into its part, where the caller has
 * set out, len and start_only, and leave done those that gave a block that
 * passed its tests.  Those that fail are left out (blocks.h), which is logged.
 * 0 when one is done; otherwise as blocks_make().
 */
int parts_read(struct blocks *b, struct part *parts, const struct pace *pace,
    struct err *err) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_COPY_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/offline/predictor.h"

/*
 * A predictor of blocks: a block, which is what a source gives to one message,
 * equals the block before it.  Beside the lags of lag.h it is for messages of
 * more than 1,024 bytes.  Blocks are compared by 64 bits of FNV-1a, so that
 * none stays in memory: two that differ pass for one with 2^-64.  Pure.
 *
 * Half of alpha goes to runs, half to hits in windows of 64 blocks: the cutoffs
 * are those of predictor.h for bits = len bits_per_byte and 2^-(alpha_log2 +
 * 1). They are 1, so that no block may come twice in a row, where a block holds
 * some bits more than alpha_log2.
 */
#define COPY_WINDOW 64 /* blocks */

struct copy {
	struct predictor_cutoffs cutoffs;
	size_t len;                 /* of a block */
	size_t have;                /* bytes of the current one */
	uint64_t digest;            /* of these */
	uint64_t before;            /* of the block before */
	bool begun;                 /* there is one before */
	unsigned blocks, run, hits; /* blocks and hits of this window */
};

/* Begin, with blocks of so many bytes, at least 1, and the false alarm
 * probability: for a run at each block, for hits in each window. */
void copy_init(
    struct copy *c, double bits_per_byte, unsigned alpha_log2, size_t len);

/* Forget all samples, and keep the cutoffs and the length. */
void copy_reset(struct copy *c);

/* How many samples it takes until hits alone are an alarm. */
size_t copy_soonest(const struct copy *c);

/* Test len samples, or as many as it takes to an alarm, which copy_reset() has
 * to follow. */
enum predictor_alarm copy_feed(struct copy *c, const uint8_t *data, size_t len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_SAMPLES_AID_H
#define SQS_ENTROPY_TESTS_SAMPLES_AID_H

#include <stddef.h>
#include <stdint.h>

#include "producer/offline/lag.h"

/*
 * Sources that hold a known min-entropy.  "good": uniform bytes; "flat:N":
 * uniform below N; "biased:BITS": 0 with probability 2^-BITS and all others
 * alike; "stuck:MASK": uniform but for the bits of MASK, which are 0;
 * "lag:BITS:P": equal to the byte P before with probability 2^-BITS;
 * "step:BITS:W": words of W bytes, little-endian, that count on with
 * probability 2^-(W BITS); "copy:BITS:N": blocks of N bytes that equal the one
 * before with probability 2^-(N BITS); "-": standard input.  What is not as
 * foretold is any of the others, with the same probability each.
 */
#define SAMPLES_CHUNK 65536

enum samples_kind { GOOD, FLAT, BIASED, STUCK, LAG, STEP, COPY, INPUT };

struct samples {
	enum samples_kind kind;
	uint64_t state[4];
	uint64_t threshold; /* that the foretold comes: of 2^32 */
	uint8_t mask;       /* stuck: the bits that still work */
	unsigned size;      /* values, lag, or bytes of a word or block */
	/* The latest output, for what is foretold from it. */
	uint8_t latest[SAMPLES_CHUNK + LAG_MAX];
};

/* 0, or -1 if text names no source. */
int samples_parse(struct samples *g, const char *text);

/* Make all but standard input repeatable. */
void samples_seed(struct samples *g, uint64_t x);

/* The next SAMPLES_CHUNK samples; fewer, or 0, at the end of the input. */
size_t samples_fill(struct samples *g, uint8_t *data);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_LAG_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_LAG_H

#include <stddef.h>
#include <stdint.h>

#include "producer/offline/predictor.h"

/*
 * 1,024 predictors: a sample equals the one p before it, p = 1 to 1,024.  They
 * find what comes again after so many bytes: a stuck register, a buffer that is
 * handed out twice, text whose lines differ little.  Pure.
 *
 * Half of alpha goes to runs, half to hits in windows of 512 samples, and each
 * lag has 2^-10 of it.  So the cutoffs of a lag are those of predictor.h for
 * bits = bits_per_byte and 2^-(alpha_log2 + 11).
 */
#define LAG_MAX     1024
#define LAG_LATEST  8    /* samples of a value that are counted at once */
#define LAG_BUCKETS 4096 /* a power of two */

/* Samples have numbers, which wrap.  Where a distance to the one before is
 * kept, at the number modulo LAG_MAX, LAG_MAX + 1 is "no such one". */
struct lag {
	struct predictor_cutoffs cutoffs;
	uint32_t now; /* number of the sample that comes next */

	/* Hits in this window: the latest samples of each value, and the sample
	 * of the same value before each. */
	uint32_t latest[256][LAG_LATEST];
	uint8_t oldest[256]; /* which of the latest */
	uint16_t same[LAG_MAX];
	uint16_t hits[2 * LAG_MAX]; /* by lag; the second half is not used */
	unsigned in_window;

	/* Runs: the last few samples as one number, at each sample, and those
	 * with the same hash before each. */
	unsigned gram_len; /* samples, 1 to 8 */
	unsigned gram_has; /* at most gram_len */
	uint64_t gram;
	uint64_t grams[LAG_MAX];
	uint16_t bucket_before[LAG_MAX];
	uint32_t buckets[LAG_BUCKETS];
	struct lag_run {
		uint32_t last; /* number of the sample that went on with it */
		uint32_t len;
	} runs[LAG_MAX + 1]; /* by lag, from gram_len on */

	unsigned longest; /* run of any lag; 0: none of gram_len */
	unsigned found;   /* the lag of the alarm, that with the most hits */
};

/* Begin, with the false alarm probability of all lags together: for a run at
 * each sample, for hits in each window. */
void lag_init(struct lag *l, double bits_per_byte, unsigned alpha_log2);

/* Forget all samples, and keep the cutoffs. */
void lag_reset(struct lag *l);

/* Test len samples; hits are judged at the end of each window and of the call.
 * lag_reset() has to follow an alarm. */
enum predictor_alarm lag_feed(struct lag *l, const uint8_t *data, size_t len);

#endif

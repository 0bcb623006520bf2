/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_STEP_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_STEP_H

#include <stddef.h>
#include <stdint.h>

#include "producer/offline/predictor.h"

/*
 * Predictors of counters: a word differs from the word before it by as much as
 * that one does from its own predecessor.  Words have 1 to 8 bytes, in either
 * byte order, and begin at each byte: a chain is the words of one width, order
 * and alignment.  The widths between the powers of two are counters of 24 or 48
 * bits without padding.  Pure.
 *
 * A word of w bytes holds w times bits_per_byte.  Half of alpha goes to runs:
 * 15 words end at each sample, and each has 2^-4 of it.  Half goes to hits in
 * windows of 512 samples, in which each of the 71 chains has 2^-7.  So the
 * cutoffs of width w are those of predictor.h for bits = w bits_per_byte and
 * 2^-(alpha_log2 + 5), and 2^-(alpha_log2 + 8) with n = ceil(512 / w).
 */
#define STEP_WIDTH_MAX 8
#define STEP_BEHIND    32 /* at least the bytes of three words */
#define STEP_PIECE     256

struct step {
	struct predictor_cutoffs cutoffs[STEP_WIDTH_MAX + 1]; /* by width */
	uint32_t now; /* number of the sample that comes next */
	struct step_chain {
		uint32_t
		    last; /* number of the sample that ended the latest hit */
		uint32_t run, hits;
	} chains[2][STEP_WIDTH_MAX + 1][STEP_WIDTH_MAX];
	unsigned in_window;
	/* The latest ones, new ones, and room to look at 16 at once. */
	uint8_t bytes[STEP_BEHIND + STEP_PIECE + 16];
	unsigned longest[STEP_WIDTH_MAX + 1]; /* run, by width */
	unsigned found; /* width of the words of the alarm, in bytes */
};

/* Begin, with the false alarm probability of all chains together: for a run
 * at each sample, for hits in each window. */
void step_init(struct step *s, double bits_per_byte, unsigned alpha_log2);

/* Forget all samples, and keep the cutoffs. */
void step_reset(struct step *s);

/* Test len samples, or as many as it takes to an alarm, which step_reset()
 * has to follow. */
enum predictor_alarm step_feed(struct step *s, const uint8_t *data, size_t len);

#endif

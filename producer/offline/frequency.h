/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_FREQUENCY_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_FREQUENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/offline/predictor.h"

/*
 * How often one value comes: the repetition count test and the adaptive
 * proportion test (window 512) of NIST SP 800-90B, section 4.4, on samples of
 * one byte.  Pure.  They see no order: a cycle of many values passes.
 */

/* C = 1 + ceil(alpha_log2 / bits_per_byte); 0 < bits_per_byte <= 8. */
unsigned frequency_rct_cutoff(double bits_per_byte, unsigned alpha_log2);

/* C = 2 + qbinom(1 - 2^-alpha_log2, window - 1, 2^-bits_per_byte): the
 * corrected form; at most window, above which it cannot fail (so that below
 * alpha_log2 / (window - 1) bits false alarms are more frequent than alpha). */
unsigned frequency_apt_cutoff(
    double bits_per_byte, unsigned alpha_log2, unsigned window);

struct frequency {
	unsigned rct_cutoff, apt_cutoff;
	bool begun;
	uint8_t last;       /* repetition count test */
	unsigned run;       /* how often in a row */
	uint8_t reference;  /* adaptive proportion test: first of the window */
	unsigned in_window; /* samples seen of it */
	unsigned matches;
};

/* Begin with each test's false alarm probability. */
void frequency_init(
    struct frequency *f, double bits_per_byte, unsigned alpha_log2);

/* Forget all samples, and keep the cutoffs. */
void frequency_reset(struct frequency *f);

/* Test len samples, or as many as it takes to an alarm, which frequency_reset()
 * has to follow.  PREDICTOR_RUN: repetition count test, PREDICTOR_HITS:
 * adaptive proportion test; f->last is the sample that failed. */
enum predictor_alarm frequency_feed(
    struct frequency *f, const uint8_t *data, size_t len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ASSESS_ESTIMATES_H
#define SQS_ENTROPY_PRODUCER_ASSESS_ESTIMATES_H

#include <stdbool.h>

#include "producer/assess/statistics.h"

/*
 * Two of the ten estimates of min-entropy of NIST SP 800-90B, section 6.3, for
 * samples of one byte: the most common value (6.3.1) of the bytes and of their
 * bits, and Markov's (6.3.3) of the bits.  The bits of a byte begin with the
 * highest one, as in NIST's own tool.  Pure.
 *
 * They are upper limits: a source whose bytes depend on each other in another
 * way than these two see holds less.
 */
#define ESTIMATES_SAMPLES 1000000 /* that section 3.1.1 asks for, at least */

struct estimates {
	double common;        /* bits of min-entropy per byte */
	double common_of_bit; /* per bit */
	double markov;        /* per bit */
	double least;         /* per byte: the least of the three */
};

/* Of two bytes or more; of less, all are 0. */
void estimates_make(const struct statistics *s, struct estimates *e);

/* Section 6.3.1: the most common of n > 1 samples came so often. */
double estimates_common(double most, double n);

/*
 * What to claim for a source, as bits-per-byte has it: the least of all
 * estimates, rounded down to a tenth, at most 1 (the setting's default) where
 * `all` ten are not known, and at most 4 where they are.  More than that no
 * test of the output shows, but the description of the source.  0: nothing can
 * be claimed, because it is below 0.1.
 */
#define ESTIMATES_CAP_TWO 1.0
#define ESTIMATES_CAP_TEN 4.0
double estimates_recommend(double least, bool all);

#endif

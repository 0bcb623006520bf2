/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_PREDICTOR_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_PREDICTOR_H

/*
 * How often a predictor may be right.  A predictor says from what came before
 * what comes next.  When that holds `bits` of min-entropy, whatever came
 * before, then a prediction is right (a hit) with a probability of at most
 * 2^-bits.  So hits in a row, and hits among n predictions, are at most as
 * likely as those of independent trials, and a cutoff can be computed for a
 * false alarm probability of 2^-alpha_log2.  The tests of NIST SP 800-90B,
 * section 4.4, are of this kind, too: each sample there predicts those after
 * it.
 */
#define PREDICTOR_WINDOW 512 /* samples, in which hits are counted */

enum predictor_alarm {
	PREDICTOR_GOOD,
	PREDICTOR_RUN, /* too many hits in a row */
	PREDICTOR_HITS /* too many hits in a window */
};

/* So many hits are an alarm. */
struct predictor_cutoffs {
	unsigned run, hits;
};

/* ceil(alpha_log2 / bits), bits > 0: the smallest C with 2^-(bits C) at most
 * 2^-alpha_log2, for a run that begins at a given prediction. */
unsigned predictor_run_cutoff(double bits, unsigned alpha_log2);

/* The smallest C with P(X >= C) at most 2^-alpha_log2, X binomial with n trials
 * of 2^-bits; n + 1, which cannot be reached, where P(X = n) is more. */
unsigned predictor_hits_cutoff(double bits, unsigned alpha_log2, unsigned n);

#endif

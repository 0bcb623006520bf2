/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/predictor.h"

#include <limits.h>
#include <math.h>

/* Rounding adds less than this to a tail or a quotient.  One that is just at
 * the limit must not be taken for a larger one. */
#define ROUNDING 1e-9

unsigned predictor_run_cutoff(double bits, unsigned alpha_log2)
{
	const double cutoff = ceil(alpha_log2 / bits * (1 - ROUNDING));

	return cutoff < UINT_MAX ? (unsigned)cutoff : UINT_MAX;
}

/* The logarithm of P(X = k), X binomial with n trials of 2^-bits. */
static double log_binomial(unsigned k, unsigned n, double bits)
{
	const double log_hit = -bits * log(2);
	/* p is close to 1 where bits is small: 1 - p would lose digits. */
	const double log_miss = log(-expm1(log_hit));

	return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) +
	       k * log_hit + (n - k) * log_miss;
}

/*
 * Summed from the top, where the terms are smallest, and never as
 * 1 - P(X <= q), in which alpha would drown.
 */
unsigned predictor_hits_cutoff(double bits, unsigned alpha_log2, unsigned n)
{
	const double alpha = ldexp(1, -(int)alpha_log2);
	double tail = 0;
	unsigned q = n + 1; /* P(X > q) is the tail */

	while (q > 0 && tail <= alpha * (1 + ROUNDING)) {
		q--;
		tail += exp(log_binomial(q, n, bits));
	}
	return q + 1;
}

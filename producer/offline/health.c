/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/health.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>

/* Rounding adds less than this to a tail or a quotient.  One that is just at
 * the limit must not be taken for a larger one. */
#define ROUNDING 1e-9

unsigned health_rct_cutoff(double bits_per_byte, unsigned alpha_log2)
{
	const double exact = alpha_log2 / bits_per_byte * (1 - ROUNDING);
	const double cutoff = 1 + ceil(exact);

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
 * The smallest q with P(X > q) <= alpha.  Summed from the top, where the
 * terms are smallest, and never as 1 - P(X <= q), in which alpha would drown.
 */
static unsigned upper_quantile(unsigned n, double bits, double alpha)
{
	double tail = 0;
	unsigned q = n + 1;

	while (q > 0 && tail <= alpha * (1 + ROUNDING)) {
		q--;
		tail += exp(log_binomial(q, n, bits));
	}
	return q;
}

unsigned health_apt_cutoff(
    double bits_per_byte, unsigned alpha_log2, unsigned window)
{
	const unsigned cutoff = 2 + upper_quantile(window - 1, bits_per_byte,
					ldexp(1, -(int)alpha_log2));

	return cutoff < window ? cutoff : window;
}

/* No sample before this one is known any more. */
static void begin_tests(struct health *h)
{
	h->begun = false;
	h->last = h->reference = 0;
	h->run = h->in_window = h->matches = 0;
	h->startup = HEALTH_STARTUP;
}

void health_init(struct health *h, double bits_per_byte)
{
	*h = (struct health){
	    .rct_cutoff = health_rct_cutoff(bits_per_byte, HEALTH_ALPHA_LOG2),
	    .apt_cutoff = health_apt_cutoff(
		bits_per_byte, HEALTH_ALPHA_LOG2, HEALTH_WINDOW),
	    .verdict = HEALTH_GOOD};
	begin_tests(h);
}

/* SP 800-90B, section 4.4.1. */
static bool repeats(struct health *h, uint8_t sample)
{
	if (!h->begun || sample != h->last) {
		h->begun = true;
		h->last = sample;
		h->run = 0;
	}
	return ++h->run >= h->rct_cutoff;
}

/* SP 800-90B, section 4.4.2: the reference itself counts as one. */
static bool prevails(struct health *h, uint8_t sample)
{
	if (h->in_window == 0) {
		h->reference = sample;
		h->matches = 0;
	}
	if (++h->in_window == HEALTH_WINDOW)
		h->in_window = 0;
	return sample == h->reference && ++h->matches >= h->apt_cutoff;
}

/* After a failure both tests begin anew, so that the second one need not see
 * this sample. */
static enum health_verdict test_sample(struct health *h, uint8_t sample)
{
	if (repeats(h, sample))
		return HEALTH_REPETITION;
	return prevails(h, sample) ? HEALTH_PROPORTION : HEALTH_GOOD;
}

enum health_verdict health_feed(
    struct health *h, const uint8_t *data, size_t len)
{
	/* The compiler has to assume that data may point into *h; a copy can
	 * stay in registers. */
	struct health now = *h;
	enum health_verdict verdict = HEALTH_GOOD;
	size_t i;

	if (health_is_dead(h))
		return h->verdict;
	for (i = 0; i < len && verdict == HEALTH_GOOD; i++)
		verdict = test_sample(&now, data[i]);
	if (verdict == HEALTH_GOOD) {
		now.startup -= len < now.startup ? (unsigned)len : now.startup;
	} else {
		now.verdict = verdict;
		now.value = data[i - 1];
		now.failures++;
		begin_tests(&now);
	}
	*h = now;
	return verdict;
}

void health_passed(struct health *h)
{
	if (!health_is_dead(h))
		h->failures = 0;
}

bool health_is_dead(const struct health *h)
{
	return h->failures >= HEALTH_FAILURES;
}

void health_explain(const struct health *h, char *text, size_t size)
{
	switch (h->verdict) {
	case HEALTH_REPETITION:
		(void)snprintf(text, size,
		    "repetition count test: byte 0x%02x came %u times in a row "
		    "(cutoff %u)",
		    h->value, h->rct_cutoff, h->rct_cutoff);
		break;
	case HEALTH_PROPORTION:
		(void)snprintf(text, size,
		    "adaptive proportion test: byte 0x%02x came %u times in %u "
		    "(cutoff %u)",
		    h->value, h->apt_cutoff, (unsigned)HEALTH_WINDOW,
		    h->apt_cutoff);
		break;
	case HEALTH_GOOD:
	default:
		(void)snprintf(text, size, "no test has failed");
		break;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/health.h"

#include <limits.h>
#include <stdio.h>

/* The first of equal samples is no prediction yet. */
unsigned health_rct_cutoff(double bits_per_byte, unsigned alpha_log2)
{
	const unsigned hits = predictor_run_cutoff(bits_per_byte, alpha_log2);

	return hits < UINT_MAX ? 1 + hits : UINT_MAX;
}

unsigned health_apt_cutoff(
    double bits_per_byte, unsigned alpha_log2, unsigned window)
{
	const unsigned cutoff =
	    1 + predictor_hits_cutoff(bits_per_byte, alpha_log2, window - 1);

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
		bits_per_byte, HEALTH_ALPHA_LOG2, PREDICTOR_WINDOW),
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
	if (++h->in_window == PREDICTOR_WINDOW)
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
		    h->value, h->apt_cutoff, (unsigned)PREDICTOR_WINDOW,
		    h->apt_cutoff);
		break;
	case HEALTH_GOOD:
	default:
		(void)snprintf(text, size, "no test has failed");
		break;
	}
}

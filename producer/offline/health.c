/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/health.h"

#include <stdio.h>

/* No sample before this one is known any more, so that a second failure need
 * not come from what the first one came from. */
void health_restart(struct health *h)
{
	const size_t block = h->copy.len, soonest = copy_soonest(&h->copy);
	/* Whole blocks, so that those of copy.h are those of messages. */
	const size_t least = (HEALTH_STARTUP + block - 1) / block * block;

	frequency_reset(&h->frequency);
	lag_reset(&h->lag);
	step_reset(&h->step);
	copy_reset(&h->copy);
	h->startup = soonest > least ? soonest : least;
}

void health_init(struct health *h, double bits_per_byte, size_t block)
{
	frequency_init(&h->frequency, bits_per_byte, HEALTH_ALPHA_LOG2);
	lag_init(&h->lag, bits_per_byte, HEALTH_LAG_LOG2);
	step_init(&h->step, bits_per_byte, HEALTH_STEP_LOG2);
	copy_init(&h->copy, bits_per_byte, HEALTH_COPY_LOG2, block);
	h->failures = 0;
	h->verdict = HEALTH_GOOD;
	(void)snprintf(h->why, sizeof h->why, "no test has failed");
	health_restart(h);
}

static enum health_verdict test_frequency(
    struct health *h, const uint8_t *data, size_t len)
{
	const struct frequency *f = &h->frequency;

	switch (frequency_feed(&h->frequency, data, len)) {
	case PREDICTOR_RUN:
		(void)snprintf(h->why, sizeof h->why,
		    "repetition count test: byte 0x%02x came %u times in a row "
		    "(cutoff %u)",
		    f->last, f->run, f->rct_cutoff);
		return HEALTH_REPETITION;
	case PREDICTOR_HITS:
		(void)snprintf(h->why, sizeof h->why,
		    "adaptive proportion test: byte 0x%02x came %u times in %u "
		    "(cutoff %u)",
		    f->last, f->matches, (unsigned)PREDICTOR_WINDOW,
		    f->apt_cutoff);
		return HEALTH_PROPORTION;
	case PREDICTOR_GOOD:
	default:
		return HEALTH_GOOD;
	}
}

static enum health_verdict test_lag(
    struct health *h, const uint8_t *data, size_t len)
{
	const struct lag *l = &h->lag;

	switch (lag_feed(&h->lag, data, len)) {
	case PREDICTOR_RUN:
		(void)snprintf(h->why, sizeof h->why,
		    "lag test: %u bytes in a row equal those %u before (cutoff "
		    "%u)",
		    l->cutoffs.run, l->found, l->cutoffs.run);
		return HEALTH_LAG;
	case PREDICTOR_HITS:
		(void)snprintf(h->why, sizeof h->why,
		    "lag test: %u bytes of %u equal those %u before (cutoff "
		    "%u)",
		    l->hits[l->found], (unsigned)PREDICTOR_WINDOW, l->found,
		    l->cutoffs.hits);
		return HEALTH_LAG;
	case PREDICTOR_GOOD:
	default:
		return HEALTH_GOOD;
	}
}

static enum health_verdict test_step(
    struct health *h, const uint8_t *data, size_t len)
{
	const struct step *s = &h->step;
	const enum predictor_alarm alarm = step_feed(&h->step, data, len);
	struct predictor_cutoffs cutoffs;

	if (alarm == PREDICTOR_GOOD)
		return HEALTH_GOOD;
	cutoffs = s->cutoffs[s->found];
	if (alarm == PREDICTOR_RUN)
		(void)snprintf(h->why, sizeof h->why,
		    "step test: %u words of %u bytes in a row count on (cutoff "
		    "%u)",
		    cutoffs.run, s->found, cutoffs.run);
	else
		(void)snprintf(h->why, sizeof h->why,
		    "step test: %u words of %u bytes in %u bytes count on "
		    "(cutoff %u)",
		    cutoffs.hits, s->found, (unsigned)PREDICTOR_WINDOW,
		    cutoffs.hits);
	return HEALTH_STEP;
}

static enum health_verdict test_copy(
    struct health *h, const uint8_t *data, size_t len)
{
	if (copy_feed(&h->copy, data, len) == PREDICTOR_GOOD)
		return HEALTH_GOOD;
	(void)snprintf(h->why, sizeof h->why,
	    "block test: a block of %zu bytes equals the one before",
	    h->copy.len);
	return HEALTH_COPY;
}

/* The tests of a standard come first: what they find they name better. */
static enum health_verdict test_samples(
    struct health *h, const uint8_t *data, size_t len)
{
	enum health_verdict verdict = test_frequency(h, data, len);

	if (verdict == HEALTH_GOOD)
		verdict = test_lag(h, data, len);
	if (verdict == HEALTH_GOOD)
		verdict = test_step(h, data, len);
	if (verdict == HEALTH_GOOD)
		verdict = test_copy(h, data, len);
	return verdict;
}

enum health_verdict health_feed(
    struct health *h, const uint8_t *data, size_t len)
{
	enum health_verdict verdict;

	if (health_is_dead(h))
		return h->verdict;
	verdict = test_samples(h, data, len);
	if (verdict == HEALTH_GOOD) {
		h->startup -= len < h->startup ? len : h->startup;
	} else {
		h->verdict = verdict;
		h->failures++;
		health_restart(h);
	}
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

const char *health_explain(const struct health *h)
{
	return h->why;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/frequency.h"

#include <limits.h>

/* The first of equal samples is no prediction yet. */
unsigned frequency_rct_cutoff(double bits_per_byte, unsigned alpha_log2)
{
	const unsigned hits = predictor_run_cutoff(bits_per_byte, alpha_log2);

	return hits < UINT_MAX ? 1 + hits : UINT_MAX;
}

unsigned frequency_apt_cutoff(
    double bits_per_byte, unsigned alpha_log2, unsigned window)
{
	const unsigned cutoff =
	    1 + predictor_hits_cutoff(bits_per_byte, alpha_log2, window - 1);

	return cutoff < window ? cutoff : window;
}

void frequency_init(
    struct frequency *f, double bits_per_byte, unsigned alpha_log2)
{
	*f = (struct frequency){
	    .rct_cutoff = frequency_rct_cutoff(bits_per_byte, alpha_log2),
	    .apt_cutoff = frequency_apt_cutoff(
		bits_per_byte, alpha_log2, PREDICTOR_WINDOW)};
}

void frequency_reset(struct frequency *f)
{
	*f = (struct frequency){
	    .rct_cutoff = f->rct_cutoff, .apt_cutoff = f->apt_cutoff};
}

/* SP 800-90B, section 4.4.1. */
static bool repeats(struct frequency *f, uint8_t sample)
{
	if (!f->begun || sample != f->last) {
		f->begun = true;
		f->last = sample;
		f->run = 0;
	}
	return ++f->run >= f->rct_cutoff;
}

/* SP 800-90B, section 4.4.2: the reference itself counts as one. */
static bool prevails(struct frequency *f, uint8_t sample)
{
	if (f->in_window == 0) {
		f->reference = sample;
		f->matches = 0;
	}
	if (++f->in_window == PREDICTOR_WINDOW)
		f->in_window = 0;
	return sample == f->reference && ++f->matches >= f->apt_cutoff;
}

static enum predictor_alarm test_sample(struct frequency *f, uint8_t sample)
{
	if (repeats(f, sample))
		return PREDICTOR_RUN;
	return prevails(f, sample) ? PREDICTOR_HITS : PREDICTOR_GOOD;
}

enum predictor_alarm frequency_feed(
    struct frequency *f, const uint8_t *data, size_t len)
{
	/* The compiler has to assume that data may point into *f; a copy can
	 * stay in registers. */
	struct frequency now = *f;
	enum predictor_alarm alarm = PREDICTOR_GOOD;

	for (size_t i = 0; i < len && alarm == PREDICTOR_GOOD; i++)
		alarm = test_sample(&now, data[i]);
	*f = now;
	return alarm;
}

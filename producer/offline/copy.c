/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/copy.h"

/* Fowler, Noll, Vo: FNV-1a, 64 bits. */
#define FNV_BASIS 0xcbf29ce484222325
#define FNV_PRIME 0x100000001b3

void copy_init(
    struct copy *c, double bits_per_byte, unsigned alpha_log2, size_t len)
{
	const double bits = (double)len * bits_per_byte;

	c->cutoffs = (struct predictor_cutoffs){
	    predictor_run_cutoff(bits, alpha_log2 + 1),
	    predictor_hits_cutoff(bits, alpha_log2 + 1, COPY_WINDOW)};
	c->len = len;
	copy_reset(c);
}

void copy_reset(struct copy *c)
{
	c->have = 0;
	c->blocks = c->run = c->hits = 0;
	c->begun = false;
	c->digest = FNV_BASIS;
}

size_t copy_soonest(const struct copy *c)
{
	const unsigned hits =
	    c->cutoffs.run > c->cutoffs.hits ? c->cutoffs.run : c->cutoffs.hits;

	return (1 + (size_t)hits) * c->len;
}

static enum predictor_alarm end_block(struct copy *c)
{
	const bool hit = c->begun && c->digest == c->before;

	c->begun = true;
	c->before = c->digest;
	c->digest = FNV_BASIS;
	c->have = 0;
	if (c->blocks++ % COPY_WINDOW == 0)
		c->hits = 0;
	c->run = hit ? c->run + 1 : 0;
	c->hits += hit ? 1 : 0;
	if (c->run >= c->cutoffs.run)
		return PREDICTOR_RUN;
	return c->hits >= c->cutoffs.hits ? PREDICTOR_HITS : PREDICTOR_GOOD;
}

enum predictor_alarm copy_feed(struct copy *c, const uint8_t *data, size_t len)
{
	enum predictor_alarm alarm = PREDICTOR_GOOD;

	for (size_t i = 0; i < len && alarm == PREDICTOR_GOOD; i++) {
		c->digest = (c->digest ^ data[i]) * FNV_PRIME;
		if (++c->have == c->len)
			alarm = end_block(c);
	}
	return alarm;
}

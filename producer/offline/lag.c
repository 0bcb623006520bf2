/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/lag.h"

#include <stdbool.h>
#include <string.h>

#define LAGS_LOG2 10 /* LAG_MAX lags share alpha */
#define GRAM_MAX  8  /* bytes of a uint64_t */

void lag_init(struct lag *l, double bits_per_byte, unsigned alpha_log2)
{
	const unsigned each_log2 = alpha_log2 + 1 + LAGS_LOG2;

	l->cutoffs = (struct predictor_cutoffs){
	    predictor_run_cutoff(bits_per_byte, each_log2),
	    predictor_hits_cutoff(bits_per_byte, each_log2, PREDICTOR_WINDOW)};
	lag_reset(l);
}

void lag_reset(struct lag *l)
{
	const struct predictor_cutoffs cutoffs = l->cutoffs;

	memset(l, 0, sizeof *l);
	l->cutoffs = cutoffs;
	l->gram_len = cutoffs.run < GRAM_MAX ? cutoffs.run : GRAM_MAX;
	/* What is numbered 0 is beyond every lag. */
	l->now = LAG_MAX + 1;
}

/* The distance as the next sample's chain keeps it. */
static uint16_t keep_distance(uint32_t p)
{
	return (uint16_t)(p <= LAG_MAX ? p : LAG_MAX + 1);
}

static void count_one(struct lag *l, uint32_t p)
{
	uint16_t *hits = &l->hits[p % (2 * LAG_MAX)];

	*hits = (uint16_t)(*hits + ((p - (LAG_MAX + 1)) >> 31));
}

/*
 * Only lags that hit are visited.  Uniform bytes have four of them in 1,024;
 * LAG_LATEST are counted without a branch, because one that cannot be foretold
 * takes longer, and the others, if any, one after the other.
 */
static void count_hits(struct lag *l, uint8_t sample)
{
	uint32_t *latest = l->latest[sample];
	const unsigned oldest = l->oldest[sample];
	const unsigned newest = (oldest + LAG_LATEST - 1) % LAG_LATEST;
	uint32_t p;

	for (unsigned i = 0; i < LAG_LATEST; i += 4) {
		count_one(l, l->now - latest[i]);
		count_one(l, l->now - latest[i + 1]);
		count_one(l, l->now - latest[i + 2]);
		count_one(l, l->now - latest[i + 3]);
	}
	p = l->now - latest[oldest];
	while (p <= LAG_MAX) {
		p += l->same[(l->now - p) % LAG_MAX];
		if (p <= LAG_MAX)
			l->hits[p]++;
	}
	l->same[l->now % LAG_MAX] = keep_distance(l->now - latest[newest]);
	latest[oldest] = l->now;
	l->oldest[sample] = (uint8_t)((oldest + 1) % LAG_LATEST);
}

static enum predictor_alarm lengthen_run(struct lag *l, unsigned lag)
{
	struct lag_run *r = &l->runs[lag];

	r->len = r->last == l->now - 1 ? r->len + 1 : l->gram_len;
	r->last = l->now;
	if (r->len > l->longest)
		l->longest = r->len;
	if (r->len < l->cutoffs.run)
		return PREDICTOR_GOOD;
	l->found = lag;
	return PREDICTOR_RUN;
}

/* Where the last gram_len samples equal those p before, lag p has a run of that
 * length; of uniform bytes that is next to never. */
static enum predictor_alarm follow_runs(struct lag *l, uint8_t sample)
{
	enum predictor_alarm alarm = PREDICTOR_GOOD;
	uint32_t *bucket, at, p;

	l->gram = (l->gram << 8 | sample) &
		  UINT64_MAX >> 8 * (GRAM_MAX - l->gram_len);
	if (++l->gram_has < l->gram_len)
		return PREDICTOR_GOOD;
	l->gram_has = l->gram_len;
	/* The golden ratio's fraction spreads the grams. */
	bucket =
	    &l->buckets[(l->gram * 0x9e3779b97f4a7c15 >> 32) % LAG_BUCKETS];
	p = l->now - *bucket;
	at = l->now % LAG_MAX;
	const uint16_t before = keep_distance(p);
	while (p <= LAG_MAX && alarm == PREDICTOR_GOOD) {
		const uint32_t then = (l->now - p) % LAG_MAX;

		if (l->grams[then] == l->gram)
			alarm = lengthen_run(l, p);
		p += l->bucket_before[then];
	}
	l->grams[at] = l->gram;
	l->bucket_before[at] = before;
	*bucket = l->now;
	return alarm;
}

static bool any_prevails(const struct lag *l)
{
	const uint16_t cutoff = (uint16_t)l->cutoffs.hits;
	uint16_t over = 0;

	for (unsigned p = 1; p <= LAG_MAX; p++)
		over |= l->hits[p] >= cutoff;
	return over != 0;
}

static enum predictor_alarm judge_hits(struct lag *l)
{
	if (l->in_window < l->cutoffs.hits || !any_prevails(l))
		return PREDICTOR_GOOD;
	l->found = 1;
	for (unsigned p = 2; p <= LAG_MAX; p++)
		if (l->hits[p] > l->hits[l->found])
			l->found = p;
	return PREDICTOR_HITS;
}

static void begin_window(struct lag *l)
{
	l->in_window = 0;
	memset(l->hits, 0, sizeof l->hits);
}

enum predictor_alarm lag_feed(struct lag *l, const uint8_t *data, size_t len)
{
	enum predictor_alarm alarm = PREDICTOR_GOOD;

	for (size_t i = 0; i < len && alarm == PREDICTOR_GOOD; i++) {
		if (l->in_window == PREDICTOR_WINDOW)
			begin_window(l);
		count_hits(l, data[i]);
		alarm = follow_runs(l, data[i]);
		l->now++;
		if (++l->in_window == PREDICTOR_WINDOW &&
		    alarm == PREDICTOR_GOOD)
			alarm = judge_hits(l);
	}
	/* What is in a window by now may not be used when it fails already. */
	if (alarm == PREDICTOR_GOOD && l->in_window < PREDICTOR_WINDOW)
		alarm = judge_hits(l);
	return alarm;
}

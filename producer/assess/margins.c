/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/assess/margins.h"

#include <limits.h>

/* Nothing reaches these: the tests count on. */
static void lift_cutoffs(struct health *h)
{
	const struct predictor_cutoffs none = {UINT_MAX, UINT16_MAX};

	h->frequency.rct_cutoff = UINT_MAX;
	h->frequency.apt_cutoff = UINT_MAX;
	h->lag.cutoffs = none;
	for (unsigned w = 1; w <= STEP_WIDTH_MAX; w++)
		h->step.cutoffs[w] = none;
	h->copy.cutoffs = none;
}

bool margins_begin(struct margins *m, double bits_per_byte, size_t block)
{
	uint8_t *space;
	struct health *h;

	*m = (struct margins){
	    .space = buf_new_zero(sizeof(struct health), &space)};
	if (m->space == NULL)
		return false;
	m->tests = h = (struct health *)(void *)space;
	health_init(h, bits_per_byte, block);
	m->margin[MARGIN_REPETITION].cutoff = h->frequency.rct_cutoff;
	m->margin[MARGIN_PROPORTION].cutoff = h->frequency.apt_cutoff;
	m->margin[MARGIN_LAG_RUN].cutoff = h->lag.cutoffs.run;
	m->margin[MARGIN_LAG_HITS].cutoff = h->lag.cutoffs.hits;
	m->margin[MARGIN_COPY_RUN].cutoff = h->copy.cutoffs.run;
	m->margin[MARGIN_COPY_HITS].cutoff = h->copy.cutoffs.hits;
	for (unsigned w = 1; w <= STEP_WIDTH_MAX; w++)
		m->steps[w] = h->step.cutoffs[w];
	m->margin[MARGIN_STEP_RUN].width = m->margin[MARGIN_STEP_HITS].width =
	    1;
	m->margin[MARGIN_STEP_RUN].cutoff = m->steps[1].run;
	m->margin[MARGIN_STEP_HITS].cutoff = m->steps[1].hits;
	lift_cutoffs(h);
	return true;
}

static void note_most(struct margins *m, enum margin_test test, unsigned most)
{
	if (most > m->margin[test].most)
		m->margin[test].most = most;
}

static void feed_frequency(struct margins *m, const uint8_t *data, size_t len)
{
	struct frequency *f = &m->tests->frequency;

	/* A run and a window may end within the piece. */
	for (size_t i = 0; i < len; i++) {
		(void)frequency_feed(f, data + i, 1);
		note_most(m, MARGIN_REPETITION, f->run);
		note_most(m, MARGIN_PROPORTION, f->matches);
	}
}

static void feed_lag(struct margins *m, const uint8_t *data, size_t len)
{
	struct lag *l = &m->tests->lag;
	unsigned most = 0;

	(void)lag_feed(l, data, len);
	for (unsigned p = 1; p <= LAG_MAX; p++)
		most = l->hits[p] > most ? l->hits[p] : most;
	note_most(m, MARGIN_LAG_HITS, most);
	note_most(m, MARGIN_LAG_RUN, l->longest);
}

/* Widths have cutoffs of their own: the one that is nearest to its cutoff is
 * told. */
static void note_nearest(
    struct margin *m, unsigned most, unsigned cutoff, unsigned width)
{
	if ((uint64_t)most * m->cutoff > (uint64_t)m->most * cutoff)
		*m = (struct margin){most, cutoff, width};
}

static void feed_step(struct margins *m, const uint8_t *data, size_t len)
{
	const struct step *s = &m->tests->step;

	(void)step_feed(&m->tests->step, data, len);
	for (unsigned w = 1; w <= STEP_WIDTH_MAX; w++) {
		for (unsigned i = 0; i < w; i++)
			for (unsigned order = 0; order < 2; order++)
				if (s->chains[order][w][i].hits > m->hits[w])
					m->hits[w] =
					    s->chains[order][w][i].hits;
		note_nearest(&m->margin[MARGIN_STEP_HITS], m->hits[w],
		    m->steps[w].hits, w);
		note_nearest(&m->margin[MARGIN_STEP_RUN], s->longest[w],
		    m->steps[w].run, w);
	}
}

static void feed_copy(struct margins *m, const uint8_t *data, size_t len)
{
	struct copy *c = &m->tests->copy;

	for (size_t i = 0, n; i < len; i += n) {
		n = c->len - c->have < len - i ? c->len - c->have : len - i;
		(void)copy_feed(c, data + i, n);
		note_most(m, MARGIN_COPY_RUN, c->run);
		note_most(m, MARGIN_COPY_HITS, c->hits);
	}
}

static bool either_fails(
    const struct margins *m, enum margin_test run, enum margin_test hits)
{
	return m->margin[run].most >= m->margin[run].cutoff ||
	       m->margin[hits].most >= m->margin[hits].cutoff;
}

void margins_feed(struct margins *m, const uint8_t *data, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		/* The counts of a window are there until the next begins. */
		n = PREDICTOR_WINDOW - m->in_window;
		n = n < len - i ? n : len - i;
		m->in_window = (m->in_window + n) % PREDICTOR_WINDOW;
		feed_frequency(m, data + i, n);
		/* Following each lag and each chain of a constant source takes
		 * a thousand times as long as of a good one. */
		if (!either_fails(m, MARGIN_LAG_RUN, MARGIN_LAG_HITS))
			feed_lag(m, data + i, n);
		if (!either_fails(m, MARGIN_STEP_RUN, MARGIN_STEP_HITS))
			feed_step(m, data + i, n);
		feed_copy(m, data + i, n);
	}
}

const char *margins_name(enum margin_test test)
{
	static const char *const names[MARGIN_TESTS] = {
	    [MARGIN_REPETITION] = "repetition count test",
	    [MARGIN_PROPORTION] = "adaptive proportion test",
	    [MARGIN_LAG_RUN] = "lag test, in a row",
	    [MARGIN_LAG_HITS] = "lag test, in a window",
	    [MARGIN_STEP_RUN] = "step test, in a row",
	    [MARGIN_STEP_HITS] = "step test, in a window",
	    [MARGIN_COPY_RUN] = "block test, in a row",
	    [MARGIN_COPY_HITS] = "block test, in a window"};

	return names[test];
}

bool margins_fail(const struct margins *m, enum margin_test *first)
{
	for (unsigned i = 0; i < MARGIN_TESTS; i++) {
		*first = (enum margin_test)i;
		if (m->margin[i].most >= m->margin[i].cutoff)
			return true;
	}
	return false;
}

void margins_end(struct margins *m)
{
	buf_free(m->space);
	m->space = NULL;
	m->tests = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two tests of SP 800-90B find and what they cannot, held against
 * bounds that are computed here, from the binomial tail and from run lengths,
 * apart from the code under test.  Sources are seeded: each run is the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "producer/offline/frequency.h"

#define ALPHA_LOG2 30
#define MISS       1e-6    /* how unlikely it is, by theory, to find later */
#define LUCK       1e-4    /* how unlikely it is to find what cannot be found */
#define LONG       1000000 /* samples; for more no detection is waited */
#define NEVER      SIZE_MAX
#define VALUES     256
#define CYCLED     (10 * PREDICTOR_WINDOW) /* samples of a cycle */

static uint64_t random_state;

static void seed(uint64_t x)
{
	random_state = x * 0x9e3779b97f4a7c15 + 1;
}

/* The 32 high bits of a 64-bit congruential generator. */
static uint32_t draw(void)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(random_state >> 32);
}

/* An independent, identically distributed source. */
struct source {
	double p[VALUES];
};

static struct source uniform_but_stuck(uint8_t working, uint8_t ones)
{
	struct source s = {{0}};

	for (unsigned i = 0; i < VALUES; i++)
		s.p[(i & working) | ones] += 1.0 / VALUES;
	return s;
}

/* One value with 2^-bits, all others alike. */
static struct source biased(double bits)
{
	struct source s;

	s.p[0] = exp2(-bits);
	for (unsigned i = 1; i < VALUES; i++)
		s.p[i] = (1 - s.p[0]) / (VALUES - 1);
	return s;
}

static uint8_t sample(const struct source *s)
{
	double at = draw() / 0x1p32;
	unsigned i = 0;

	while (i < VALUES - 1 && at >= s->p[i])
		at -= s->p[i++];
	/* Rounding must not end in a value that never comes. */
	while (s->p[i] <= 0)
		i--;
	return (uint8_t)i;
}

/*
 * P(X >= k) of 511 trials of p.  The terms are made one from the other, both
 * ways from the largest, which is set to 1: none that counts is too small for
 * a double.
 */
static double tail(unsigned k, double p)
{
	const unsigned n = PREDICTOR_WINDOW - 1;
	const unsigned mode = (unsigned)(p * (n + 1));
	double sum = 0, all = 0, term = 1;

	if (p >= 1)
		return 1;
	for (unsigned i = mode; i <= n; i++) {
		all += term;
		sum += i >= k ? term : 0;
		term *= (n - i) * p / ((i + 1) * (1 - p));
	}
	term = 1;
	for (unsigned i = mode; i > 0; i--) {
		term *= i * (1 - p) / ((n - i + 1) * p);
		all += term;
		sum += i - 1 >= k ? term : 0;
	}
	return sum / all;
}

/* That a window of the proportion test ends in an alarm. */
static double window_alarm(const struct source *s, unsigned cutoff)
{
	double sum = 0, last = 0, alarm = 0;

	for (unsigned i = 0; i < VALUES; i++) {
		/* Most values have the probability of the one before. */
		if (s->p[i] < last || s->p[i] > last)
			alarm = tail(cutoff - 1, s->p[i]);
		last = s->p[i];
		sum += last * alarm;
	}
	return sum;
}

/* That cutoff samples are all the same. */
static double run_alarm(const struct source *s, unsigned cutoff)
{
	double sum = 0;

	for (unsigned i = 0; i < VALUES; i++)
		sum += pow(s->p[i], cutoff);
	return sum;
}

/* How many tries of probability p all but surely hold a hit. */
static double tries(double p)
{
	return p >= 1 ? 1 : ceil(log(MISS) / log1p(-p));
}

/* All but surely there is an alarm within so many samples: one of disjoint
 * runs, or one of the windows. */
static double found_within(const struct frequency *h, const struct source *s)
{
	const double run = run_alarm(s, h->rct_cutoff);
	const double window = window_alarm(s, h->apt_cutoff);
	const double by_run =
	    run > 0 ? h->rct_cutoff * tries(run) : (double)INFINITY;
	const double by_window =
	    window > 0 ? PREDICTOR_WINDOW * tries(window) : (double)INFINITY;

	return fmin(by_run, by_window);
}

/* At most so likely is an alarm within n samples. */
static double alarm_within(
    const struct frequency *h, const struct source *s, double n)
{
	return n * run_alarm(s, h->rct_cutoff) +
	       ceil(n / PREDICTOR_WINDOW) * window_alarm(s, h->apt_cutoff);
}

/* Samples up to the first alarm, NEVER when there is none among n. */
static size_t first_alarm(struct frequency *h, const struct source *s, size_t n)
{
	for (size_t i = 1; i <= n; i++) {
		const uint8_t x = sample(s);

		if (frequency_feed(h, &x, 1) != PREDICTOR_GOOD)
			return i;
	}
	return NEVER;
}

enum finding { FOUND, HIDDEN, RARE };

/*
 * Holds what is found against what theory says of s, tested as if it gave so
 * many bits: FOUND within the bound; HIDDEN, not in the first windows; RARE in
 * between, where a test of this length could only see luck.
 */
static enum finding check_theory(double bits, const struct source *s)
{
	const size_t few = 20 * (size_t)PREDICTOR_WINDOW;
	struct frequency h;
	double bound;

	frequency_init(&h, bits, ALPHA_LOG2);
	bound = found_within(&h, s);
	if (bound <= LONG) {
		assert_in_range(first_alarm(&h, s, (size_t)bound), 1, bound);
		return FOUND;
	}
	if (alarm_within(&h, s, (double)few) > LUCK)
		return RARE;
	assert_int_equal(first_alarm(&h, s, few), NEVER);
	return HIDDEN;
}

/* Each cutoff is the smallest whose tail alpha covers, as summed here. */
static void cutoffs_are_tight(void **state)
{
	(void)state;
	for (int i = 6; i <= 800; i += 7) {
		const double bits = i / 100.0, p = exp2(-bits);
		const unsigned c =
		    frequency_apt_cutoff(bits, 30, PREDICTOR_WINDOW);

		assert_true(tail(c - 1, p) <= 0x1p-30);
		assert_true(tail(c - 2, p) > 0x1p-30);
		assert_in_range(c, 2, PREDICTOR_WINDOW);
	}
}

/*
 * n bits stuck leave 8 - n.  With 8 claimed, four are found in a window or two,
 * two in some 10^5 samples and one in 10^8, a matter of luck (measured by
 * tests/integration/test_health.py).  Where no more is claimed than is left,
 * nothing may be found.
 */
static void stuck_bits_are_found_where_theory_says(void **state)
{
	/* What 1 to 8 stuck bits come to. */
	static const struct {
		double bits;
		enum finding of[8];
	} table[] = {
	    {8, {RARE, FOUND, FOUND, FOUND, FOUND, FOUND, FOUND, FOUND}},
	    {7, {HIDDEN, RARE, FOUND, FOUND, FOUND, FOUND, FOUND, FOUND}},
	    {4, {HIDDEN, HIDDEN, HIDDEN, HIDDEN, FOUND, FOUND, FOUND, FOUND}},
	    {1, {HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN,
		    FOUND}},
	};

	(void)state;
	seed(2);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		for (unsigned n = 1; n <= 8; n++) {
			const uint8_t stuck = (uint8_t)((1u << n) - 1);
			const uint8_t working = (uint8_t)~stuck;
			const struct source zero =
			    uniform_but_stuck(working, 0);
			const struct source one =
			    uniform_but_stuck(working, stuck);

			assert_int_equal(check_theory(table[i].bits, &zero),
			    table[i].of[n - 1]);
			assert_int_equal(check_theory(table[i].bits, &one),
			    table[i].of[n - 1]);
		}
}

/* Each single bit, at 0 and at 1: none can be found where 7 are claimed. */
static void one_stuck_bit_is_within_seven_claimed(void **state)
{
	(void)state;
	seed(3);
	for (unsigned k = 0; k < 8; k++) {
		const uint8_t bit = (uint8_t)(1u << k);
		const struct source zero = uniform_but_stuck((uint8_t)~bit, 0);
		const struct source one = uniform_but_stuck((uint8_t)~bit, bit);

		assert_int_equal(check_theory(7, &zero), HIDDEN);
		assert_int_equal(check_theory(7, &one), HIDDEN);
	}
}

/* A source that holds this share of the min-entropy claimed. */
static void a_bias_is_found_where_theory_says(void **state)
{
	static const double bits[] = {1, 2, 4, 8};
	static const double share[] = {1, 0.9, 0.75, 0.5, 0.25};
	static const enum finding of[][5] = {
	    {HIDDEN, HIDDEN, FOUND, FOUND, FOUND},
	    {HIDDEN, RARE, FOUND, FOUND, FOUND},
	    {HIDDEN, HIDDEN, FOUND, FOUND, FOUND},
	    {HIDDEN, HIDDEN, RARE, FOUND, FOUND},
	};

	(void)state;
	seed(4);
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 5; k++) {
			const struct source s = biased(bits[i] * share[k]);

			assert_int_equal(check_theory(bits[i], &s), of[i][k]);
		}
}

/*
 * A cycle of n values never repeats one; the proportion test meets the
 * reference at each n-th sample, exactly.
 */
static void check_cycle(double bits, unsigned n)
{
	const unsigned matches = (PREDICTOR_WINDOW + n - 1) / n;
	enum predictor_alarm alarm = PREDICTOR_GOOD;
	struct frequency h;
	size_t at;

	frequency_init(&h, bits, ALPHA_LOG2);
	for (at = 1; at <= CYCLED; at++) {
		const uint8_t x = (uint8_t)(0x40 + at % n);

		alarm = frequency_feed(&h, &x, 1);
		if (alarm != PREDICTOR_GOOD)
			break;
	}
	if (h.apt_cutoff > matches) {
		assert_int_equal(at, CYCLED + 1);
		return;
	}
	assert_int_equal(at, (h.apt_cutoff - 1) * n + 1);
	assert_int_equal(alarm, PREDICTOR_HITS);
}

/*
 * Two values in turn are each half of all, as at 1 bit claimed: they are found
 * from 1.5 bits on, three from 2.3 on.  A cycle of 256 is found by
 * nothing, at 8 bits even: these tests see no order.
 */
static void cycles_are_found_where_theory_says(void **state)
{
	static const double bits[] = {
	    0.1, 0.5, 1, 1.3, 1.4, 1.5, 1.9, 2, 2.2, 2.3, 2.5, 3, 4, 7, 8};
	struct frequency h;

	(void)state;
	for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
		for (unsigned n = 2; n <= 192; n = n < 8 ? n + 1 : 2 * n)
			check_cycle(bits[i], n);
	frequency_init(&h, 1, ALPHA_LOG2);
	assert_true(h.apt_cutoff > 256);
	frequency_init(&h, 1.5, ALPHA_LOG2);
	assert_true(h.apt_cutoff <= 256);
	frequency_init(&h, 2.2, ALPHA_LOG2);
	assert_true(h.apt_cutoff > 171);
	frequency_init(&h, 2.3, ALPHA_LOG2);
	assert_true(h.apt_cutoff <= 171);
	frequency_init(&h, 8, ALPHA_LOG2);
	for (unsigned i = 0; i < CYCLED; i++) {
		const uint8_t x = (uint8_t)i;

		assert_int_equal(frequency_feed(&h, &x, 1), PREDICTOR_GOOD);
	}
}

/* A source that fails over so many windows, from 8 bits to 0. */
#define FADE 400

static struct source faded(unsigned window)
{
	return biased(8.0 * (FADE - window) / FADE);
}

/* From which window on an alarm can be, and up to which it must have been. */
static void fade_bounds(const struct frequency *h, unsigned *from, unsigned *to)
{
	double could = 0, missed = 1;
	unsigned i;

	*from = FADE + 1;
	for (i = 0; i <= FADE && missed > MISS; i++) {
		const struct source s = faded(i);

		could += alarm_within(h, &s, PREDICTOR_WINDOW);
		if (could > MISS && *from > i)
			*from = i;
		missed *= 1 - window_alarm(&s, h->apt_cutoff);
	}
	*to = i;
}

static unsigned alarmed_window(struct frequency *h)
{
	for (unsigned i = 0; i <= FADE; i++) {
		const struct source s = faded(i);

		if (first_alarm(h, &s, PREDICTOR_WINDOW) != NEVER)
			return i;
	}
	return FADE + 1;
}

/* Found once less is left than claimed, soon, and not before. */
static void a_fading_source_is_found_where_theory_says(void **state)
{
	static const double bits[] = {8, 4, 2, 1, 0.5};
	struct frequency h;
	unsigned from, to;

	(void)state;
	seed(5);
	for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
		frequency_init(&h, bits[i], ALPHA_LOG2);
		fade_bounds(&h, &from, &to);
		assert_true(to < FADE);
		assert_in_range(alarmed_window(&h), from, to);
		/* The claim was exceeded at this window. */
		assert_true(from >= FADE * (8 - bits[i]) / 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cutoffs_are_tight),
	    cmocka_unit_test(stuck_bits_are_found_where_theory_says),
	    cmocka_unit_test(one_stuck_bit_is_within_seven_claimed),
	    cmocka_unit_test(a_bias_is_found_where_theory_says),
	    cmocka_unit_test(cycles_are_found_where_theory_says),
	    cmocka_unit_test(a_fading_source_is_found_where_theory_says),
	};

	return cmocka_run_group_tests_name(
	    "producer frequency, theory", tests, NULL, NULL);
}

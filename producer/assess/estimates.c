/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/assess/estimates.h"

#include <math.h>

#define BITS    8
/* A normal distribution has 99 percent within so many standard deviations. */
#define Z_ALPHA 2.5758293035489008
#define CHAIN   128 /* bits of a sequence in section 6.3.3 */

double estimates_common(double most, double n)
{
	const double share = most / n;
	const double bound =
	    share + Z_ALPHA * sqrt(share * (1 - share) / (n - 1));

	return bound < 1 ? -log2(bound) : 0;
}

/* What follows what: transitions[i][j] is bit j after bit i. */
struct bits {
	double transitions[2][2];
	double total, ones;
};

/* The bits of one byte, which came so often after such a bit. */
static void add_bits(
    struct bits *b, unsigned before, unsigned byte, double count)
{
	for (unsigned i = BITS; i-- > 0;) {
		const unsigned bit = byte >> i & 1;

		b->transitions[before][bit] += count;
		b->ones += bit * count;
		before = bit;
	}
}

static struct bits count_bits(const struct statistics *s)
{
	struct bits b = {.total = BITS * (double)s->total};

	for (unsigned i = 0; i < 256; i++) {
		add_bits(&b, 0, i, (double)s->counts[0][i]);
		add_bits(&b, 1, i, (double)s->counts[1][i]);
	}
	/* Nothing came before the first bit. */
	b.transitions[0][s->first >> (BITS - 1)]--;
	return b;
}

/* n times the surprise (bits) of what has that probability; nothing where it
 * does not come at all. */
static double surprise(unsigned n, double probability)
{
	return n > 0 ? n * -log2(probability) : 0;
}

/* Section 6.3.3, in logarithms: of the 2^128 sequences the likeliest is one of
 * six, which begin with i, and go on by a alternations and by staying. */
static double estimate_markov(const struct bits *b)
{
	static const struct {
		unsigned begin, n[2][2];
	} chains[] = {{0, {{CHAIN - 1, 0}, {0, 0}}},
	    {0, {{0, CHAIN / 2}, {CHAIN / 2 - 1, 0}}},
	    {0, {{0, 1}, {0, CHAIN - 2}}}, {1, {{CHAIN - 2, 0}, {1, 0}}},
	    {1, {{0, CHAIN / 2 - 1}, {CHAIN / 2, 0}}},
	    {1, {{0, 0}, {0, CHAIN - 1}}}};
	const double first[2] = {1 - b->ones / b->total, b->ones / b->total};
	double least = CHAIN;

	for (size_t k = 0; k < sizeof chains / sizeof chains[0]; k++) {
		double bits = surprise(1, first[chains[k].begin]);

		for (unsigned i = 0; i < 2; i++) {
			const double all =
			    b->transitions[i][0] + b->transitions[i][1];

			for (unsigned j = 0; j < 2; j++)
				bits += surprise(chains[k].n[i][j],
				    all > 0 ? b->transitions[i][j] / all : 0);
		}
		least = bits < least ? bits : least;
	}
	return least / CHAIN;
}

void estimates_make(const struct statistics *s, struct estimates *e)
{
	const struct bits b = count_bits(s);
	uint64_t most = 0;

	*e = (struct estimates){.least = 0};
	if (s->total < 2)
		return;
	for (unsigned i = 0; i < 256; i++)
		if (statistics_count(s, (uint8_t)i) > most)
			most = statistics_count(s, (uint8_t)i);
	e->common = estimates_common((double)most, (double)s->total);
	e->common_of_bit =
	    estimates_common(fmax(b.ones, b.total - b.ones), b.total);
	e->markov = estimate_markov(&b);
	e->least = fmin(e->common, BITS * fmin(e->common_of_bit, e->markov));
}

double estimates_recommend(double least, bool all)
{
	const double cap = all ? ESTIMATES_CAP_TEN : ESTIMATES_CAP_TWO;

	return floor(10 * fmin(least, cap)) / 10;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/assess/statistics.h"

#include <math.h>

#define VALUES     256
#define COORDINATE 3  /* bytes of x, and of y */
#define NEGLECTED  20 /* e^-20 and less is left out */

static uint64_t read_coordinate(const uint8_t *at)
{
	return (uint64_t)at[0] << 16 | (uint64_t)at[1] << 8 | at[2];
}

static void end_tuple(struct statistics *s)
{
	const uint64_t radius = ((uint64_t)1 << (8 * COORDINATE)) - 1;
	const uint64_t x = read_coordinate(s->tuple);
	const uint64_t y = read_coordinate(s->tuple + COORDINATE);

	s->in_tuple = 0;
	s->points++;
	s->inside += x * x + y * y <= radius * radius ? 1 : 0;
}

void statistics_feed(struct statistics *s, const uint8_t *data, size_t len)
{
	if (s->total == 0 && len > 0)
		s->first = data[0];
	for (size_t i = 0; i < len; i++) {
		s->counts[s->last & 1][data[i]]++;
		s->products += (uint64_t)s->last * data[i];
		s->last = data[i];
		s->tuple[s->in_tuple++] = data[i];
		if (s->in_tuple == STATISTICS_TUPLE)
			end_tuple(s);
	}
	s->total += len;
}

uint64_t statistics_count(const struct statistics *s, uint8_t value)
{
	return s->counts[0][value] + s->counts[1][value];
}

/* Below e^-20 it is 0. */
static double exp_or_nothing(double x)
{
	return x < -NEGLECTED ? 0 : exp(x);
}

double statistics_chi_tail(double chi_square, unsigned freedom)
{
	const double half = chi_square / 2;
	/* An odd number begins with the tails of a normal distribution. */
	double tail = erfc(sqrt(half)), term, sum = 0;

	if (half > NEGLECTED) {
		/* The logarithm of half^z / Gamma(z + 1), term by term. */
		term = log(sqrt(acos(-1)));
		for (unsigned i = 1; i + 2 <= freedom; i += 2) {
			term += log(i / 2.0);
			tail +=
			    exp_or_nothing(log(half) * (i / 2.0) - half - term);
		}
		return tail;
	}
	term = 1 / sqrt(acos(-1)) / sqrt(half);
	for (unsigned i = 1; i + 2 <= freedom; i += 2) {
		term *= half / (i / 2.0);
		sum += term;
	}
	return chi_square > 0 ? sum * exp_or_nothing(-half) + tail : 1;
}

/* ent's own formula: its percentage is cut, not rounded, so that another one
 * that is as exact may give another percentage where the entropy is whole. */
static double log_of_two(double x)
{
	return 3.32192809488736234787 * log10(x);
}

static void judge_frequencies(
    const struct statistics *s, struct statistics_result *r)
{
	const double total = (double)s->total, expected = total / VALUES;
	double sum = 0;

	for (unsigned i = 0; i < VALUES; i++) {
		const double count = (double)statistics_count(s, (uint8_t)i);
		const double share = count / total, more = count - expected;

		if (count > 0)
			r->entropy += share * log_of_two(1 / share);
		r->chi_square += more * more / expected;
		sum += i * count;
	}
	r->compression = (int)(100 * (8 - r->entropy) / 8);
	r->exceeded = 100 * statistics_chi_tail(r->chi_square, VALUES - 1);
	r->mean = sum / total;
}

/* Knuth, The Art of Computer Programming, volume 2, section 3.3.2 K. */
static double judge_correlation(const struct statistics *s)
{
	const double total = (double)s->total;
	double products, sum = 0, squares = 0, spread;

	for (unsigned i = 0; i < VALUES; i++) {
		const double count = (double)statistics_count(s, (uint8_t)i);

		sum += i * count;
		squares += i * (i * count);
	}
	products = (double)(s->products + (uint64_t)s->last * s->first);
	sum *= sum;
	spread = total * squares - sum;
	return spread != 0 ? (total * products - sum) / spread : NAN;
}

void statistics_judge(
    const struct statistics *s, struct statistics_result *result)
{
	const double pi = acos(-1);

	*result = (struct statistics_result){.pi = NAN, .error = NAN};
	judge_frequencies(s, result);
	if (s->points > 0) {
		result->pi = 4 * ((double)s->inside / (double)s->points);
		result->error = 100 * (fabs(pi - result->pi) / pi);
	}
	result->correlation = judge_correlation(s);
}

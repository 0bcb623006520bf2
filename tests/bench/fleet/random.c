/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/fleet/random.h"

#include <math.h>

static uint64_t next_word(struct random *r)
{
	uint64_t z = r->at += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

struct random random_new(uint64_t seed, uint64_t stream)
{
	struct random r = {seed * UINT64_C(0xD1342543DE82EF95) + stream};

	r.at = next_word(&r);
	return r;
}

double random_unit(struct random *r)
{
	return (double)(next_word(r) >> 11) * 0x1p-53;
}

int64_t random_below(struct random *r, int64_t n)
{
	return (int64_t)(random_unit(r) * (double)n);
}

double random_exponential(struct random *r, double mean)
{
	return -mean * log(1.0 - random_unit(r));
}

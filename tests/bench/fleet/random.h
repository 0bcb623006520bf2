/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_BENCH_FLEET_RANDOM_H
#define SQS_ENTROPY_TESTS_BENCH_FLEET_RANDOM_H

#include <stdint.h>

/* Repeatable chance (SplitMix64).  Boots, calls and counts have one each, so
 * that another rule for the producers meets the same boots. */
struct random {
	uint64_t at;
};

struct random random_new(uint64_t seed, uint64_t stream);

/* In [0,1). */
double random_unit(struct random *r);

/* In 0..n-1; n is over 0. */
int64_t random_below(struct random *r, int64_t n);

/* Of an exponential distribution, in the unit of mean, at least 0. */
double random_exponential(struct random *r, double mean);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ASSESS_STATISTICS_H
#define SQS_ENTROPY_PRODUCER_ASSESS_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

/*
 * What ent(1) of Debian says of a sample of bytes, to the last digit that it
 * prints, and the counts from which estimates.h goes on.  Fed piece by piece,
 * so that a sample may be of any size.  Pure.
 */
#define STATISTICS_TUPLE 6 /* bytes of one point, for Pi */

struct statistics {
	/* By the bit that came before the byte (of the first: 0), and value. */
	uint64_t counts[2][256];
	uint64_t total;
	uint8_t first, last;
	uint64_t products; /* sum of each byte times the one before it */
	uint8_t tuple[STATISTICS_TUPLE];
	unsigned in_tuple;
	uint64_t points, inside; /* of these in the quarter of a circle */
};

/* Begin with {0}. */
void statistics_feed(struct statistics *s, const uint8_t *data, size_t len);

/* How often the value came. */
uint64_t statistics_count(const struct statistics *s, uint8_t value);

struct statistics_result {
	double entropy;     /* Shannon's, bits per byte */
	int compression;    /* percent by which it would become shorter */
	double chi_square;  /* of 256 equally frequent values */
	double exceeded;    /* percent of random samples that exceed that */
	double mean;        /* NAN of no byte */
	double pi, error;   /* and percent of Pi; NAN of less than a point */
	double correlation; /* of each byte and the next, the last one's next
			       being the first; NAN where all are equal */
};

/* Of a sample of at least one byte. */
void statistics_judge(
    const struct statistics *s, struct statistics_result *result);

/* P(X > chi_square), X having that distribution with so many degrees of
 * freedom, an odd number; Algorithm 299 of Hill and Pike (Communications of
 * the ACM 10, 1967), with terms below e^-20 left out, as ent does. */
double statistics_chi_tail(double chi_square, unsigned freedom);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_YEARS_TOLD_H
#define SQS_ENTROPY_TESTS_YEARS_TOLD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a producer's log tells of its troubles: each reason once, from the
 * beginning of a trouble to its end, and the end once.  Whatever else it says
 * fails the simulation.
 */
extern struct told {
	unsigned begun; /* troubles */
	uint64_t lines, bytes;
} told;

/* A process starts, and no trouble is told. */
void told_start(void);

/* "<LEVEL>text". */
void told_line(const char *line);

/* A trouble that is told and not over, other than health tests that failed less
 * than an hour ago; NULL: none. */
const char *told_trouble(void);

#endif

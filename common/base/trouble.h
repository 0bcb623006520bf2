/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_TROUBLE_H
#define SQS_ENTROPY_BASE_TROUBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Something that fails for a while, is tried again and again, and is to be
 * logged when it changes alone: once for each reason, and once when it is over.
 * Two reasons are the same if they differ in words with a digit only, such as
 * numbers and ids of requests.  Times are CLOCK_MONOTONIC ms.  All zero: there
 * is none.  Pure.
 */
#define TROUBLE_REASONS 8 /* told of one trouble; further ones are not */

struct trouble {
	bool on;
	int64_t since;
	size_t n;
	uint64_t told[TROUBLE_REASONS]; /* hashes of reasons */
};

/* It fails, for that reason.  True if this is to be told. */
bool trouble_is_new(struct trouble *t, const char *reason, int64_t now);

/* It works.  True if it did not before, which is to be told; *lasted, in ms, is
 * how long it did not. */
bool trouble_is_over(struct trouble *t, int64_t now, int64_t *lasted);

/* "45 s", "12 min", "3 h 12 min", "2 days 5 h"; rounded down.  Below 0 is 0. */
#define TROUBLE_TIME_MAX 48
void trouble_say_time(char out[static TROUBLE_TIME_MAX], int64_t ms);

#endif

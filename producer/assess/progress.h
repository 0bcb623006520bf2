/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ASSESS_PROGRESS_H
#define SQS_ENTROPY_PRODUCER_ASSESS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "producer/assess/sample.h"

/* A line on a terminal that tells how far a sample is and how long it will
 * take, written anew at most five times a second; nothing elsewhere. */
struct progress {
	FILE *to; /* NULL: nowhere */
	int64_t shown;
	bool any; /* there is a line to take away */
};

/* For a terminal only; asked before confine_calls(), which forbids it. */
struct progress progress_on(FILE *to);

void progress_show(struct progress *p, const struct sample *sample);

/* A text in the place of the line, until progress_end(). */
void progress_say(struct progress *p, const char *text);

/* Take the line away. */
void progress_end(struct progress *p);

/* Make "1,234,567" of a number, "81.2 kB/s" of a rate. */
#define PROGRESS_NUMBER_MAX 32
void progress_number(char out[static PROGRESS_NUMBER_MAX], uint64_t n);
void progress_rate(char out[static PROGRESS_NUMBER_MAX], double per_second);

#endif

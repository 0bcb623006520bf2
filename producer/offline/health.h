/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_HEALTH_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/offline/frequency.h"

/*
 * The continuous health tests of NIST SP 800-90B, section 4.4 (frequency.h),
 * with a start-up test over 1,024 samples that are not used (section 4.3).
 * Pure.  They detect a source that fails; they prove no entropy.
 */
#define HEALTH_STARTUP    1024 /* samples, discarded */
#define HEALTH_ALPHA_LOG2 30   /* false alarm probability 2^-30 a test */
#define HEALTH_FAILURES   3    /* in a row: the source is given up */

enum health_verdict {
	HEALTH_GOOD,
	HEALTH_REPETITION, /* one value too often in a row */
	HEALTH_PROPORTION  /* one value too often in a window */
};

/* State of one source, kept across messages. */
struct health {
	struct frequency frequency;
	unsigned startup;  /* samples that the start-up test still wants before
			      any may be used */
	unsigned failures; /* in a row, without a good message between */
	enum health_verdict verdict; /* of the last failure */
	uint8_t value;               /* the byte that failed */
};

void health_init(struct health *h, double bits_per_byte);

/*
 * Test len samples.  HEALTH_GOOD: all passed (those of the start-up test are
 * counted off; the caller feeds them apart and does not use them).  Otherwise
 * the whole block is to be discarded: the start-up test begins anew and the
 * failure is counted.
 */
enum health_verdict health_feed(
    struct health *h, const uint8_t *data, size_t len);

/* A whole message of this source has passed; a dead source stays dead. */
void health_passed(struct health *h);

/* HEALTH_FAILURES in a row: nothing of this source may be used any more. */
bool health_is_dead(const struct health *h);

/* What failed, for people, e.g. "repetition count test: byte 0x00 came 31
 * times in a row (cutoff 31)". */
void health_explain(const struct health *h, char *text, size_t size);

#endif

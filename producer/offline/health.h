/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_HEALTH_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/offline/copy.h"
#include "producer/offline/frequency.h"
#include "producer/offline/lag.h"
#include "producer/offline/step.h"

/*
 * The continuous health tests of one source, on samples of one byte: the two of
 * NIST SP 800-90B, section 4.4 (frequency.h), and, as that section allows,
 * three of our own for a source that repeats (lag.h, step.h, copy.h).  A
 * start-up test (section 4.3) has samples that are not used, so many that each
 * test can fail within them.  Pure.  They detect a source that fails; they
 * prove no entropy.
 *
 * The false alarm probability is 2^-30 each for the repetition count test (at a
 * sample) and the adaptive proportion test (in a window).  The other three have
 * the same together: the lags a half of it, steps and copies a quarter each.
 */
#define HEALTH_ALPHA_LOG2 30
#define HEALTH_LAG_LOG2   (HEALTH_ALPHA_LOG2 + 1)
#define HEALTH_STEP_LOG2  (HEALTH_ALPHA_LOG2 + 2)
#define HEALTH_COPY_LOG2  (HEALTH_ALPHA_LOG2 + 2)

/* Samples of the start-up test: what the longest lag looks back to, and two
 * windows; rounded up to whole blocks, or what copy.h needs where that is more.
 */
#define HEALTH_STARTUP    (LAG_MAX + 2 * PREDICTOR_WINDOW)
#define HEALTH_FAILURES   3 /* in a row: the source is given up */

enum health_verdict {
	HEALTH_GOOD,
	HEALTH_REPETITION, /* one value too often in a row */
	HEALTH_PROPORTION, /* one value too often in a window */
	HEALTH_LAG,        /* too much equals what came some bytes before */
	HEALTH_STEP,       /* it counts */
	HEALTH_COPY        /* a block equals the one before */
};

/* State of one source, kept across messages. */
struct health {
	struct frequency frequency;
	struct lag lag;
	struct step step;
	struct copy copy;
	size_t startup;    /* samples that the start-up test still wants */
	unsigned failures; /* in a row, without a good message between */
	enum health_verdict verdict; /* of the last failure */
	char why[160];               /* the same for people */
};

/* bits_per_byte: the min-entropy claimed, over 0 to 8; block: the bytes that a
 * message takes. */
void health_init(struct health *h, double bits_per_byte, size_t block);

/*
 * Test len samples.  HEALTH_GOOD: all passed (those of the start-up test are
 * counted off; the caller feeds them apart and does not use them).  Otherwise
 * the whole block is to be discarded: the start-up test begins anew and the
 * failure is counted.
 */
enum health_verdict health_feed(
    struct health *h, const uint8_t *data, size_t len);

/* What comes next has nothing to do with what came before: begin the start-up
 * test anew.  No failure is forgotten. */
void health_restart(struct health *h);

/* A whole message of this source has passed; a dead source stays dead. */
void health_passed(struct health *h);

/* HEALTH_FAILURES in a row: nothing of this source may be used any more. */
bool health_is_dead(const struct health *h);

/* What failed last, for people: "lag test: 42 bytes in a row equal ...". */
const char *health_explain(const struct health *h);

#endif

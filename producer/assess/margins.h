/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ASSESS_MARGINS_H
#define SQS_ENTROPY_PRODUCER_ASSESS_MARGINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "producer/offline/health.h"

/*
 * How near a sample came to an alarm of the continuous health tests
 * (producer/offline/health.h).  The tests are those of the running producer,
 * with its cutoffs.  The two of the standard go on after what would have been
 * an alarm, so that it is seen how far beyond its cutoff a source is; the lag
 * test and the step test end there.  Pure.
 */
enum margin_test {
	MARGIN_REPETITION, /* one value in a row */
	MARGIN_PROPORTION, /* one value in a window of 512 */
	MARGIN_LAG_RUN,    /* bytes in a row that equal earlier ones */
	MARGIN_LAG_HITS,   /* ... in a window */
	MARGIN_STEP_RUN,   /* words in a row that count on */
	MARGIN_STEP_HITS,  /* ... in a window */
	MARGIN_COPY_RUN,   /* blocks in a row that equal the one before */
	MARGIN_COPY_HITS,  /* ... in a window of 64 */
	MARGIN_TESTS
};

struct margin {
	unsigned most, cutoff; /* most >= cutoff: the test fails */
	unsigned width;        /* of the words of a step, bytes; else 0 */
};

struct margins {
	struct buf *space; /* of the tests: they remember the latest bytes */
	struct health *tests;
	size_t in_window; /* bytes of the latest one */
	struct predictor_cutoffs steps[STEP_WIDTH_MAX + 1]; /* real ones */
	unsigned hits[STEP_WIDTH_MAX + 1];                  /* most of a step */
	struct margin margin[MARGIN_TESTS];
};

/* With the min-entropy claimed and the bytes of a message, as health_init() has
 * them.  False: memory is short. */
bool margins_begin(struct margins *m, double bits_per_byte, size_t block)
    MUST_CHECK;

void margins_feed(struct margins *m, const uint8_t *data, size_t len);

/* What the test is called: "repetition count test". */
const char *margins_name(enum margin_test test);

/* True if a test fails; *first is the first one then. */
bool margins_fail(const struct margins *m, enum margin_test *first);

/* Wipes what the tests remember; the margins stay. */
void margins_end(struct margins *m);

#endif

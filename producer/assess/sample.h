/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ASSESS_SAMPLE_H
#define SQS_ENTROPY_PRODUCER_ASSESS_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "producer/offline/source.h"

/* Reading a sample of a source, which may be short: whatever ends it, what was
 * read until then counts. */
#define SAMPLE_SILENCE_MS SOURCE_SILENCE_MS /* without a byte: given up */
#define SAMPLE_TOTAL_MS   3600000           /* an hour */

enum sample_end {
	SAMPLE_WHOLE,   /* as many bytes as wanted, or the end of a file */
	SAMPLE_SHORT,   /* the source ended before */
	SAMPLE_STOPPED, /* told to stop */
	SAMPLE_SILENT,  /* no byte for SAMPLE_SILENCE_MS */
	SAMPLE_LATE,    /* not all of it in SAMPLE_TOTAL_MS */
	SAMPLE_BROKEN   /* reading failed, or take() did */
};

struct sample {
	struct source *source; /* open */
	uint64_t wanted;       /* bytes; 0: to the end of a regular file */
	/* Its sleep() ends by ERR_CANCELED when this is told to stop. */
	const struct clock *clock;
	/* Each piece as it comes.  0 or an error, which ends the sample. */
	int (*take)(
	    void *ctx, const uint8_t *data, size_t len, struct err *err);
	/* After each piece, and while there is none. */
	void (*progress)(void *ctx, const struct sample *sample);
	void *ctx;

	uint64_t bytes; /* read so far */
	int64_t begun;  /* clock_mono() */
	int64_t ms;     /* from then to the last byte */
	enum sample_end end;
};

/* Read, from the first four members on.  Only SAMPLE_BROKEN returns an error:
 * ERR_IO or that of take(). */
int sample_read(struct sample *sample, struct err *err) MUST_CHECK;

/* Why it ended, for people: "it gave no byte for 30 s". */
const char *sample_explain(enum sample_end end);

#endif

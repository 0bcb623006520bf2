/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ASSESS_REPORT_H
#define SQS_ENTROPY_PRODUCER_ASSESS_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "producer/assess/estimates.h"
#include "producer/assess/margins.h"
#include "producer/assess/nist.h"
#include "producer/assess/sample.h"
#include "producer/assess/statistics.h"

/* All that --assess has found, as text and as JSON. */
struct report {
	const char *path, *what; /* of the source; what: "" or a description */
	double bits_per_byte;    /* bits-per-byte that the tests ran with */
	long block;              /* message-bytes, the same */
	const char *dump, *restarts; /* files that were written, or NULL */
	bool histogram;
	struct sample sample;
	struct statistics statistics;
	struct statistics_result result;
	struct margins margins;
	struct estimates estimates;
	struct nist nist;
	double recommended; /* bits-per-byte; 0: none */
};

/* Judge what was counted: fills result, estimates and recommended.  At least
 * one byte was read, and nist is known or not. */
void report_judge(struct report *r);

/* True if a health test failed with what is claimed. */
bool report_has_failed(const struct report *r);

/* Why there is no recommendation, or what it rests on; a line each, NULL after
 * the last one. */
#define REPORT_NOTES 6
void report_notes(
    const struct report *r, const char *notes[static REPORT_NOTES + 1]);

void report_print(const struct report *r, FILE *to);

/* ERR_NOMEM, ERR_LIMIT, ERR_FORMAT: the path is not UTF-8. */
int report_print_json(const struct report *r, FILE *to) MUST_CHECK;

/* How often each value came, in 16 lines of 16 values. */
void report_print_histogram(const struct statistics *s, FILE *to);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_JSON_METRICS_H
#define SQS_ENTROPY_JSON_METRICS_H

#include <stdint.h>
#include <stdio.h>

/*
 * Metrics as OpenMetrics 1.0 and the text format of Prometheus 0.0.4 have them,
 * which the textfile collector of node_exporter reads.  All are gauges, counts
 * included: the name of a counter differs between the two.
 */

/* Begin a metric: its help, one line without a backslash, and its type. */
void metrics_begin(FILE *to, const char *name, const char *help);

/* One value of it: a whole number, or milliseconds as seconds.  label and value
 * may be NULL: it has no label.  value may be any text; what is not printable
 * becomes '?'. */
void metrics_put(FILE *to, const char *name, const char *label,
    const char *value, int64_t n);
void metrics_put_ms(FILE *to, const char *name, const char *label,
    const char *value, int64_t ms);

/* Both for a metric that has one value. */
void metrics_one(FILE *to, const char *name, const char *help, int64_t n);
void metrics_one_ms(FILE *to, const char *name, const char *help, int64_t ms);

/* The end of all. */
void metrics_end(FILE *to);

#endif

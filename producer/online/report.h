/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ONLINE_REPORT_H
#define SQS_ENTROPY_PRODUCER_ONLINE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/trouble.h"

/*
 * What the log says of one queue: each change of its state once, and how long a
 * trouble lasted.  What only goes on, or goes well again and again, is told
 * with -v.  Times are CLOCK_MONOTONIC ms.
 */
struct report {
	const char *queue; /* as it is configured; borrowed */
	bool several;      /* failures say which queue */
	bool reached;      /* at least once */
	bool sending;      /* the trouble is with sending, not with looking */
	struct trouble failing, stuck, refused;
	struct err last; /* of failing: why, as it was last */
};

/* A try failed, at sending or before. */
void report_failure(
    struct report *r, const struct err *err, bool sending, int64_t now);

/* A look showed so many messages.  That ends no trouble with sending. */
void report_look(struct report *r, int64_t visible, int64_t now);

/* What was to be sent was. */
void report_send(struct report *r, int64_t now);

/* So many messages are in flight that nothing is sent; 0: they are not. */
void report_in_flight(struct report *r, int64_t in_flight, int64_t now);

/* SQS took a send and refused some of its messages; NULL: it took all. */
void report_refused(struct report *r, const char *why, int64_t now);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_IMDS_FETCH_H
#define SQS_ENTROPY_AWS_IMDS_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "http/transfer.h"

/* One request to IMDS, tried again where that helps; for imds.c. */
struct imds_peer {
	struct http *http;
	const struct clock *clock;
	const char *host; /* for messages */
	bool wait_for_route;
	bool answered; /* it gave a token once */
};

/* 0: *t has been answered, with a status below 500, and is the caller's to
 * free.  Otherwise as in imds.h. */
int imds_fetch(struct imds_peer *p, const char *method, const char *url,
    const char *const *headers, int64_t deadline, struct http_transfer **t,
    struct err *err) MUST_CHECK;

#endif

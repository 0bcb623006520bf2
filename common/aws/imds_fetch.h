/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_IMDS_FETCH_H
#define SQS_ENTROPY_AWS_IMDS_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/imds.h"
#include "aws/imds_settings.h"
#include "base/clock.h"
#include "base/err.h"
#include "http/transfer.h"

/* Asking IMDS, and asking it again; for imds.c. */

struct imds_peer {
	struct http *http;
	const struct clock *clock;
	struct imds_settings settings;
	const char *host; /* in the settings' endpoint, for messages */
	bool wait_for_route;
	enum imds_machine machine;
	bool answered; /* it gave a token once */
};

/*
 * How long one question is asked again.  Until the deadline where IMDS has
 * answered before, is configured, or should be there because this is an EC2
 * instance; for three seconds where that is not known; and not at all on
 * another machine.  AWS_METADATA_SERVICE_NUM_ATTEMPTS replaces these.
 */
struct imds_patience {
	int64_t deadline;
	int64_t began;     /* since there is a route */
	int64_t absent_by; /* when what is not there is believed; 0: not yet */
	int failures;
	bool renewed; /* the token was, at once */
	bool over;    /* the last failure is no passing one */
	struct err before;
};

struct imds_patience imds_patience_begin(
    const struct imds_peer *p, int64_t deadline);

/* The time at which silence is borne no longer, CLOCK_MONOTONIC ms. */
int64_t imds_patience_end(
    const struct imds_peer *p, const struct imds_patience *s);

/*
 * Send one request.  One that is not answered within a second is sent again,
 * and again after ever longer times, while the earlier ones stay open: a slow
 * IMDS answers the first, one that lost it another.  0: *t has been answered,
 * whatever its status, and is the caller's to free.  ERR_TIMEOUT,
 * ERR_UNREACHABLE, ERR_CONNECT, ERR_NET, each with what to do; ERR_LIMIT,
 * ERR_CONFIG, ERR_CANCELED, ERR_NOMEM.
 */
int imds_fetch(const struct imds_peer *p, struct imds_patience *s,
    const char *method, const char *url, const char *const *headers,
    struct http_transfer **t, struct err *err) MUST_CHECK;

/*
 * Judge the attempt to get an answer that ended with *rc.  True, after a pause:
 * try again.  Otherwise *rc and err are the end of it: ERR_ABSENT when nobody
 * answers on a machine that is no EC2 instance.
 */
bool imds_again(const struct imds_peer *p, struct imds_patience *s, int *rc,
    struct err *err) MUST_CHECK;

#endif

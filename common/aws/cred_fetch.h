/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CRED_FETCH_H
#define SQS_ENTROPY_AWS_CRED_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "http/transfer.h"

/*
 * One request to a service that gives credentials, which does no harm when it
 * is done twice.  It is tried again as the SDKs do, with growing pauses, until
 * the deadline, CRED_FETCH_TRIES times at most: a young machine's first answers
 * are not the last word.
 * Each try may be silent for twice as long as the one before, at first for
 * CRED_FETCH_SILENCE_MS.
 */
#define CRED_FETCH_SILENCE_MS 2000
#define CRED_FETCH_TRIES      8

struct cred_peer {
	struct http *http;
	const struct clock *clock;
	bool wait_for_route; /* ERR_UNREACHABLE does not count as a try */
	/* Whether an answer, none of 429 or of 500 and above, is one that
	 * passes; NULL: it is not. */
	bool (*passes)(const struct http_transfer *t);
};

/*
 * 0: *t is answered, with whatever status, and the caller's to free.  Otherwise
 * *t is NULL and the errors are those of http_do().  req's deadline binds all
 * of it; its own limits of time are not used.
 */
int cred_fetch(const struct cred_peer *p, const struct http_request *req,
    struct http_transfer **t, struct err *err) MUST_CHECK;

/* Write an answer that refuses into err and return rc: who refuses, the status,
 * the advice, and what the body says in one line: "CODE: MESSAGE" of a JSON
 * document, else its bytes; CRED_FETCH_REASON_MAX of it with the NUL, without
 * the middle of more. */
#define CRED_FETCH_REASON_MAX 1024
int cred_fetch_refused(const struct http_transfer *t, int rc, const char *who,
    const char *advice, struct err *err);

#endif

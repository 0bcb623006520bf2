/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_CLIENT_H
#define SQS_ENTROPY_SQS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/cred.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "http/client.h"

/*
 * Amazon SQS by its AWS JSON 1.0 protocol (SQS Developer Guide, "Making API
 * requests using the AWS JSON protocol"; SQS API Reference).  Errors are
 * tried again as the SDKs' "standard" retry mode of 2026 does, within the
 * deadline, but without its quota: the calls are few.  A send is repeated only
 * when it certainly was not done.  Here: the client;
 * queue.h and messages.h have the operations.
 */
#define SQS_ATTEMPTS         3
#define SQS_ANSWER_MAX       ((1 << 20) + (64 << 10)) /* bytes: 1 MiB + 64 KiB */
/* That of ReceiveMessage: ten messages of 1 MiB, each byte of which may come as
 * an escape of six. */
#define SQS_MESSAGES_MAX     (64 << 20)

#define SQS_BRIEF_CONNECT_MS 2000
#define SQS_BRIEF_SILENCE_MS 5000

struct sqs;

/*
 * Whose operations a client asks for: those of SQS, or of another service that
 * speaks the same protocol (AWS JSON 1.1 differs from 1.0 by its content type
 * alone).
 */
struct sqs_service {
	const char *id;           /* in hosts and the credential scope: "sqs" */
	const char *name;         /* for people: "SQS" */
	const char *target;       /* X-Amz-Target, before the operation */
	const char *content_type; /* of requests */
	bool query_mode; /* errors have the codes of an older protocol, too */
};

struct sqs_config {
	const struct sqs_service *service; /* NULL: SQS */
	const char *endpoint;    /* "https://sqs.eu-west-1.amazonaws.com" */
	const char *region;      /* for the credential scope */
	const char *region_from; /* who says so, for messages; NULL: unknown */
	/* At boot: without a route, or throttled, as a call or an entry of it,
	 * try until the deadline. */
	bool patient;
	/* Others wait for this one: a failure is not tried again, a connection
	 * takes SQS_BRIEF_CONNECT_MS at most, and SQS_BRIEF_SILENCE_MS of
	 * silence end a request. */
	bool brief;
	/* CLOCK_MONOTONIC ms until which credentials may be waited for, where
	 * that is later than a call's deadline: what one call waits for serves
	 * the others of all queues. */
	int64_t sign_by;
	/* Told of each attempt: what, what came of it, how long it took.  NULL:
	 * nobody wants to know. */
	cred_told *called;
};

/* Copies cfg, borrows the rest.  ERR_NOMEM, ERR_CONFIG. */
int sqs_new(struct http *http, struct cred_chain *chain,
    const struct clock *clock, const struct sqs_config *cfg, struct sqs **out,
    struct err *err) MUST_CHECK;
void sqs_free(struct sqs *s);

/*
 * err is not NULL.  Every call on a queue fails with one of: ERR_NOCRED,
 * ERR_DENIED, ERR_NOQUEUE, ERR_CONFIG (the queue's key cannot be used, or the
 * endpoint is in another region than was signed for), ERR_THROTTLED,
 * ERR_SERVICE, ERR_UNREACHABLE, ERR_CONNECT, ERR_NET, ERR_TIMEOUT,
 * ERR_CANCELED, ERR_LIMIT, ERR_FORMAT, ERR_NOMEM, or what a broken source of
 * credentials says; err names the operation, the service's code and text, and
 * what to do.  A clock that is off by more than the service allows is corrected
 * by its Date and the request signed anew, once; the correction stands until
 * the service refuses that one too.
 */

/* How many ms this machine's clock is behind the service's (below 0: ahead),
 * by the Date of the last answer: exact to a second and the time that the
 * answer was on its way.  0 before any answer. */
int64_t sqs_clock_behind(const struct sqs *s);

#endif

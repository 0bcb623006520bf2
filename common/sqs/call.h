/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_CALL_H
#define SQS_ENTROPY_SQS_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/sigv4.h"
#include "base/buf.h"
#include "base/err.h"
#include "sqs/client.h"
#include "sqs/error.h"
#include "json/parse.h"
#include "json/writer.h"

#define SQS_FROM_MAX 192 /* bytes of who set something, with the NUL */

/* Inside sqs/ only: one operation, signed, tried again, errors explained. */
struct sqs {
	const struct sqs_service *service;
	struct http *http;
	struct cred_chain *chain;
	const struct clock *clock;
	struct sigv4 *sigv4;
	char url[LIMIT_URL];  /* endpoint with the final slash */
	char host[LIMIT_URL]; /* as sent in Host */
	char region[LIMIT_REGION];
	char region_from[SQS_FROM_MAX]; /* "": unknown */
	bool patient, brief;
	int64_t sign_by;     /* see client.h */
	cred_told *called;   /* the same */
	const char *source;  /* of the last credentials, for messages */
	int64_t skew;        /* ms from our clock to the service's, as signed */
	int64_t behind;      /* the same, as the last answer told it */
	int64_t retry_after; /* ms, by the last answer; 0: any */
	bool unsure;         /* the last call failed, and may have been done */
	struct sqs_error last; /* of the last call; status 0: none came */
};

struct sqs_op {
	const char *name;       /* "SendMessageBatch" */
	const char *permission; /* "sqs:SendMessage" */
	const char *resource;   /* it is asked for on, where no answer tells
				   it; NULL: the queue */
	bool once;              /* not idempotent: again only when certainly
				   nothing was done */
	bool dated; /* never again after a correction of our clock */
	bool waits; /* at the service, for as long as there was time when the
		       request was made: a failure is not tried again */
	/* Elements of the answer that are taken one by one, NULL for none;
	 * begin() is called with its ctx before each attempt. */
	const struct json_each *each;
	void (*begin)(void *ctx);
};

/* Do op with the finished request, which is freed.  queue is its URL or name,
 * or what else the service is asked about, for messages.  *answer is an object
 * and the caller's to free, NULL on failure. Errors as in client.h. */
int sqs_call(struct sqs *s, const struct sqs_op *op, const char *queue,
    struct json_writer *request, int64_t deadline, struct json **answer,
    struct err *err) MUST_CHECK;

/* True if another attempt may come after that many, the last of which failed
 * with rc.  Of a patient client the deadline alone ends throttled ones. */
bool sqs_may_try_again(const struct sqs *s, int attempts, int rc);

/*
 * Sleep before the next attempt after that many, the last of which failed with
 * rc, as the SDKs' standard retry mode of 2026 does: by chance up to 50 ms, or
 * 1 s when it was throttled, doubled by each attempt, 20 s at most; longer by
 * up to 5 s when the answer asked for it (x-amz-retry-after).  ERR_TIMEOUT, at
 * once, when the sleep would pass the deadline; ERR_CANCELED.
 */
int sqs_backoff(const struct sqs *s, int attempts, int rc, int64_t deadline)
    MUST_CHECK;

#endif

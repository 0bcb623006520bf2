/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_BATCH_H
#define SQS_ENTROPY_SQS_BATCH_H

#include "base/err.h"
#include "sqs/call.h"

/*
 * Inside sqs/ only: a batch operation, whose answer lists each entry as
 * Successful or Failed.  Entries that failed by the service's own fault go
 * into another call, as sqs_may_try_again() says; of an op that is to be done
 * once only those that were refused by name (error.h).
 */
struct sqs_batch {
	const struct sqs_op *op;
	bool pending[LIMIT_BATCH]; /* to do; none are left afterwards */
	size_t unsure;             /* of them not confirmed, and maybe done */
	/* Add entry k's members but Id to the open object.  0 or a code. */
	int (*put)(void *ctx, struct json_writer *w, size_t k);
	/* The service confirmed k.  0, or a code that goes into err with the
	 * text it has written. */
	int (*confirm)(
	    void *ctx, size_t k, const struct json *entry, struct err *err);
	void *ctx;
};

/* 0 when a call was answered, err->code telling the last failure of an entry;
 * otherwise as sqs_call(). */
int sqs_batch_run(struct sqs *s, struct sqs_batch *b, const char *queue_url,
    int64_t deadline, struct err *err) MUST_CHECK;

#endif

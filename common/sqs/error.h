/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_ERROR_H
#define SQS_ENTROPY_SQS_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * An error answer of SQS, or of what stands before it, read from HTTP status,
 * the header x-amzn-query-error or x-amzn-errortype, and the body: JSON (AWS
 * JSON 1.0 protocol, "Operation error serialization": "__type" or "code",
 * "message" or "Message"), XML or anything else.  Pure.
 */
#define SQS_ERROR_CODE_MAX 96
/* A refusal names who, what, the resource and the policy by ARNs: some 600
 * bytes when all of them are long. */
#define SQS_ERROR_TEXT_MAX 1024

/* What to do about it besides failing.  Nothing was done where the answer is a
 * refusal (below), and only then may a send be repeated. */
enum sqs_remedy {
	SQS_REMEDY_NONE,
	SQS_REMEDY_RETRY,        /* a refusal: wait, then again */
	SQS_REMEDY_RETRY_UNSURE, /* the same, but it may have been done */
	SQS_REMEDY_CLOCK,        /* a refusal: sign with the service's time */
	SQS_REMEDY_CREDENTIALS   /* a refusal: get new credentials */
};

struct sqs_error {
	int status;
	int code; /* of err.h */
	enum sqs_remedy remedy;
	bool refused; /* certainly not done: it says so by a name we know */
	/* Without name space, but with the "KMS." of what KMS says to SQS,
	 * whose codes are else those of others; "": none. */
	char name[SQS_ERROR_CODE_MAX];
	char text[SQS_ERROR_TEXT_MAX]; /* shortened (text.h); "": none */
};

/* header is that of the two that holds a code, which is taken rather than the
 * body's; NULL: none does.  The body is JSON and was parsed. */
struct json;
void sqs_error_json(struct sqs_error *e, int status, const char *header,
    const struct json *body);

/* The same for any body. */
void sqs_error_read(struct sqs_error *e, int status, const char *header,
    const void *body, size_t len);

/* What the service says that the signature's scope should have been, such as "a
 * valid region." or "correct service: 'sqs'."; NULL when it does not. */
const char *sqs_error_scope(const struct sqs_error *e);

/* The same for an entry that a batch lists under "Failed".  One that failed by
 * the sender's fault is refused whatever its name, and not to be repeated. */
void sqs_error_entry(
    struct sqs_error *e, const char *name, const char *text, bool sender_fault);

#endif

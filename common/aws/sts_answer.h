/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_STS_ANSWER_H
#define SQS_ENTROPY_AWS_STS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/cred.h"
#include "base/buf.h"
#include "base/err.h"

/* What STS answers; for sts.c.  Pure. */

#define STS_CODE_MAX 64
#define STS_TEXT_MAX 1024

/* Who asked for what, for messages. */
struct sts_asked {
	const char *action; /* "AssumeRole" */
	const char *role;   /* its ARN */
	const char *region;
	const char *by; /* the source of what signs, or the token's file */
	bool signs;
};

/* A refusal. */
struct sts_error {
	int status;
	char code[STS_CODE_MAX]; /* "": none */
	char text[STS_TEXT_MAX]; /* without the middle of more; "": none */
};

/* Take the credentials of a 200 answer.  ERR_FORMAT, ERR_LIMIT, ERR_NOMEM. */
int sts_answer_credentials(const struct sts_asked *asked,
    const struct buf *body, struct cred *out, struct err *err) MUST_CHECK;

/* The same for the Arn of GetCallerIdentity. */
int sts_answer_identity(const struct sts_asked *asked, const struct buf *body,
    char *arn, size_t size, struct err *err) MUST_CHECK;

/* Read any other answer. */
void sts_answer_error(
    struct sts_error *e, int status, const char *body, size_t len);

/* Whether it passes by itself: throttling, a provider that STS did not reach.
 * (Statuses of 500 and above do so, too.) */
bool sts_error_passes(const struct sts_error *e);

/* Whether it is our clock that is refused. */
bool sts_error_is_of_clock(const struct sts_error *e);

/* Set err to it and what to do about it, and return its code. */
int sts_error_explain(const struct sts_asked *asked, const struct sts_error *e,
    struct err *err) MUST_CHECK;

#endif

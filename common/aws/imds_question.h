/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_IMDS_QUESTION_H
#define SQS_ENTROPY_AWS_IMDS_QUESTION_H

#include "aws/imds.h"
#include "aws/imds_fetch.h"
#include "base/buf.h"

/* One attempt to get an answer, with the token that it takes; for imds.c. */

#define IMDS_URL_MAX   1024
#define IMDS_TOKEN_MAX 1024

struct imds {
	struct imds_config cfg;
	struct imds_peer peer;
	struct buf *token;        /* empty: none yet */
	bool token_served;        /* a request with it was not refused */
	bool id_wanted;           /* by imds_want_id() */
	struct http_transfer *id; /* asked for it; NULL: not yet, or no more */
};

struct imds_question {
	const char *path;   /* below /latest/ */
	const char *absent; /* the error's text for 404; NULL: a general one */
	int missing;        /* and its code */
	struct imds_patience patience;
	int status; /* of the last answer, 0: there was none */
};

/* Get a token where there is none, and the answer.  0: *t has status 200 and is
 * the caller's to free.  Otherwise as in imds.h, for imds_again(). */
int imds_question_ask(struct imds *i, struct imds_question *q,
    struct http_transfer **t, struct err *err) MUST_CHECK;

/* Begin to ask, with the token that there is; *out is the caller's to wait for
 * and to free. */
int imds_question_begin(struct imds *i, const char *path, int64_t deadline,
    struct http_transfer **out, struct err *err) MUST_CHECK;

/* True if it is one character or more, each of them visible ASCII. */
bool imds_is_word(const char *s, size_t len);

#endif

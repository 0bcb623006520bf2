/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CRED_DOCUMENT_H
#define SQS_ENTROPY_AWS_CRED_DOCUMENT_H

#include <stdbool.h>

#include "aws/cred.h"
#include "base/err.h"
#include "json/parse.h"

/*
 * The JSON documents in which sources hand credentials over.  They differ in
 * the names of their members, and in what they may leave out.
 */
struct cred_document {
	const char *access_key, *secret_key, *token, *expiration;
	/* Token and expiration may be left out, or be null or "".  Without an
	 * expiration the credentials never expire. */
	bool may_last;
};

/*
 * Fill *out (from cred_new) from the document, or from the member of it that
 * holds the credentials.  from begins the error's text, which names the member
 * that is wrong and never shows its value.  ERR_FORMAT: one is missing, of
 * another type, malformed or too long; ERR_NOMEM.  Pure.
 */
int cred_document_take(const struct json *object,
    const struct cred_document *form, const char *from, struct cred *out,
    struct err *err) MUST_CHECK;

#endif

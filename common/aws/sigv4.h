/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_SIGV4_H
#define SQS_ENTROPY_AWS_SIGV4_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/date.h"
#include "base/err.h"

/*
 * AWS Signature Version 4 in the Authorization header.  Source: IAM User
 * Guide, "Create a signed AWS API request"; where that is silent, what
 * botocore's SigV4Auth does.  A request goes to "/" and has no query, as all of
 * the JSON protocol do.  Pure but for the cache of the signing key.
 */
struct sigv4_credentials {
	const char *access_key;
	const char *secret_key;
	const char *token; /* session token, NULL or "" for none */
};

struct sigv4_header {
	const char *name; /* any case */
	const char *value;
};

struct sigv4_request {
	const char *method; /* in capitals */
	const char *host;   /* as sent in Host, with any port that is sent */
	/* To sign beside Host, X-Amz-Date and X-Amz-Security-Token, in any
	 * order; no name twice. */
	const struct sigv4_header *headers;
	size_t headers_n;
	const void *body;
	size_t body_len;
};

#define SIGV4_HEADERS_MAX 48
#define SIGV4_SECRET_MAX  512   /* bytes of secret key */
#define SIGV4_TEXT_MAX    65536 /* bytes of canonical request, without body */

/* Signs, and keeps the derived key of the last day, region and service. */
struct sigv4;

/* NULL when memory is short. */
struct sigv4 *sigv4_new(void);
void sigv4_free(struct sigv4 *s);

/* What a signed request carries beside its own headers. */
struct sigv4_result {
	char amz_date[DATE_AMZ_MAX]; /* X-Amz-Date */
	struct buf *authorization;   /* Authorization, made by sigv4_sign() */
};

/*
 * Sign for the moment wall (epoch ms).  *out is filled on success and then
 * the caller frees out->authorization; X-Amz-Security-Token is
 * credentials->token as it stands.  ERR_LIMIT: beyond a ceiling above;
 * ERR_NOMEM; ERR_INTERNAL.
 */
int sigv4_sign(struct sigv4 *s, const struct sigv4_credentials *credentials,
    const struct sigv4_request *req, const char *region, const char *service,
    int64_t wall, struct sigv4_result *out) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_STS_H
#define SQS_ENTROPY_AWS_STS_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/cred.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "http/client.h"

/*
 * The AWS Security Token Service by its Query protocol (STS API Reference,
 * version 2011-06-15): credentials of a role for credentials, or for the token
 * of another identity provider.
 */
#define STS_ANSWER_MAX 65536 /* bytes of any answer */
#define STS_TOKEN_MAX  20000 /* bytes of a web identity token */

/* All pointers are borrowed. */
struct sts {
	struct http *http;
	const struct clock *clock;
	struct sigv4 *sigv4;  /* of sts_assume_role() alone */
	const char *endpoint; /* "https://sts.eu-west-1.amazonaws.com" */
	const char *region;   /* to sign for */
	bool wait_for_route;  /* at boot: no network yet is not an error */
	int64_t skew;         /* ms that the service's clock was ahead when it
				 refused ours; at first 0 */
};

struct sts_role {
	const char *arn;
	const char *session_name; /* NULL or "": one that tells the time */
	const char *external_id;  /* NULL or "": none */
	int duration;             /* seconds; 0: what STS has as its default */
};

/*
 * Where STS is and which region its requests are signed for, when nobody names
 * an endpoint: the region's own, or with legacy, as sts_regional_endpoints and
 * AWS_STS_REGIONAL_ENDPOINTS have it, the global one in the regions that are
 * older than that choice (AWS SDKs and Tools Reference Guide, "AWS STS
 * regional endpoints").  scope is region, or static.  ERR_LIMIT.
 */
int sts_default_endpoint(const char *region, bool legacy,
    char endpoint[static LIMIT_URL], const char **scope) MUST_CHECK;

/*
 * Fill out, from cred_new(), by deadline.  Tried again as cred_fetch.h says,
 * and, once, with the service's time where it refuses ours.  The errors say
 * what to do: ERR_CONFIG (an endpoint or a role that cannot be, a token file
 * that cannot be read), ERR_DENIED, ERR_THROTTLED, ERR_SERVICE, ERR_FORMAT,
 * ERR_LIMIT, ERR_NOMEM, and what http_do() has.
 */
int sts_assume_role(struct sts *s, const struct cred *by,
    const struct sts_role *role, int64_t deadline, struct cred *out,
    struct err *err) MUST_CHECK;

/* The same for the token that stands in a file as one line, which is read anew
 * each time because whoever writes it renews it; nothing is signed, and
 * external_id is not sent. */
int sts_assume_role_with_web_identity(struct sts *s, const char *token_file,
    const struct sts_role *role, int64_t deadline, struct cred *out,
    struct err *err) MUST_CHECK;

/* Whose the credentials are, "arn:aws:sts::111122223333:assumed-role/ROLE/i-1":
 * GetCallerIdentity, which no policy can deny.  The same errors. */
#define STS_IDENTITY_MAX 512 /* bytes, with the NUL */
int sts_identity(struct sts *s, const struct cred *by, int64_t deadline,
    char arn[static STS_IDENTITY_MAX], struct err *err) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_URL_H
#define SQS_ENTROPY_BASE_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/limits.h"

/* Judging the URLs (RFC 3986) of endpoints and queues.  Pure. */

/* Characters of "http://" or "https://", in any case, before the host; 0 when
 * text begins with neither. */
size_t url_scheme_len(const char *text);

/* True if a queue given as text is meant to be a URL, good or bad: a name has
 * neither '/' nor ':'.  For what is no ARN (arn.h). */
bool url_is_meant(const char *text);

/* The parts of a URL as they are sent and signed: scheme and host in lower
 * case, no default port. */
struct url {
	char origin[LIMIT_URL]; /* "https://HOST[:PORT]" */
	const char *host;       /* in origin: "HOST[:PORT]" */
	const char *path;       /* in the text: "", "/", "/ACCOUNT/QUEUE" */
};

/* ERR_FORMAT: not http(s), no host, user information, a query, a fragment, or
 * a character that a host or path may not have as it stands; ERR_LIMIT:
 * LIMIT_URL or more.  out points into itself and text: do not copy it. */
int url_split(const char *text, struct url *out) MUST_CHECK;

/* True if the path of a URL that was split is "/ACCOUNT/QUEUE", whatever a
 * proxy puts before it. */
bool url_has_queue(const struct url *url);

#endif

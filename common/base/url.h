/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_URL_H
#define SQS_ENTROPY_BASE_URL_H

#include "base/limits.h"

/*
 * The parts of an endpoint or a queue URL (RFC 3986), as they are sent and
 * signed: scheme and host in lower case, no default port.  Pure.
 */
struct sqs_url {
	char origin[LIMIT_URL]; /* "https://HOST[:PORT]" */
	const char *host;       /* in origin: "HOST[:PORT]" */
	const char *path;       /* in the text: "", "/", "/ACCOUNT/QUEUE" */
};

/* ERR_FORMAT: not http(s), no host, user information, a query, a fragment, or
 * a character that a host or path may not have as it stands; ERR_LIMIT:
 * LIMIT_URL or more.  out points into itself and text: do not copy it. */
int sqs_url_split(const char *text, struct sqs_url *out)
    __attribute__((warn_unused_result));

/* The path of a queue's URL ("https://HOST/ACCOUNT/QUEUE" to
 * "/ACCOUNT/QUEUE"), without query, fragment or final slash.  ERR_FORMAT,
 * for empty, "." and ".." segments too; ERR_LIMIT. */
int url_queue_path(const char *url, char path[static LIMIT_PATH + 1])
    __attribute__((warn_unused_result));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_HTTP_HTTP_H
#define SQS_ENTROPY_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * HTTP/1.1 (RFC 9112) over connections that live as long as the client and
 * are reused; the one user of libcurl.  Several transfers may be under way at
 * once.  No redirects, no other protocols, no cookies, no .netrc; TLS 1.2 or
 * later, always verified.  Plain http only to loopback and link-local
 * metadata addresses, checked again on the address that was resolved.  The
 * program ignores SIGPIPE: OpenSSL writes to closed connections.
 */
enum http_kind {
	HTTP_SERVICE, /* the proxy variables are honoured */
	HTTP_METADATA /* never through a proxy */
};

struct http_config {
	const char *ca_bundle; /* PEM file, NULL or "": the system's */
	const char *agent;     /* User-Agent, kept by reference */
	int cancel_fd;         /* readable: stop; -1 for none */
};

struct http_request {
	enum http_kind kind;
	const char *method;
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated */
	const void *body;           /* kept by reference until the end */
	size_t body_len;
	size_t answer_max; /* ceiling of the answer's body, bytes */
	int64_t deadline;  /* CLOCK_MONOTONIC ms, for the whole transfer */
	int connect_ms;    /* ceiling of name, TCP and TLS; 0: deadline */
	int silence_ms;    /* ceiling of any time without a header line or
			      a byte of body; 0: deadline */
};

#define HTTP_HEADERS_MAX 16384 /* bytes of headers in one answer */

struct http;          /* a client: owns connections */
struct http_transfer; /* one request under way or ended */

/* ERR_NOMEM, ERR_CONFIG (a CA bundle that cannot be read), ERR_INTERNAL. */
int http_new(const struct http_config *cfg, struct http **out, struct err *err)
    __attribute__((warn_unused_result));

/* All transfers are to be freed before.  Does not wait for a name look-up
 * that still runs. */
void http_free(struct http *h);

/* The bundle in use, NULL for the library's own. */
const char *http_ca_bundle(const struct http *h);

/* Whether http_start() would take the URL; asks nobody.  ERR_CONFIG,
 * ERR_NOMEM. */
int http_check_url(const char *url, struct err *err)
    __attribute__((warn_unused_result));

/* Begin a transfer; it advances inside any http_wait().  *out is the
 * caller's to free.  ERR_CONFIG for a URL that is malformed, holds a user
 * name or may not be used in the clear; ERR_FORMAT for a header with a line
 * break; ERR_NOMEM, ERR_INTERNAL. */
int http_start(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *err)
    __attribute__((warn_unused_result));

/*
 * Drive all transfers until t has ended.  0: a whole answer came, whatever
 * its status.  ERR_UNREACHABLE: no route, no such name; ERR_CONNECT: refused,
 * or TLS refused; ERR_TIMEOUT; ERR_NET: broken after the request may have
 * been sent; ERR_LIMIT: body or headers over their ceiling; ERR_CANCELED.
 * http_was_sent() tells whether the server may have seen the request.
 */
int http_wait(struct http *h, struct http_transfer *t, struct err *err)
    __attribute__((warn_unused_result));

/* Both steps for a caller that has nothing beside it.  *out is NULL when it
 * did not begin, and otherwise the caller's to free, also on failure. */
int http_do(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *err)
    __attribute__((warn_unused_result));

/* Of an ended transfer.  Results live as long as it. */
int http_status(const struct http_transfer *t);
const struct buf *http_body(const struct http_transfer *t);
const char *http_header(const struct http_transfer *t, const char *name);
bool http_was_sent(const struct http_transfer *t);

/* When no transfer is left: let all connections go, with what libcurl keeps of
 * the bytes that went over them. */
void http_rest(struct http *h);

/* Ends it first when it is under way; NULL is allowed; wipes. */
void http_transfer_free(struct http_transfer *t);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_HTTP_TRANSFER_H
#define SQS_ENTROPY_HTTP_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "http/client.h"

/* Requests and their answers, by the rules of client.h. */

#define HTTP_KEPT_MAX (256 << 10) /* bytes, see struct http_request */

enum http_kind {
	HTTP_SERVICE,  /* the proxy variables are honoured */
	HTTP_METADATA, /* never through a proxy */
	HTTP_CONTAINER /* the same, and never to IMDS */
};

/* Who a client is in TLS (RFC 8446, 4.4.2): the certificate with those that it
 * was issued by, and its private key without a pass phrase, in PEM. */
struct http_identity {
	const struct buf *certificate, *key;
};

struct http_request {
	enum http_kind kind;
	/* NULL, or for this request alone: its connection is not one that
	 * others use. */
	const struct http_identity *identity;
	const char *method;
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated */
	const void *body;           /* kept by reference until the end */
	size_t body_len;
	size_t answer_max; /* ceiling of the answer's body, bytes */
	/* Where the body of a 200 goes as it comes, instead of http_body();
	 * NULL for none.  0, or a code that ends the transfer.  Of the body of
	 * any other status HTTP_KEPT_MAX bytes are the ceiling then. */
	int (*take)(void *ctx, const void *data, size_t len);
	void *take_ctx;
	int64_t deadline; /* CLOCK_MONOTONIC ms, for the whole transfer */
	int connect_ms;   /* ceiling of name, TCP and TLS; 0: deadline */
	int silence_ms;   /* ceiling of any time without a header line or
			     a byte of body; 0: deadline */
	bool traced;      /* for http_trace() */
	bool held;        /* it waits for http_release() */
};

/* One request under way or ended. */
struct http_transfer;

/* Whether http_start() would take the URL; asks nobody.  ERR_CONFIG,
 * ERR_NOMEM. */
int http_check_url(const char *url, struct err *err) MUST_CHECK;
int http_check_kind(enum http_kind kind, const char *url, struct err *err)
    MUST_CHECK;

/* Begin a transfer; it advances inside any http_wait().  *out is the
 * caller's to free.  ERR_CONFIG for a URL that is malformed, holds a user
 * name or may not be used in the clear; ERR_FORMAT for a header with a line
 * break; ERR_NOMEM, ERR_INTERNAL. */
int http_start(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *err) MUST_CHECK;

/*
 * Let a transfer that was begun with held go on, with these headers behind the
 * request's own.  Until then http_start() has checked nothing of it, and no
 * byte of it is sent; but while other transfers are driven, the connection of
 * the first such transfer of a client is made: name, TCP, the beginning of TLS.
 * If that fails it is made anew, and only what happens after this call is told.
 * Its connect_ms and silence_ms begin here.  Errors of http_start(); what
 * has ended it before, as its deadline does, is for http_wait() to tell.
 */
int http_release(struct http_transfer *t, const char *const *headers,
    struct err *err) MUST_CHECK;

/*
 * Drive all transfers until t has ended, which is not held any more.  0: a
 * whole answer came, whatever its status.  ERR_UNREACHABLE: no route, no such
 * name; ERR_CONNECT: refused, or TLS refused; ERR_CONFIG: a certificate or key
 * that cannot be used; ERR_DENIED: the server refuses them in TLS; ERR_TIMEOUT;
 * ERR_NET: broken after the request may have been sent; ERR_LIMIT: body or
 * headers over their ceiling; ERR_CANCELED; or what take() says.
 * http_was_sent() tells whether the server may have seen the request; one with
 * a body counts as seen from the body's first byte on.
 */
int http_wait(struct http *h, struct http_transfer *t, struct err *err)
    MUST_CHECK;

/* Drive all transfers until one of these n > 0 has ended, whose index it is, or
 * until (CLOCK_MONOTONIC ms) has come: n.  http_wait() on the one that ended
 * tells how.  Being told to stop ends the first of them. */
size_t http_wait_any(
    struct http *h, struct http_transfer *const *all, size_t n, int64_t until);

/* http_start() and http_wait() for a caller with this one transfer.  *out is
 * NULL when it did not begin, and otherwise the caller's to free, also on
 * failure. */
int http_do(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *err) MUST_CHECK;

/* Of an ended transfer.  Results live as long as it. */
int http_status(const struct http_transfer *t);
const struct buf *http_body(const struct http_transfer *t);
const char *http_header(const struct http_transfer *t, const char *name);
bool http_was_sent(const struct http_transfer *t);

/* How far one came that was traced, and to whom.  For a connection that was
 * used before, only secured tells. */
struct http_trace {
	bool resolved;    /* an address was found */
	bool proxied;     /* it was that of a proxy, or would have been */
	bool connected;   /* to the server, or its proxy */
	bool secured;     /* TLS stands, behind a proxy, too */
	char address[64]; /* "192.0.2.1:443" that was tried last; "": none */
	int64_t expires;  /* the server's certificate does, epoch ms; 0: not
			     told */
};
const struct http_trace *http_trace(const struct http_transfer *t);

/* Ends it first when it is under way; NULL is allowed; wipes. */
void http_transfer_free(struct http_transfer *t);

#endif

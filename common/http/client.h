/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_HTTP_CLIENT_H
#define SQS_ENTROPY_HTTP_CLIENT_H

#include <stdbool.h>

#include "base/err.h"

/*
 * HTTP/1.1 (RFC 9112) over connections that live as long as the client and
 * are reused; the one user of libcurl.  Several transfers may be under way at
 * once.  No redirects, no other protocols, no cookies, no .netrc; TLS 1.2 or
 * later, always verified.  Plain http only to loopback and link-local
 * metadata addresses, checked again on the address that was resolved.  What
 * may move is found anew for each connection: the addresses of a name, and the
 * CA bundle when its file is another one or was written, or when a certificate
 * was not trusted; a bundle that cannot be read any more stays in force.  The
 * program ignores SIGPIPE: OpenSSL writes to closed connections.
 */
struct http_config {
	const char *ca_bundle; /* PEM file, NULL or "": the system's */
	bool bundle_may_come;  /* as long as it is not there, requests fail */
	const char *agent;     /* User-Agent, kept by reference */
	int cancel_fd;         /* readable: stop; -1 for none */
};

/* A client: owns connections. */
struct http;

/* ERR_NOMEM, ERR_CONFIG (a CA bundle that cannot be read), ERR_INTERNAL. */
int http_new(const struct http_config *cfg, struct http **out, struct err *err)
    MUST_CHECK;

/* All transfers are to be freed before.  Does not wait for a name look-up
 * that still runs. */
void http_free(struct http *h);

/* The bundle in use, NULL for the library's own. */
const char *http_ca_bundle(const struct http *h);

/* True if a certificate was not trusted, or the bundle was of no use or not
 * there, since the last request that was answered over TLS. */
bool http_distrusts(const struct http *h);

/* If no transfer is left, close all connections, so that libcurl frees what it
 * keeps of the bytes that went over them. */
void http_rest(struct http *h);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_HTTP_INTERNAL_H
#define SQS_ENTROPY_HTTP_INTERNAL_H

/* What the files of http share; nobody else includes it. */

#include <curl/curl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "http/client.h"
#include "http/head.h"
#include "http/transfer.h"

#define HTTP_HOST_MAX 320 /* a DNS name, a colon, a port, NUL */

struct http {
	CURLM *multi;
	struct clock clock;
	struct http_transfer *first; /* all that are not freed */
	const char *agent;
	int cancel_fd;
	char ca_bundle[PATH_MAX]; /* "": what the library trusts */
	struct buf *ca_pem;       /* what the bundle holds; NULL: not read */
	struct stat ca_file;      /* the bundle's file when it was read */
	bool ca_folder;           /* of what the library trusts, the folder */
	bool distrusts;           /* for http_distrusts() */
	bool trust_moved;         /* what libcurl has kept of it is old */
};

struct http_transfer {
	struct http *http;
	struct http_transfer *next;
	CURL *easy; /* NULL when curl is done with it */
	CURLU *url;
	struct curl_slist *headers;
	char host[HTTP_HOST_MAX]; /* for messages */
	bool plain;               /* no TLS */
	bool imds;                /* may be asked in the clear */
	bool identified;          /* by a certificate of ours */
	bool looking_up; /* a name look-up began, no socket came of it */
	bool abandoned;  /* ended for the caller, still in a look-up */
	bool orphan;     /* abandoned, and freed by the caller */
	bool refused;    /* the name led to an address not allowed */
	bool ended;
	bool sent; /* for http_was_sent() */
	const uint8_t *body;
	size_t body_len, body_read;
	int64_t deadline, connect_by, heard;
	int silence_ms;
	struct http_head head;
	size_t answer_len, answer_max; /* bytes that came, and may come */
	int (*take)(void *ctx, const void *data, size_t len);
	void *take_ctx;
	bool stopped; /* by take() */
	struct buf *answer;
	bool traced;
	struct http_trace trace;
	int rc; /* a callback's, then the transfer's */
	struct err err;
	char detail[CURL_ERROR_SIZE];
};

/* request.c: judge the request and tell curl all of it.  On failure the
 * caller still releases what t got. */
int http_setup(struct http_transfer *t, const struct http_request *req,
    struct err *err) MUST_CHECK;

/* transfer.c: take t from its client and from curl, wipe and free it. */
void http_transfer_destroy(struct http_transfer *t);

/* trust.c: find out whom h trusts; a bundle that is not there is no error if it
 * may come.  ERR_CONFIG.  http_trust_again(): look for what moved since then,
 * before a connection; ERR_CONFIG: there is no bundle yet. */
int http_trust(struct http *h, const struct http_config *cfg, struct err *err)
    MUST_CHECK;
int http_trust_again(struct http *h, struct err *err) MUST_CHECK;

/* trace.c: have curl keep what is to be told; note an address that is tried,
 * and before curl is done with t, how far it came. */
CURLcode http_trace_begin(struct http_transfer *t);
void http_trace_address(struct http_transfer *t, const struct curl_sockaddr *a);
void http_trace_failure(struct http_transfer *t, CURLcode code);
void http_trace_end(struct http_transfer *t);

/* failure.c: whether any byte of the request, or of its body if it has one,
 * may have left; curl's code as one of ours, with t->err set. */
bool http_sending(const struct http_transfer *t);
int http_failure(struct http_transfer *t, CURLcode code);

#endif

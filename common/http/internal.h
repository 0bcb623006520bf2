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

#define HTTP_HOST_MAX    320 /* a DNS name, a colon, a port, NUL */
#define HTTP_SOCKETS_MAX 8   /* those of one connection that are tried */

struct http {
	CURLM *multi;
	CURLM *early; /* see early.c; NULL: no transfer was begun early */
	struct clock clock;
	struct http_transfer *first; /* all that are not freed */
	const char *agent;
	int cancel_fd;
	char ca_bundle[PATH_MAX]; /* "": what the library trusts */
	struct buf *ca_pem;       /* what the bundle holds; NULL: not read */
	struct stat ca_file;      /* the bundle's file when it was read */
	bool ca_folder;           /* of what the library trusts, the folder */
	char *ca_hashed;          /* the folder instead; NULL: its own */
	bool distrusts;           /* for http_distrusts() */
	bool trust_moved;         /* what libcurl has kept of it is old */
};

struct http_transfer {
	struct http *http;
	struct http_transfer *next;
	struct http_request req; /* as it was given */
	CURLM *multi;            /* where easy is */
	CURL *easy; /* NULL when curl is done with it, or not begun */
	CURLU *url;
	struct curl_slist *headers;
	char host[HTTP_HOST_MAX]; /* for messages */
	bool held;                /* not released yet */
	bool early;               /* begun before it was released */
	bool stands;     /* held: its handshake has begun, and is left alone */
	bool plain;      /* no TLS */
	bool imds;       /* may be asked in the clear */
	bool identified; /* by a certificate of ours */
	bool looking_up; /* a name look-up began, no socket came of it */
	bool abandoned;  /* ended for the caller, still in a look-up */
	bool orphan;     /* abandoned, and freed by the caller */
	bool refused;    /* the name led to an address not allowed */
	bool ended;
	bool sent;    /* for http_was_sent() */
	bool stopped; /* by take() */
	bool traced;
	int silence_ms;
	int rc;                        /* a callback's, then the transfer's */
	int sockets[HTTP_SOCKETS_MAX]; /* held: that are corked */
	size_t sockets_n;
	const uint8_t *body;
	size_t body_len, body_read;
	int64_t deadline, connect_by, heard;
	struct http_head head;
	size_t answer_len, answer_max; /* bytes that came, and may come */
	int (*take)(void *ctx, const void *data, size_t len);
	void *take_ctx;
	struct buf *answer;
	struct http_trace trace;
	struct err err;
	char detail[CURL_ERROR_SIZE];
};

/* client.c: NULL when memory is short. */
CURLM *http_new_multi(void);

/* request.c: keep "Expect:" and these headers for t, behind those before; judge
 * its request and tell curl all of it.  On failure the caller still releases
 * what t got. */
int http_add_headers(struct http_transfer *t, const char *const *headers,
    struct err *err) MUST_CHECK;
int http_setup(struct http_transfer *t, struct err *err) MUST_CHECK;

/* early.c: begin a held transfer early where that can be done.  Choose where t
 * runs; not 0: it cannot run before it is released.  Note a socket of a held
 * transfer.  After a performance see whether a held transfer has come as far as
 * it may, and tell if one has.  True if t failed early and is made anew, or,
 * held, when it is released.  Also watch the multi handle that is not polled.
 */
void http_early_begin(struct http_transfer *t);
int http_early_place(struct http_transfer *t) MUST_CHECK;
void http_early_socket(struct http_transfer *t, int fd);
void http_early_look(struct http *h);
bool http_early_stands(const struct http *h);
bool http_early_failed(struct http_transfer *t);
size_t http_early_watch(const struct http *h, const CURLM *polled,
    struct curl_waitfd *out, size_t most, int *ms);

/* transfer.c: take t from its client and from curl, wipe and free it. */
void http_transfer_destroy(struct http_transfer *t);
void http_drop_easy(struct http_transfer *t);

/* trust.c: find out whom h trusts; a bundle that is not there is no error if it
 * may come.  ERR_CONFIG.  http_trust_again(): look for what moved since then,
 * before a connection; ERR_CONFIG: there is no bundle yet. */
int http_trust(struct http *h, const struct http_config *cfg, struct err *err)
    MUST_CHECK;
int http_trust_again(struct http *h, struct err *err) MUST_CHECK;

/* plaintext.c: have OpenSSL wipe what it decrypted once libcurl has it. Another
 * library of TLS keeps what it keeps. */
CURLcode http_wipe_plaintext(struct http_transfer *t);

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

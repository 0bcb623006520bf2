/* SPDX-License-Identifier: Apache-2.0 */
#include "http/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "http/policy.h"

#define URL_MAX      2048
#define BELT_MS      1000 /* curl's own limits, beyond ours */
/* A connection that was idle for longer may be closing at the other end. */
#define IDLE_S       10L
#define UPLOAD_LEAST 16384L /* bytes; the least of curl's upload buffers */

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct http_transfer *t = arg;

	t->heard = clock_mono(&t->http->clock);
	t->rc = http_head_add(&t->head, line, size * n);
	return t->rc == 0 ? size * n : 0;
}

static int keep_answer(struct http_transfer *t, const char *data, size_t len)
{
	int rc;

	t->answer_len += len;
	if (t->answer_len > t->answer_max)
		return ERR_LIMIT;
	if (t->take == NULL || t->head.status != 200)
		return buf_add(t->answer, data, len);
	rc = t->take(t->take_ctx, data, len);
	t->stopped = rc != 0;
	return rc;
}

static size_t on_answer(char *data, size_t size, size_t n, void *arg)
{
	struct http_transfer *t = arg;

	t->heard = clock_mono(&t->http->clock);
	t->rc = keep_answer(t, data, size * n);
	return t->rc == 0 ? size * n : 0;
}

/*
 * curl sends a request again by itself when a reused connection dies before
 * any answer.  What has a body may act twice then, so a body is given out
 * only once: this and on_rewind() make curl give up instead.
 */
static size_t on_body(char *out, size_t size, size_t n, void *arg)
{
	struct http_transfer *t = arg;
	size_t len = t->body_len - t->body_read;

	if (t->abandoned || (len == 0 && t->body_len > 0))
		return CURL_READFUNC_ABORT;
	if (len > size * n)
		len = size * n;
	if (len > 0)
		memcpy(out, t->body + t->body_read, len);
	t->body_read += len;
	return len;
}

static int on_rewind(void *arg, curl_off_t offset, int origin)
{
	const struct http_transfer *t = arg;

	return t->body_read == 0 && offset == 0 && origin == SEEK_SET
		   ? CURL_SEEKFUNC_OK
		   : CURL_SEEKFUNC_FAIL;
}

static int on_lookup(void *resolver, void *reserved, void *arg)
{
	struct http_transfer *t = arg;

	(void)resolver;
	(void)reserved;
	t->looking_up = true;
	return 0;
}

static curl_socket_t on_socket(
    void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_transfer *t = arg;
	int fd;

	(void)purpose;
	t->looking_up = false;
	if (t->abandoned)
		return CURL_SOCKET_BAD;
	if (t->plain && !http_policy_address(&a->addr, a->addrlen, t->imds)) {
		t->refused = true;
		return CURL_SOCKET_BAD;
	}
	if (t->traced)
		http_trace_address(t, a);
	fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	if (t->held)
		http_early_socket(t, fd);
	return fd;
}

static int get_url_part(CURLU *u, CURLUPart what, char *out, size_t size)
{
	char *text = NULL;
	int rc = ERR_LIMIT;

	if (curl_url_get(u, what, &text, 0) != CURLUE_OK)
		return ERR_ABSENT;
	if (strlen(text) < size) {
		memcpy(out, text, strlen(text) + 1);
		rc = 0;
	}
	curl_free(text);
	return rc;
}

/* libcurl 7.76 lets blanks pass. */
static bool is_without_blanks(const char *url)
{
	const size_t len = strnlen(url, URL_MAX + 1);

	return len > 0 && len <= URL_MAX && text_is_graphic(url, len);
}

/* What a request, to IMDS or not, may go to: *plain, and "HOST" or "HOST:PORT"
 * in at. */
static int judge_url(CURLU *u, const char *url, bool imds, bool *plain,
    char at[static HTTP_HOST_MAX], struct err *err)
{
	const unsigned int flags = CURLU_DISALLOW_USER | CURLU_PATH_AS_IS;
	char scheme[8], host[HTTP_HOST_MAX - 8], port[8], zone[2];

	if (!is_without_blanks(url) ||
	    curl_url_set(u, CURLUPART_URL, url, flags) != CURLUE_OK ||
	    get_url_part(u, CURLUPART_SCHEME, scheme, sizeof scheme) != 0 ||
	    get_url_part(u, CURLUPART_HOST, host, sizeof host) != 0)
		return err_set(err, ERR_CONFIG,
		    "a URL is malformed, or holds a user name: write it as "
		    "https://HOST/PATH");
	*plain = strcmp(scheme, "http") == 0;
	if (!*plain && strcmp(scheme, "https") != 0)
		return err_set(err, ERR_CONFIG,
		    "%s: a URL begins with %s://: use https", host, scheme);
	if (get_url_part(u, CURLUPART_PORT, port, sizeof port) == 0)
		(void)snprintf(at, HTTP_HOST_MAX, "%s:%s", host, port);
	else
		(void)snprintf(at, HTTP_HOST_MAX, "%s", host);
	if (*plain && (!http_policy_host(host, imds) ||
			  get_url_part(u, CURLUPART_ZONEID, zone,
			      sizeof zone) != ERR_ABSENT))
		return err_set(err, ERR_CONFIG,
		    "%s: plain http is for loopback and metadata addresses "
		    "only: use https",
		    at);
	return 0;
}

int http_check_kind(enum http_kind kind, const char *url, struct err *err)
{
	char at[HTTP_HOST_MAX];
	CURLU *u = curl_url();
	bool plain;
	int rc;

	if (u == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = judge_url(u, url, kind != HTTP_CONTAINER, &plain, at, err);
	curl_url_cleanup(u);
	return rc;
}

int http_check_url(const char *url, struct err *err)
{
	return http_check_kind(HTTP_SERVICE, url, err);
}

/* The handle that was judged is the one that curl uses: no second parser can
 * see another host in the same text. */
static int take_url(
    struct http_transfer *t, const struct http_request *req, struct err *err)
{
	t->url = curl_url();
	if (t->url == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	t->imds = req->kind != HTTP_CONTAINER;
	return judge_url(t->url, req->url, t->imds, &t->plain, t->host, err);
}

static int add_header(struct http_transfer *t, const char *line)
{
	struct curl_slist *list;

	if (strpbrk(line, "\r\n") != NULL)
		return ERR_FORMAT;
	list = curl_slist_append(t->headers, line);
	if (list == NULL)
		return ERR_NOMEM;
	t->headers = list;
	return 0;
}

/* curl keeps the head of the list by reference and reads the list when it sends
 * the request. */
int http_add_headers(
    struct http_transfer *t, const char *const *headers, struct err *err)
{
	/* A request must not wait for "100 Continue". */
	int rc = t->headers == NULL ? add_header(t, "Expect:") : 0;

	for (size_t i = 0; rc == 0 && headers != NULL && headers[i] != NULL;
	     i++)
		rc = add_header(t, headers[i]);
	if (rc == ERR_FORMAT)
		return err_set(err, rc, "a request header has a line break");
	return rc == 0 ? 0 : err_set(err, rc, "out of memory");
}

#define SET(option, value)                                                     \
	do {                                                                   \
		if (code == CURLE_OK)                                          \
			code = curl_easy_setopt(t->easy, (option), (value));   \
	} while (0)

static CURLcode set_rules(
    struct http_transfer *t, const struct http_request *req)
{
	CURLcode code = CURLE_OK;

#if LIBCURL_VERSION_NUM >= 0x075500
	SET(CURLOPT_PROTOCOLS_STR, t->plain ? "http" : "https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
#else
	SET(CURLOPT_PROTOCOLS,
	    (long)(t->plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS));
	SET(CURLOPT_REDIR_PROTOCOLS, (long)CURLPROTO_HTTPS);
#endif
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_MAXAGE_CONN, IDLE_S);
	/* A name may have got other addresses since the last connection. */
	SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	SET(CURLOPT_MAXFILESIZE_LARGE,
	    (curl_off_t)(req->answer_max > 0 ? req->answer_max : 1));
	if (t->plain || req->kind != HTTP_SERVICE)
		SET(CURLOPT_PROXY, "");
#if LIBCURL_VERSION_NUM >= 0x075700
	if (code == CURLE_OK) /* an older library at run time lacks it */
		(void)curl_easy_setopt(t->easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	return code;
}

/* The bundle replaces what the library trusts, it adds nothing. */
static CURLcode set_bundle(struct http_transfer *t)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_CAPATH, NULL);
#if LIBCURL_VERSION_NUM >= 0x074d00
	if (code == CURLE_OK) {
		/* The bundle may be read anew while this transfer lasts. */
		struct curl_blob pem = {
		    .len = buf_len(t->http->ca_pem), .flags = CURL_BLOB_COPY};
		union {
			const void *in;
			void *out;
		} cast = {.in = buf_data(t->http->ca_pem)};

		pem.data = cast.out;
		/* Only an older library at run time lacks it. */
		if (pem.len > 0 && curl_easy_setopt(t->easy,
				       CURLOPT_CAINFO_BLOB, &pem) == CURLE_OK)
			return code;
	}
#endif
	SET(CURLOPT_CAINFO, t->http->ca_bundle);
	return code;
}

/* Nobody is asked for a pass phrase: the one that is set is empty. */
static CURLcode set_identity(
    struct http_transfer *t, const struct http_identity *identity)
{
	struct curl_blob certificate = {
	    .len = buf_len(identity->certificate), .flags = CURL_BLOB_COPY};
	struct curl_blob key = {
	    .len = buf_len(identity->key), .flags = CURL_BLOB_COPY};
	union {
		const void *in;
		void *out;
	} cast = {.in = buf_data(identity->certificate)};
	CURLcode code = CURLE_OK;

	t->identified = true;
	certificate.data = cast.out;
	cast.in = buf_data(identity->key);
	key.data = cast.out;
	SET(CURLOPT_SSLCERTTYPE, "PEM");
	SET(CURLOPT_SSLKEYTYPE, "PEM");
	SET(CURLOPT_SSLCERT_BLOB, &certificate);
	SET(CURLOPT_SSLKEY_BLOB, &key);
	SET(CURLOPT_KEYPASSWD, "");
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	return code;
}

static CURLcode set_tls(struct http_transfer *t, const struct http_request *req)
{
	CURLcode code = CURLE_OK;

	if (t->plain)
		return code;
	if (req->identity != NULL)
		code = set_identity(t, req->identity);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (code == CURLE_OK)
		code = http_wipe_plaintext(t);
	if (code == CURLE_OK && t->traced)
		code = http_trace_begin(t);
	if (t->http->ca_folder)
		SET(CURLOPT_CAINFO, NULL);
	if (t->http->ca_hashed != NULL)
		SET(CURLOPT_CAPATH, t->http->ca_hashed);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* libcurl keeps what it read of the system's bundle for a day. */
	if (code == CURLE_OK && t->http->trust_moved)
		(void)curl_easy_setopt(t->easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
	if (code != CURLE_OK || t->http->ca_bundle[0] == '\0')
		return code;
	return set_bundle(t);
}

static CURLcode set_request(
    struct http_transfer *t, const struct http_request *req)
{
	bool get = strcmp(req->method, "GET") == 0;
	bool body = req->body_len > 0 || strcmp(req->method, "PUT") == 0 ||
		    strcmp(req->method, "POST") == 0;
	CURLcode code = CURLE_OK;

	t->body = req->body;
	t->body_len = req->body_len;
	if (strcmp(req->method, "HEAD") == 0)
		SET(CURLOPT_NOBODY, 1L);
	else if (!get)
		SET(CURLOPT_CUSTOMREQUEST, req->method);
	if (body) {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)req->body_len);
		/* All of it is wiped, however little of it was used. */
		if (req->body_len <= (size_t)UPLOAD_LEAST)
			SET(CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_LEAST);
	}
	SET(CURLOPT_READFUNCTION, on_body);
	SET(CURLOPT_READDATA, t);
	SET(CURLOPT_SEEKFUNCTION, on_rewind);
	SET(CURLOPT_SEEKDATA, t);
	SET(CURLOPT_HTTPHEADER, t->headers);
	if (t->http->agent != NULL && t->http->agent[0] != '\0')
		SET(CURLOPT_USERAGENT, t->http->agent);
	return code;
}

static CURLcode set_callbacks(struct http_transfer *t)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_CURLU, t->url);
	SET(CURLOPT_PRIVATE, t);
	SET(CURLOPT_ERRORBUFFER, t->detail);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_WRITEFUNCTION, on_answer);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
	SET(CURLOPT_OPENSOCKETDATA, t);
	SET(CURLOPT_RESOLVER_START_FUNCTION, on_lookup);
	SET(CURLOPT_RESOLVER_START_DATA, t);
	return code;
}

/* expire_transfers() keeps our time limits; curl's own, which end a little
 * later, are a second line of defence. */
static CURLcode set_time(
    struct http_transfer *t, const struct http_request *req)
{
	int64_t now = clock_mono(&t->http->clock);
	int64_t left = req->deadline > now ? req->deadline - now : 0;
	CURLcode code = CURLE_OK;

	if (left > INT_MAX - BELT_MS)
		left = INT_MAX - BELT_MS;
	t->heard = now;
	t->deadline = req->deadline;
	t->silence_ms = req->silence_ms;
	t->connect_by = req->connect_ms > 0 && !t->held ? now + req->connect_ms
							: req->deadline;
	SET(CURLOPT_TIMEOUT_MS, (long)(left + BELT_MS));
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(left + BELT_MS));
	return code;
}

int http_setup(struct http_transfer *t, struct err *err)
{
	const struct http_request *req = &t->req;
	int rc = take_url(t, req, err);

	if (rc != 0)
		return rc;
	t->traced = req->traced;
	t->take = req->take;
	t->take_ctx = req->take_ctx;
	t->answer_max = req->answer_max;
	if (t->answer == NULL)
		t->answer =
		    buf_new(req->take == NULL || req->answer_max < HTTP_KEPT_MAX
				? req->answer_max
				: HTTP_KEPT_MAX);
	t->easy = curl_easy_init();
	if (t->answer == NULL || t->easy == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = t->plain ? 0 : http_trust_again(t->http, err);
	if (rc != 0)
		return rc;
	if (set_rules(t, req) != CURLE_OK || set_tls(t, req) != CURLE_OK ||
	    set_request(t, req) != CURLE_OK || set_callbacks(t) != CURLE_OK ||
	    set_time(t, req) != CURLE_OK)
		return err_set(err, ERR_INTERNAL,
		    "this libcurl lacks an option that is needed: install one "
		    "with TLS, 7.76 or later");
	rc = http_early_place(t);
	if (rc != 0)
		return rc;
	if (curl_multi_add_handle(t->multi, t->easy) != CURLM_OK)
		return err_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

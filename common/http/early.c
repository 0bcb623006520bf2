/* SPDX-License-Identifier: Apache-2.0 */
#include "http/internal.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/select.h>

/*
 * libcurl has no way to stop between the connection and the request, but
 * nothing goes on in a multi handle that is not performed.  So a held transfer
 * is in one of its own, which is performed until the server's part of the
 * handshake has to be read, and then no more.  For a server that answers before
 * that is seen, the socket is corked (tcp(7)): what was written for the
 * handshake leaves only when the last performance has returned.
 */

#define GUARDED 0x075000 /* libcurl that has CURLOPT_PREREQFUNCTION */

static struct http_transfer *find_held(const struct http *h)
{
	struct http_transfer *t = h->first;

	while (t != NULL && (!t->held || t->ended || t->easy == NULL))
		t = t->next;
	return t;
}

bool http_early_stands(const struct http *h)
{
	const struct http_transfer *t = find_held(h);

	return t != NULL && t->stands;
}

static void set_cork(int fd, int on)
{
	(void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

void http_early_socket(struct http_transfer *t, int fd)
{
	if (fd < 0 || t->sockets_n == HTTP_SOCKETS_MAX)
		return;
	t->sockets[t->sockets_n++] = fd;
	set_cork(fd, 1);
}

/* A descriptor may be another socket's by now, which is not corked either. */
static void uncork_sockets(struct http_transfer *t)
{
	for (size_t i = 0; i < t->sockets_n; i++)
		set_cork(t->sockets[i], 0);
	t->sockets_n = 0;
}

/* The highest descriptor that multi waits for; -1: it waits for none. */
static int find_awaited(CURLM *multi, fd_set *in, fd_set *out)
{
	fd_set other;
	int max = -1;

	FD_ZERO(in);
	FD_ZERO(out);
	FD_ZERO(&other);
	if (curl_multi_fdset(multi, in, out, &other, &max) != CURLM_OK)
		return -1;
	return max;
}

/* True if curl waits for the server's bytes on a socket of t. */
static bool awaits_answer(const struct http_transfer *t)
{
	fd_set in, out;
	const int max = find_awaited(t->multi, &in, &out);

	for (size_t i = 0; i < t->sockets_n; i++)
		if (t->sockets[i] <= max && FD_ISSET(t->sockets[i], &in))
			return true;
	return false;
}

size_t http_early_watch(const struct http *h, const CURLM *polled,
    struct curl_waitfd *out, size_t most, int *ms)
{
	CURLM *other = polled == h->early ? h->multi : h->early;
	fd_set readable, writable;
	size_t n = 0;
	long timeout = -1;
	int max;

	if (other == NULL || (other == h->early && http_early_stands(h)))
		return 0;
	if (curl_multi_timeout(other, &timeout) == CURLM_OK && timeout >= 0 &&
	    timeout < *ms)
		*ms = (int)timeout;
	max = find_awaited(other, &readable, &writable);
	for (int fd = 0; fd <= max && n < most; fd++) {
		const bool in = FD_ISSET(fd, &readable);
		const bool to = FD_ISSET(fd, &writable);

		if (in || to)
			out[n++] = (struct curl_waitfd){.fd = fd,
			    .events = (short)((in ? CURL_WAIT_POLLIN : 0) |
					      (to ? CURL_WAIT_POLLOUT : 0))};
	}
	return n;
}

void http_early_look(struct http *h)
{
	struct http_transfer *t = find_held(h);

	if (t == NULL || t->stands || !awaits_answer(t))
		return;
	t->stands = true;
	uncork_sockets(t);
}

#if LIBCURL_VERSION_NUM >= GUARDED
/* The last line of defence: no request leaves before its time. */
static int on_connected(
    void *arg, char *ip, char *own_ip, int port, int own_port)
{
	const struct http_transfer *t = arg;

	(void)ip;
	(void)own_ip;
	(void)port;
	(void)own_port;
	return t->held ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}
#endif

static bool set_guard(struct http_transfer *t)
{
#if LIBCURL_VERSION_NUM >= GUARDED
	return curl_easy_setopt(
		   t->easy, CURLOPT_PREREQFUNCTION, on_connected) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t) == CURLE_OK;
#else
	return t->easy == NULL;
#endif
}

/* Plain http has nothing between connection and request.  Where look-ups are
 * not done aside, one would hold up everybody else. */
static bool may_begin_early(const struct http_transfer *t)
{
	const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);

	return t->http->early == NULL &&
	       strncmp(t->req.url, "https:", 6) == 0 &&
	       curl->version_num >= GUARDED &&
	       (curl->features & CURL_VERSION_ASYNCHDNS) != 0;
}

int http_early_place(struct http_transfer *t)
{
	struct http *h = t->http;

	t->multi = h->multi;
	if (t->held) {
		if (!set_guard(t))
			return ERR_ABSENT;
		h->early = http_new_multi();
		if (h->early == NULL)
			return ERR_NOMEM;
		t->early = true;
	}
	/* The connection that was begun early serves those that follow. */
	if (t->req.held && h->early != NULL && !http_early_stands(h))
		t->multi = h->early;
	return 0;
}

/* What curl has of t goes; what the caller gave it stays. */
static void forget_attempt(struct http_transfer *t)
{
	http_drop_easy(t);
	t->head = (struct http_head){.status = 0};
	t->trace = (struct http_trace){.expires = 0};
	t->err = (struct err){.code = 0};
	t->detail[0] = '\0';
	t->rc = 0;
	t->body_read = t->answer_len = t->sockets_n = 0;
	t->early = t->stands = t->refused = t->looking_up = false;
	if (t->answer != NULL)
		buf_reset(t->answer);
}

bool http_early_failed(struct http_transfer *t)
{
	if (!t->early || t->ended || http_sending(t))
		return false;
	forget_attempt(t);
	if (!t->held && http_setup(t, &t->err) != 0)
		t->rc = t->err.code;
	return true;
}

void http_early_begin(struct http_transfer *t)
{
	if (may_begin_early(t) && http_setup(t, NULL) != 0)
		forget_attempt(t);
}

int http_release(
    struct http_transfer *t, const char *const *headers, struct err *err)
{
	const int64_t now = clock_mono(&t->http->clock);
	int rc = http_add_headers(t, headers, err);

	if (rc != 0)
		return rc;
	t->held = t->stands = false;
	uncork_sockets(t);
	if (t->ended)
		return 0;
	if (t->easy == NULL)
		return http_setup(t, err);
	t->heard = now;
	if (t->req.connect_ms > 0)
		t->connect_by = now + t->req.connect_ms;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "http/internal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define LOOKUP_MAX_MS 86400000L
#define WATCHED_MAX   16U

static bool is_in_lookup(const struct http_transfer *t)
{
	curl_off_t us = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_NAMELOOKUP_TIME_T, &us);
	return t->looking_up && us == 0;
}

static void wipe_headers(struct http_transfer *t)
{
	for (struct curl_slist *i = t->headers; i != NULL; i = i->next)
		explicit_bzero(i->data, strlen(i->data));
}

void http_drop_easy(struct http_transfer *t)
{
	if (t->easy != NULL) {
		(void)curl_multi_remove_handle(t->multi, t->easy);
		curl_easy_cleanup(t->easy);
		t->easy = NULL;
	}
	curl_url_cleanup(t->url);
	t->url = NULL;
}

static void release_handles(struct http_transfer *t)
{
	http_drop_easy(t);
	wipe_headers(t);
	curl_slist_free_all(t->headers);
	t->headers = NULL;
}

/*
 * Taking a transfer from curl waits for its name look-up, which nobody can
 * interrupt, for as long as the resolver likes.  Such a transfer is left with
 * curl until the look-up returns; its callbacks then refuse to go on.
 */
static void end_transfer(struct http_transfer *t, int rc)
{
	t->sent = http_sending(t);
	if (t->traced)
		http_trace_end(t);
	t->rc = rc;
	t->ended = true;
	if (!is_in_lookup(t)) {
		release_handles(t);
		return;
	}
	t->abandoned = true;
	wipe_headers(t);
	(void)curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, 0L);
	(void)curl_easy_setopt(
	    t->easy, CURLOPT_CONNECTTIMEOUT_MS, LOOKUP_MAX_MS);
}

void http_transfer_destroy(struct http_transfer *t)
{
	struct http_transfer **p = &t->http->first;

	while (*p != NULL && *p != t)
		p = &(*p)->next;
	if (*p == t)
		*p = t->next;
	release_handles(t);
	buf_free(t->answer);
	explicit_bzero(t, sizeof *t);
	free(t);
}

static void finish_transfer(struct http_transfer *t, CURLcode code)
{
	t->looking_up = false;
	if (t->orphan)
		http_transfer_destroy(t);
	else if (t->ended)
		release_handles(t);
	else if (code != CURLE_OK && http_early_failed(t)) {
		if (t->rc != 0)
			end_transfer(t, t->rc);
	} else if (code != CURLE_OK)
		end_transfer(t, http_failure(t, code));
	else if (!t->head.whole)
		end_transfer(t,
		    err_set(&t->err, ERR_NET, "%s: no whole answer", t->host));
	else {
		t->http->distrusts = t->http->distrusts && t->plain;
		end_transfer(t, 0);
	}
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The time at which t is given up if nothing happens before. */
static int64_t limit_of(const struct http_transfer *t)
{
	int64_t limit = t->deadline;

	if (t->held)
		return limit;
	if (t->silence_ms > 0)
		limit = sooner(limit, t->heard + t->silence_ms);
	if (!http_sending(t))
		limit = sooner(limit, t->connect_by);
	return limit;
}

static void expire_transfers(struct http *h)
{
	int64_t now = clock_mono(&h->clock);

	for (struct http_transfer *t = h->first; t != NULL; t = t->next)
		if (!t->ended && now >= limit_of(t))
			end_transfer(
			    t, err_set(&t->err, ERR_TIMEOUT,
				   "%s: %s in time: check the network", t->host,
				   http_sending(t) ? "no answer"
						   : "no connection"));
}

static int wait_ms(const struct http *h, int64_t until)
{
	int64_t next = until, now = clock_mono(&h->clock);

	for (struct http_transfer *t = h->first; t != NULL; t = t->next)
		if (!t->ended)
			next = sooner(next, limit_of(t));
	if (next <= now)
		return 0;
	return next - now < INT_MAX ? (int)(next - now) : INT_MAX;
}

static bool is_canceled(const struct http *h)
{
	struct pollfd p = {.fd = h->cancel_fd, .events = POLLIN};

	return h->cancel_fd >= 0 && poll(&p, 1, 0) > 0;
}

static int perform_multi(CURLM *multi)
{
	struct http_transfer *t;
	int running, left;
	CURLMsg *msg;

	if (curl_multi_perform(multi, &running) != CURLM_OK)
		return ERR_INTERNAL;
	while ((msg = curl_multi_info_read(multi, &left)) != NULL) {
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		if (curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t) ==
		    CURLE_OK)
			finish_transfer(t, code);
	}
	return 0;
}

static int perform_transfers(struct http *h)
{
	int rc = perform_multi(h->multi);

	if (rc != 0 || h->early == NULL || http_early_stands(h))
		return rc;
	rc = perform_multi(h->early);
	http_early_look(h);
	return rc;
}

/* Wait until curl or the caller has something to do. */
static int wait_for_events(struct http *h, CURLM *polled, int64_t until)
{
	struct curl_waitfd extra[1 + WATCHED_MAX];
	size_t n = 0;
	int ms = wait_ms(h, until);

	if (h->cancel_fd >= 0)
		extra[n++] = (struct curl_waitfd){
		    .fd = h->cancel_fd, .events = CURL_WAIT_POLLIN};
	n += http_early_watch(h, polled, extra + n, WATCHED_MAX, &ms);
	if (curl_multi_poll(polled, extra, (unsigned int)n, ms, NULL) !=
	    CURLM_OK)
		return ERR_INTERNAL;
	return 0;
}

static size_t find_ended(struct http_transfer *const *all, size_t n)
{
	size_t k = 0;

	while (k < n && !all[k]->ended)
		k++;
	return k;
}

/* Let all transfers go on, and then wait until something happens or until has
 * come, unless one of all has ended.  Being told to stop ends the first. */
static void drive_transfers(
    struct http *h, struct http_transfer *const *all, size_t n, int64_t until)
{
	struct err *err = &all[0]->err;

	if (is_canceled(h)) {
		end_transfer(all[0], err_set(err, ERR_CANCELED,
					 "%s: told to stop", all[0]->host));
		return;
	}
	expire_transfers(h);
	if (find_ended(all, n) == n && perform_transfers(h) != 0)
		end_transfer(all[0],
		    err_set(err, ERR_INTERNAL, "libcurl refused to go on"));
	if (find_ended(all, n) == n &&
	    wait_for_events(h, all[0]->multi, until) != 0)
		end_transfer(all[0],
		    err_set(err, ERR_INTERNAL, "libcurl refused to wait"));
}

size_t http_wait_any(
    struct http *h, struct http_transfer *const *all, size_t n, int64_t until)
{
	size_t k = find_ended(all, n);

	while (k == n && clock_mono(&h->clock) < until) {
		drive_transfers(h, all, n, until);
		k = find_ended(all, n);
	}
	return k;
}

int http_wait(struct http *h, struct http_transfer *t, struct err *err)
{
	(void)http_wait_any(h, &t, 1, INT64_MAX);
	if (t->rc != 0 && err != NULL)
		*err = t->err;
	return t->rc;
}

int http_start(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *err)
{
	struct http_transfer *t = calloc(1, sizeof *t);
	int rc;

	*out = NULL;
	if (t == NULL) {
		(void)err_set(err, ERR_NOMEM, "out of memory");
		return ERR_NOMEM;
	}
	t->http = h;
	t->multi = h->multi;
	t->req = *req;
	t->req.headers = NULL; /* they are kept in t->headers */
	t->held = req->held;
	t->deadline = req->deadline;
	rc = http_add_headers(t, req->headers, err);
	if (rc == 0 && t->held)
		http_early_begin(t);
	else if (rc == 0)
		rc = http_setup(t, err);
	if (rc != 0) {
		http_transfer_destroy(t);
		return rc;
	}
	t->next = h->first;
	h->first = t;
	*out = t;
	return 0;
}

int http_do(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *err)
{
	int rc = http_start(h, req, out, err);

	return rc == 0 ? http_wait(h, *out, err) : rc;
}

int http_status(const struct http_transfer *t)
{
	return t->head.status;
}

const struct buf *http_body(const struct http_transfer *t)
{
	return t->answer;
}

const char *http_header(const struct http_transfer *t, const char *name)
{
	return http_head_get(&t->head, name);
}

bool http_was_sent(const struct http_transfer *t)
{
	return t->sent;
}

void http_transfer_free(struct http_transfer *t)
{
	if (t == NULL)
		return;
	if (!t->ended)
		end_transfer(t, ERR_CANCELED);
	if (t->abandoned && t->easy != NULL) {
		t->orphan = true;
		buf_reset(t->answer);
		return;
	}
	http_transfer_destroy(t);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The way to an endpoint, by one request that nobody signed. */
#include "doctor/network.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/date.h"
#include "http/transfer.h"

#define ANSWER_MAX  65536
#define DAY_MS      86400000
#define EXPIRES_MS  (7 * (int64_t)DAY_MS) /* a certificate: soon */
#define SKEW_MAX_MS 300000 /* what SQS tolerates, and a message's date */

struct way {
	struct findings *all;
	struct session *s;
	const char *url;
	const struct doctor_wants *wants;
	const struct http_transfer *t;
	const struct http_trace *trace;
};

/* Which part of the way is missing. */
static const char *name_gap(const struct http_trace *trace, int rc)
{
	if (trace->proxied && !trace->secured)
		return "proxy";
	if (!trace->resolved)
		return "DNS";
	if (rc == ERR_UNREACHABLE)
		return "route";
	if (!trace->connected)
		return "connection";
	return trace->secured ? "answer" : "TLS";
}

static void tell_names(const struct way *w)
{
	const struct http_trace *trace = w->trace;

	if (!trace->resolved)
		return;
	if (trace->proxied)
		findings_ok(w->all, "proxy", "%s goes through the proxy at %s",
		    w->url, trace->address);
	else
		findings_ok(
		    w->all, "DNS", "%s is at %s", w->url, trace->address);
	findings_ok(w->all, "route", "connected to %s", trace->address);
}

static const char *name_trust(const struct way *w)
{
	const char *bundle = http_ca_bundle(w->s->http);

	return bundle != NULL && bundle[0] != '\0'
		   ? bundle
		   : "the system's certificates";
}

static void tell_tls(const struct way *w)
{
	const int64_t left = w->trace->expires - clock_wall(w->s->clock);
	char until[DATE_TEXT_MAX];

	date_format_rfc3339(w->trace->expires, until);
	if (!w->trace->secured)
		findings_not_asked(w->all, "TLS", "%s is plain http", w->url);
	else if (w->trace->expires == 0)
		findings_ok(w->all, "TLS", "verified by %s", name_trust(w));
	else if (left < EXPIRES_MS)
		findings_warn(w->all, "TLS",
		    "renew the certificate of the endpoint, or of the proxy "
		    "that is in between",
		    "verified by %s, but the certificate expires on %s",
		    name_trust(w), until);
	else
		findings_ok(w->all, "TLS",
		    "verified by %s; the certificate is valid until %s (%lld "
		    "days)",
		    name_trust(w), until, (long long)(left / DAY_MS));
}

/* Messages are judged by SQS's time, requests signed by it, once it is known;
 * a producer dates what it signs by its own. */
static void tell_skew(const struct way *w)
{
	static const char remedy[] = "timedatectl set-ntp true";
	const char *text = http_header(w->t, "Date");
	int64_t date, off;

	if (text == NULL || date_parse_http(text, &date) != 0) {
		findings_not_asked(
		    w->all, "clock skew", "%s does not tell its time", w->url);
		return;
	}
	off = (date - clock_wall(w->s->clock)) / 1000;
	if (llabs(off) * 1000 <= SKEW_MAX_MS)
		findings_ok(w->all, "clock skew",
		    "%lld s off the service's clock", llabs(off));
	else if (w->wants->signs)
		findings_fail(w->all, ERR_ABSENT, "clock skew", remedy,
		    "this machine's clock is %lld s %s the service's: no "
		    "message is sent until it is less than 300 s",
		    llabs(off), off < 0 ? "ahead of" : "behind");
	else
		findings_warn(w->all, "clock skew", remedy,
		    "this machine's clock is %lld s %s the service's, whose "
		    "time is used instead",
		    llabs(off), off < 0 ? "ahead of" : "behind");
}

static bool tell_way(const struct way *w, int rc, const struct err *err)
{
	/* An answer that is too long is one all the same. */
	const bool answered = http_status(w->t) != 0;

	if (answered || w->trace->connected)
		tell_names(w);
	if (!answered) {
		findings_fail(
		    w->all, rc, name_gap(w->trace, rc), NULL, "%s", err->text);
		return false;
	}
	tell_tls(w);
	tell_skew(w);
	return true;
}

bool doctor_endpoint(struct findings *all, struct session *s, const char *url,
    const struct doctor_wants *wants, int64_t deadline)
{
	const struct http_request req = {.kind = HTTP_SERVICE,
	    .method = "GET",
	    .url = url,
	    .answer_max = ANSWER_MAX,
	    .deadline = deadline,
	    .traced = true};
	struct way w = {.all = all, .s = s, .url = url, .wants = wants};
	struct http_transfer *t = NULL;
	struct err err = {0};
	const int rc = http_do(s->http, &req, &t, &err);
	bool answered = false;

	if (t == NULL) {
		findings_err(all, "TLS", &err);
		return false;
	}
	w.t = t;
	w.trace = http_trace(t);
	answered = tell_way(&w, rc, &err);
	http_transfer_free(t);
	return answered;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/imds_fetch.h"

#include <stddef.h>

#define FIRST_MS   1000 /* until a request is sent a second time */
#define UNKNOWN_MS 3000 /* for a service that may not be there */
#define ASKED_MAX  4    /* requests that are open at once */

#define HOP_LIMIT                                                              \
	"raise the hop limit to 2: aws ec2 modify-instance-metadata-options "  \
	"--instance-id ID --http-put-response-hop-limit 2"

static int64_t first_ms(const struct imds_peer *p)
{
	return p->settings.try_ms > 0 ? p->settings.try_ms : FIRST_MS;
}

int64_t imds_patience_end(
    const struct imds_peer *p, const struct imds_patience *s)
{
	int64_t ms = first_ms(p);

	if (p->settings.tries > 0 || p->settings.configured || p->answered ||
	    p->machine == IMDS_MACHINE_EC2)
		return s->deadline;
	if (p->machine == IMDS_MACHINE_UNKNOWN && ms < UNKNOWN_MS)
		ms = UNKNOWN_MS;
	return s->began + ms < s->deadline ? s->began + ms : s->deadline;
}

static int fail_silent(const struct imds_peer *p, struct err *err)
{
	const char *who = p->machine == IMDS_MACHINE_EC2
			      ? ""
			      : "this is no EC2 instance, or ";

	if (p->answered)
		return err_set(err, ERR_TIMEOUT,
		    "IMDS at %s stopped answering in the time allowed: give "
		    "more time, or try again later",
		    p->host);
	return err_set(err, ERR_TIMEOUT,
	    "nobody answers as IMDS at %s in the time allowed: %sfrom a "
	    "container " HOP_LIMIT,
	    p->host, who);
}

static int fail_unreachable(const struct imds_peer *p, int rc, struct err *err)
{
	if (rc == ERR_UNREACHABLE && p->wait_for_route)
		return err_set(err, rc,
		    "IMDS at %s cannot be reached: there is no route: check "
		    "the network, or give more time",
		    p->host);
	return err_set(err, rc, "IMDS at %s cannot be reached: %s", p->host,
	    p->machine == IMDS_MACHINE_EC2
		? "look for a firewall rule of this machine that forbids it, "
		  "and at its routes"
		: "this is no EC2 instance, or a firewall is in between");
}

/* What is said about a request that failed, instead of the words for any
 * server. */
static int explain_fetch(const struct imds_peer *p, int rc, struct err *err)
{
	if (rc == ERR_TIMEOUT)
		return fail_silent(p, err);
	if (rc == ERR_UNREACHABLE || rc == ERR_CONNECT)
		return fail_unreachable(p, rc, err);
	if (rc == ERR_NET)
		return err_set(err, rc,
		    "IMDS at %s breaks connections: try again later", p->host);
	if (rc == ERR_LIMIT)
		return err_set(err, rc,
		    "IMDS at %s gave an answer that is too large", p->host);
	return rc;
}

/* The requests that are open, the oldest first. */
struct asked {
	struct http_transfer *open[ASKED_MAX];
	size_t n;
};

/* Take a request out of them, without freeing it. */
static struct http_transfer *take_out(struct asked *a, size_t k)
{
	struct http_transfer *t = a->open[k];

	/* Not memmove(3): in glibc its checked form and that of memcpy(3) are
	 * one function, so that valgrind would report an overlap. */
	for (a->n--; k < a->n; k++)
		a->open[k] = a->open[k + 1];
	return t;
}

/* A request whose time a variable bounds is given up when the next one is sent;
 * otherwise the older ones stay open, ASKED_MAX of them at most. */
static int ask_once_more(const struct imds_peer *p,
    const struct http_request *req, struct asked *a, struct err *err)
{
	const size_t most = p->settings.try_ms > 0 ? 1 : ASKED_MAX;
	int rc;

	if (a->n == most)
		http_transfer_free(take_out(a, 0));
	rc = http_start(p->http, req, &a->open[a->n], err);
	if (rc == 0)
		a->n++;
	return rc;
}

/* 0: *t has an answer.  ERR_TIMEOUT: until has come. */
static int await_answer(const struct imds_peer *p, struct asked *a,
    int64_t until, struct http_transfer **t, struct err *err)
{
	int rc = ERR_TIMEOUT;

	while (a->n > 0) {
		size_t k = http_wait_any(p->http, a->open, a->n, until);

		if (k == a->n)
			return ERR_TIMEOUT;
		rc = http_wait(p->http, a->open[k], err);
		*t = take_out(a, k);
		if (rc == 0)
			return 0;
		http_transfer_free(*t);
		*t = NULL;
		if (rc == ERR_CANCELED)
			return rc;
	}
	return rc;
}

/* True if a request that was not answered in its time may be sent again. */
static bool may_ask_again(
    const struct imds_peer *p, const struct imds_patience *s)
{
	return clock_mono(p->clock) < imds_patience_end(p, s) &&
	       (p->settings.tries == 0 || s->failures + 1 < p->settings.tries);
}

int imds_fetch(const struct imds_peer *p, struct imds_patience *s,
    const char *method, const char *url, const char *const *headers,
    struct http_transfer **t, struct err *err)
{
	const struct http_request req = {.kind = HTTP_METADATA,
	    .method = method,
	    .url = url,
	    .headers = headers,
	    .answer_max = IMDS_ANSWER_MAX,
	    .deadline = s->deadline};
	const int64_t end = imds_patience_end(p, s);
	struct asked a = {.n = 0};
	int64_t wait = first_ms(p);
	int rc;

	*t = NULL;
	for (;;) {
		int64_t until = clock_mono(p->clock) + wait;

		rc = ask_once_more(p, &req, &a, err);
		if (rc == 0)
			rc = await_answer(
			    p, &a, until < end ? until : end, t, err);
		if (rc != ERR_TIMEOUT || !may_ask_again(p, s))
			break;
		s->failures++;
		if (p->settings.try_ms == 0)
			wait *= 2;
	}
	while (a.n > 0)
		http_transfer_free(take_out(&a, 0));
	return rc != 0 ? explain_fetch(p, rc, err) : 0;
}

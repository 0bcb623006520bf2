/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/years/service.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "tests/years/disk.h"
#include "tests/years/sim.h"
#include "tests/years/wrapped.h"

#define METADATA  "http://169.254.169.254"
#define NAME_MS   5000   /* a name look-up that nobody answers */
#define SKEW_MS   300000 /* that SQS tolerates */
#define KEYS_MS   (6 * SIM_HOUR)
#define BODY_MAX  ((size_t)1 << 20)
#define ROLE_PATH "/latest/meta-data/iam/security-credentials/"
#define REFUSED   "{\"__type\":\"com.amazonaws.sqs#%s\",\"message\":\"%s\"}"

struct http {
	int cancel_fd;
};

struct http_transfer {
	struct http_request req;
	char url[512], target[64], key[64], date[32];
	int64_t at; /* when it ends, of sim.now */
	bool ended, sent;
	int rc, status;
	char when[40]; /* the header Date */
	char name[64]; /* x-amzn-query-error, or "" */
	struct buf *body;
};

struct service_world service = {.latency = 200};

/* ---- answers */

static void refuse(struct http_transfer *t, struct answer *a, int status,
    const char *name, const char *text)
{
	t->status = status;
	(void)snprintf(t->name, sizeof t->name, "%s;Sender", name);
	text_say(&a->body, REFUSED, name, text);
}

void service_refuse_first(struct answer *a)
{
	char *begin = strstr(a->body.at, "{\"Id\":\""), *next;
	struct text whole = {NULL, 0, 0};

	next = strchr(begin, '}') + 1;
	text_say(&whole,
	    "{\"Successful\":[%s,\"Failed\":[{\"Id\":\"%c\",\"Code\":"
	    "\"InternalError\",\"Message\":\"not this one\","
	    "\"SenderFault\":false}]}",
	    next + (*next == ',' ? 1 : 0), begin[strlen("{\"Id\":\"")]);
	/* The list of the others ends where the empty one began. */
	memmove(strstr(whole.at, ",\"Failed\":[]}"),
	    strstr(whole.at, ",\"Failed\":[{"),
	    strlen(strstr(whole.at, ",\"Failed\":[{")) + 1);
	a->body.len = 0;
	text_say(&a->body, "%s", whole.at);
	free(whole.at);
}

static void put_expiry(struct answer *a)
{
	const time_t when =
	    (time_t)((sim_wall() +
			 (service.keys == KEYS_OLD ? -SIM_HOUR : KEYS_MS)) /
		     1000);
	struct tm utc;
	char text[32];

	(void)gmtime_r(&when, &utc);
	(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
	text_say(&a->body,
	    "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIA%u\","
	    "\"SecretAccessKey\":\"secret\",\"Token\":\"token\","
	    "\"Expiration\":\"%s\"}",
	    service.key, text);
}

static void answer_metadata(struct http_transfer *t, struct answer *a)
{
	struct request r = {.method = ""};

	(void)snprintf(r.path, sizeof r.path, "%s", t->url + strlen(METADATA));
	if (strncmp(r.path, ROLE_PATH, strlen(ROLE_PATH)) == 0 &&
	    service.keys == KEYS_LATE)
		a->status = 404;
	else if (strncmp(r.path, ROLE_PATH "s", strlen(ROLE_PATH) + 1) == 0)
		put_expiry(a);
	else
		answer_imds(&r, a);
	t->status = a->status;
}

/* Seconds between the date that was signed and the true one. */
static int64_t find_skew(const struct http_transfer *t)
{
	struct tm utc = {0};

	if (strptime(t->date, "%Y%m%dT%H%M%SZ", &utc) == NULL)
		sim_fail("a request bears the date %s", t->date);
	return (int64_t)timegm(&utc) * 1000 - sim_wall();
}

static bool is_refused(struct http_transfer *t, struct answer *a)
{
	static const int statuses[] = {500, 502, 503, 504};
	const int64_t skew = find_skew(t);
	char good[16];

	(void)snprintf(good, sizeof good, "ASIA%u", service.key);
	if (service.sqs == SQS_FAILS) {
		t->status = statuses[service.requests % 4];
		text_say(&a->body, "<html>down</html>");
	} else if (service.sqs == SQS_THROTTLES)
		refuse(t, a, 403, "RequestThrottled", "slower");
	else if (skew > SKEW_MS || skew < -SKEW_MS)
		refuse(t, a, 403, "InvalidSignatureException",
		    skew < 0 ? "Signature expired: it is old"
			     : "Signature not yet current: it is young");
	else if (strcmp(t->key, good) != 0)
		refuse(t, a, 403, "InvalidClientTokenId", "revoked");
	else if (service.keys == KEYS_OLD || service.sqs == SQS_REVOKED)
		refuse(t, a, 403, "ExpiredToken", "expired");
	else if (service.sqs == SQS_DENIES &&
		 strstr(t->target, "MessageBatch") != NULL)
		refuse(t, a, 403, "AccessDeniedException", "not you");
	else if (service.sqs == SQS_GONE)
		refuse(t, a, 400, "QueueDoesNotExist", "no such queue");
	else
		return false;
	return true;
}

static void answer_queue(struct http_transfer *t, struct answer *a)
{
	struct request r = {.method = "POST", .len = t->req.body_len};

	service.requests++;
	if (!is_refused(t, a)) {
		(void)snprintf(
		    r.operation, sizeof r.operation, "%s", t->target);
		r.body = strndup(t->req.body, r.len);
		if (r.body == NULL)
			err(1, NULL);
		world_answer(&r, a);
		free(r.body);
	}
	service.failed += t->status == 200 ? 0 : 1;
}

static bool is_metadata(const struct http_transfer *t)
{
	return strncmp(t->url, METADATA, strlen(METADATA)) == 0;
}

/* What comes of it now that its time has come. */
static void end_transfer(struct http_transfer *t)
{
	static struct answer a;
	const time_t now = (time_t)(sim_wall() / 1000);
	struct tm utc;

	t->ended = true;
	a.body.len = 0;
	a.status = t->status = 200;
	if (t->rc != 0 && (t->rc != ERR_NET || sim_draws(0.5)))
		return;
	if (is_metadata(t))
		answer_metadata(t, &a);
	else
		answer_queue(t, &a);
	(void)gmtime_r(&now, &utc);
	(void)strftime(
	    t->when, sizeof t->when, "%a, %d %b %Y %H:%M:%S GMT", &utc);
	if (t->rc != 0)
		return;
	if (t->req.take != NULL && t->status == 200)
		t->rc = t->req.take(t->req.take_ctx, a.body.at, a.body.len);
	else if (buf_set(t->body, a.body.at, a.body.len) != 0)
		err(1, NULL);
}

/* ---- in the place of common/http */

int __wrap_http_new(
    const struct http_config *cfg, struct http **h, struct err *why)
{
	(void)why;
	*h = malloc(sizeof **h);
	if (*h == NULL)
		return ERR_NOMEM;
	(*h)->cancel_fd = cfg->cancel_fd;
	return 0;
}

void __wrap_http_free(struct http *h)
{
	free(h);
}

const char *__wrap_http_ca_bundle(const struct http *h)
{
	(void)h;
	return NULL;
}

bool __wrap_http_distrusts(const struct http *h)
{
	(void)h;
	return false;
}

void __wrap_http_rest(struct http *h)
{
	(void)h;
}

/* Of a long poll that no message ends. */
static int64_t find_wait(const struct http_transfer *t)
{
	static const char key[] = "\"WaitTimeSeconds\":";
	const char *at =
	    t->req.body_len > 0
		? memmem(t->req.body, t->req.body_len, key, strlen(key))
		: NULL;

	return at != NULL ? strtoll(at + strlen(key), NULL, 10) * SIM_SECOND
			  : 0;
}

/* When it ends, and how, if the answer does not come. */
static void plan_end(struct http_transfer *t)
{
	const int64_t now = clock_read(CLOCK_MONOTONIC);
	const int64_t left = t->req.deadline - now;
	int64_t ms = 1 + random_below(&sim.chance, service.latency);

	if (is_metadata(t) && service.keys == KEYS_DOWN) {
		ms = left;
		t->rc = ERR_TIMEOUT;
	} else if (is_metadata(t) && service.net != NET_NO_ROUTE) {
		ms = 1 + ms / 50;
	} else if (service.net == NET_NO_ROUTE || service.net == NET_NO_NAME) {
		ms = service.net == NET_NO_ROUTE ? 1 : NAME_MS;
		t->rc = ERR_UNREACHABLE;
	} else if (service.net == NET_SILENT) {
		ms = t->req.connect_ms > 0 ? t->req.connect_ms : left;
		t->rc = ERR_TIMEOUT;
	} else if (service.net == NET_REFUSED) {
		t->rc = ERR_CONNECT;
	} else if (service.net == NET_BREAKS) {
		t->rc = ERR_NET;
	}
	if (t->rc == 0 && service.empty)
		ms += find_wait(t);
	if (ms >= left || disk.off) {
		ms = left;
		t->rc = t->rc != 0 ? t->rc : ERR_TIMEOUT;
	}
	t->sent = t->rc == 0 || t->rc == ERR_NET;
	t->at = sim.now + (ms > 0 ? ms : 0);
}

int __wrap_http_start(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *why)
{
	struct http_transfer *t = calloc(1, sizeof *t);

	(void)h;
	(void)why;
	*out = t;
	if (t == NULL || (t->body = buf_new(BODY_MAX)) == NULL)
		err(1, NULL);
	t->req = *req;
	(void)snprintf(t->url, sizeof t->url, "%s", req->url);
	if (!req->held)
		plan_end(t);
	return 0;
}

static void copy_word(char *to, size_t size, const char *line, const char *head)
{
	const char *at = strstr(line, head);

	if (at == NULL)
		return;
	at += strlen(head);
	(void)snprintf(to, size, "%.*s", (int)strcspn(at, "/, "), at);
}

int __wrap_http_release(
    struct http_transfer *t, const char *const *headers, struct err *why)
{
	(void)why;
	for (size_t i = 0; headers[i] != NULL; i++) {
		copy_word(t->target, sizeof t->target, headers[i],
		    "X-Amz-Target: AmazonSQS.");
		copy_word(t->key, sizeof t->key, headers[i], "Credential=");
		copy_word(t->date, sizeof t->date, headers[i], "X-Amz-Date: ");
	}
	plan_end(t);
	return 0;
}

/* ERR_CANCELED, or 0 once that time of sim.now has come. */
static int wait_until(const struct http *h, int64_t at)
{
	struct pollfd p = {.fd = h->cancel_fd, .events = POLLIN};

	do
		if (__wrap_poll(&p, 1, at > sim.now ? (int)(at - sim.now) : 0) >
		    0)
			return ERR_CANCELED;
	while (sim.now < at);
	return 0;
}

int __wrap_http_wait(struct http *h, struct http_transfer *t, struct err *why)
{
	static const char *const texts[] = {"no answer in time",
	    "cannot connect", "the connection broke", "no route"};

	if (!t->ended && wait_until(h, t->at) != 0)
		return err_set(why, ERR_CANCELED, "told to stop");
	if (!t->ended)
		end_transfer(t);
	if (t->rc == 0)
		return 0;
	return err_set(why, t->rc, "the host: %s",
	    texts[t->rc == ERR_TIMEOUT   ? 0
		  : t->rc == ERR_CONNECT ? 1
		  : t->rc == ERR_NET     ? 2
					 : 3]);
}

size_t __wrap_http_wait_any(
    struct http *h, struct http_transfer *const *all, size_t n, int64_t until)
{
	const int64_t left = until - clock_read(CLOCK_MONOTONIC);
	size_t first = 0;

	for (size_t i = 1; i < n; i++)
		if (all[i]->at < all[first]->at)
			first = i;
	if (!all[first]->ended && all[first]->at > sim.now + left) {
		if (wait_until(h, sim.now + left) != 0)
			return 0;
		return n;
	}
	(void)!__wrap_http_wait(h, all[first], NULL);
	return first;
}

int __wrap_http_do(struct http *h, const struct http_request *req,
    struct http_transfer **out, struct err *why)
{
	const int rc = __wrap_http_start(h, req, out, why);

	return rc == 0 ? __wrap_http_wait(h, *out, why) : rc;
}

int __wrap_http_status(const struct http_transfer *t)
{
	return t->status;
}

const struct buf *__wrap_http_body(const struct http_transfer *t)
{
	return t->body;
}

const char *__wrap_http_header(const struct http_transfer *t, const char *name)
{
	if (strcmp(name, "Date") == 0 && t->when[0] != '\0')
		return t->when;
	if (strcmp(name, "x-amzn-query-error") == 0 && t->name[0] != '\0')
		return t->name;
	return NULL;
}

bool __wrap_http_was_sent(const struct http_transfer *t)
{
	return t->sent;
}

void __wrap_http_transfer_free(struct http_transfer *t)
{
	if (t == NULL)
		return;
	buf_free(t->body);
	free(t);
}

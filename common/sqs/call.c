/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/call.h"

#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/text.h"
#include "http/transfer.h"
#include "sqs/explain.h"

/* With this header errors come with the code of the older protocol in
 * x-amzn-query-error. */
#define QUERY_MODE    "x-amzn-query-mode"
#define CONNECT_MS    5000
#define SKEW_MAX_MS   300000 /* what the service tolerates */
#define BACKOFF_MS    50
#define THROTTLED_MS  1000
#define BACKOFF_MAX   20000
#define ASKED_MAX     5000 /* that a service may add to it */
#define ROUTE_POLL_MS 200
#define CUT_OFF_MS    1000 /* a shorter attempt says nothing by its silence */
#define TARGET_MAX    64

/* The headers of one signed request. */
struct envelope {
	char target[TARGET_MAX];
	char type_line[TARGET_MAX + 16];
	char target_line[TARGET_MAX + 16];
	char date_line[DATE_AMZ_MAX + 16];
	struct buf *authorization_line;
	struct buf *token_line;
	const char *lines[7];
};

/* One call while it is under way. */
struct call {
	const struct sqs_op *op;
	const char *queue;
	const struct buf *body;
	int64_t deadline;
	int attempt; /* from 1 */
	bool clock_set, credentials_renewed;
	/* Of the last attempt: */
	struct sqs_error error; /* status 0: no answer with an error */
	bool unsure;            /* no error, but it may have been done */
	int64_t date;           /* the service's, 0: not told */
	struct json_stream *stream;
	bool bytes; /* the answer has any */
	int taken;  /* what stream said to the last bytes of the answer */
	struct json *answer;
};

bool sqs_may_try_again(const struct sqs *s, int attempts, int rc)
{
	return attempts < SQS_ATTEMPTS || (rc == ERR_THROTTLED && s->patient);
}

int sqs_backoff(const struct sqs *s, int attempts, int rc, int64_t deadline)
{
	int64_t most = rc == ERR_THROTTLED ? THROTTLED_MS : BACKOFF_MS, pause;

	for (int k = 1; k < attempts && most < BACKOFF_MAX; k++)
		most *= 2;
	if (most > BACKOFF_MAX)
		most = BACKOFF_MAX;
	pause = (int64_t)(clock_chance(s->clock) * (double)most);
	if (s->retry_after > pause + ASKED_MAX)
		pause += ASKED_MAX;
	else if (s->retry_after > pause)
		pause = s->retry_after;
	if (clock_mono(s->clock) + pause >= deadline)
		return ERR_TIMEOUT;
	return clock_sleep(s->clock, pause);
}

static void envelope_free(struct envelope *e)
{
	buf_free(e->authorization_line);
	buf_free(e->token_line);
}

static int fill_envelope(struct envelope *e, const struct sqs_service *service,
    const struct sigv4_result *signature, const char *token)
{
	size_t n = 0;
	int rc;

	e->authorization_line = buf_new(SIGV4_TEXT_MAX);
	e->token_line = buf_new(CRED_TOKEN_MAX + 64);
	if (e->authorization_line == NULL || e->token_line == NULL)
		return ERR_NOMEM;
	rc = buf_addf(e->authorization_line, "Authorization: %s",
	    buf_str(signature->authorization));
	if (rc == 0)
		rc = buf_addf(e->token_line, "X-Amz-Security-Token: %s", token);
	(void)snprintf(e->type_line, sizeof e->type_line, "Content-Type: %s",
	    service->content_type);
	(void)snprintf(e->target_line, sizeof e->target_line,
	    "X-Amz-Target: %s", e->target);
	(void)snprintf(e->date_line, sizeof e->date_line, "X-Amz-Date: %s",
	    signature->amz_date);
	e->lines[n++] = e->type_line;
	e->lines[n++] = e->target_line;
	if (service->query_mode)
		e->lines[n++] = QUERY_MODE ": true";
	e->lines[n++] = e->date_line;
	e->lines[n++] = buf_str(e->authorization_line);
	if (token[0] != '\0')
		e->lines[n++] = buf_str(e->token_line);
	e->lines[n] = NULL;
	return rc;
}

static int sign_request(struct sqs *s, const struct call *c,
    const struct cred *cred, struct envelope *e)
{
	const struct sqs_service *service = s->service;
	const struct sigv4_header headers[] = {
	    {"Content-Type", service->content_type},
	    {"X-Amz-Target", e->target},
	    {QUERY_MODE, "true"},
	};
	const struct sigv4_credentials credentials = {
	    .access_key = buf_str(cred->access_key),
	    .secret_key = buf_str(cred->secret_key),
	    .token = buf_str(cred->token),
	};
	const struct sigv4_request req = {
	    .method = "POST",
	    .host = s->host,
	    .headers = headers,
	    .headers_n = sizeof headers / sizeof headers[0] -
			 (service->query_mode ? 0 : 1),
	    .body = buf_data(c->body),
	    .body_len = buf_len(c->body),
	};
	struct sigv4_result signature;
	int rc;

	(void)snprintf(
	    e->target, sizeof e->target, "%s.%s", service->target, c->op->name);
	rc = sigv4_sign(s->sigv4, &credentials, &req, s->region, service->id,
	    clock_wall(s->clock) + s->skew, &signature);
	if (rc != 0)
		return rc;
	rc = fill_envelope(e, service, &signature, credentials.token);
	buf_free(signature.authorization);
	return rc;
}

static int take_bytes(void *ctx, const void *data, size_t len)
{
	struct call *c = ctx;

	c->bytes = c->bytes || len > 0;
	c->taken = json_stream_add(c->stream, data, len);
	return c->taken;
}

/* A body without a byte is that of an operation whose answer has no members
 * (AWS JSON 1.0, "empty body serialization"). */
static int read_answer(const struct sqs *s, struct call *c, struct err *err)
{
	int rc = c->bytes ? 0 : json_stream_add(c->stream, "{}", 2);

	if (rc == 0)
		rc = json_stream_end(c->stream, &c->answer);
	if (rc == 0 && json_is_object(c->answer))
		return 0;
	json_free(c->answer);
	c->answer = NULL;
	if (rc == ERR_NOMEM)
		return err_set(err, rc, "%s: out of memory", c->op->name);
	return err_set(err, ERR_FORMAT,
	    "%s: HTTP 200 with a body that is not an answer of %s; look for "
	    "a proxy or a login page in between, and at the endpoint",
	    c->op->name, s->service->name);
}

/* Note how far our clock is behind the Date of an answer.  Without a Date, the
 * offset that a refusal made us sign with is the best that is known. */
static void read_date(struct sqs *s, struct call *c, const char *date)
{
	if (date == NULL || date_parse_http(date, &c->date) != 0)
		c->date = 0;
	s->behind = c->date != 0 ? c->date - clock_wall(s->clock) : s->skew;
}

static void read_retry_after(struct sqs *s, const char *ms)
{
	uint64_t n;

	s->retry_after = 0;
	if (ms != NULL && text_read_number(ms, strlen(ms), INT64_MAX, &n))
		s->retry_after = (int64_t)n;
}

/* "CODE;Sender", or without a fault, of the query protocol; else the shape's
 * name, as restJson1 and gateways give it.  NULL: the body says it. */
static const char *find_error_code(const struct http_transfer *t)
{
	const char *code = http_header(t, "x-amzn-query-error");

	if (code != NULL && *code != '\0' && *code != ';')
		return code;
	return http_header(t, "x-amzn-errortype");
}

/* Keep what the last attempt said; c->error.code is its result. */
static int read_transfer(struct sqs *s, struct call *c,
    const struct http_transfer *t, struct err *err)
{
	const char *name = find_error_code(t);
	const struct buf *body = http_body(t);

	read_date(s, c, http_header(t, "Date"));
	read_retry_after(s, http_header(t, "x-amz-retry-after"));
	if (http_status(t) == 200) {
		int rc = read_answer(s, c, err);

		/* Some proxies make every answer a 200. */
		if (rc != 0 || json_get(c->answer, "__type") == NULL)
			return rc;
		sqs_error_json(&c->error, 200, name, c->answer);
		json_free(c->answer);
		c->answer = NULL;
	} else {
		sqs_error_read(&c->error, http_status(t), name, buf_data(body),
		    buf_len(body));
	}
	return sqs_explain(s, c->op, c->queue, &c->error, err);
}

/* The request without what signs it, so that the connection can be made while
 * the credentials are fetched. */
static int start_request(
    struct sqs *s, struct call *c, struct http_transfer **out, struct err *err)
{
	const struct http_request req = {
	    .kind = HTTP_SERVICE,
	    .method = "POST",
	    .url = s->url,
	    .body = buf_data(c->body),
	    .body_len = buf_len(c->body),
	    .answer_max =
		c->op->each != NULL ? SQS_MESSAGES_MAX : SQS_ANSWER_MAX,
	    .take = take_bytes,
	    .take_ctx = c,
	    .deadline = c->deadline,
	    .connect_ms = s->brief ? SQS_BRIEF_CONNECT_MS : CONNECT_MS,
	    .silence_ms = s->brief ? SQS_BRIEF_SILENCE_MS : 0,
	    .held = true,
	};
	struct err why = {0};
	const int rc = http_start(s->http, &req, out, &why);

	return rc == 0 ? 0 : err_set(err, rc, "%s: %s", c->op->name, why.text);
}

static int transfer_request(struct sqs *s, struct call *c,
    struct http_transfer *t, const struct envelope *e, struct err *err)
{
	struct err why = {0};
	int rc = http_release(t, e->lines, &why);

	if (rc == 0)
		rc = http_wait(s->http, t, &why);
	c->unsure = http_was_sent(t);
	if (rc == 0 || c->taken != 0)
		return read_transfer(s, c, t, err);
	return err_set(err, rc, "%s: %s", c->op->name, why.text);
}

/* Sign with what the sources of credentials give, and send. */
static int sign_and_send(
    struct sqs *s, struct call *c, struct http_transfer *t, struct err *err)
{
	struct envelope e = {0};
	const struct cred *cred;
	int rc = cred_chain_get(s->chain,
	    s->sign_by > c->deadline ? s->sign_by : c->deadline, &cred, err);

	if (rc != 0) {
		/* It is no failure of the transport: the sources have tried
		 * again themselves. */
		c->error.code = rc;
		return rc;
	}
	s->source = cred->source;
	rc = sign_request(s, c, cred, &e);
	if (rc == 0)
		rc = json_stream_new(c->op->each, &c->stream);
	if (rc == 0)
		rc = transfer_request(s, c, t, &e, err);
	else
		(void)err_set(err, rc, "%s: the request cannot be made: %s",
		    c->op->name, err_text(rc));
	json_stream_free(c->stream);
	c->stream = NULL;
	envelope_free(&e);
	return rc;
}

static int try_once(struct sqs *s, struct call *c, struct err *err)
{
	struct http_transfer *t = NULL;
	int rc;

	c->error = (struct sqs_error){0};
	c->unsure = false;
	s->retry_after = 0;
	c->taken = 0;
	c->bytes = false;
	if (c->op->begin != NULL)
		c->op->begin(c->op->each->ctx);
	rc = start_request(s, c, &t, err);
	if (rc == 0)
		rc = sign_and_send(s, c, t, err);
	http_transfer_free(t);
	return rc;
}

static bool set_clock(struct sqs *s, struct call *c)
{
	int64_t wall = clock_wall(s->clock);
	int64_t off = c->date - (wall + s->skew);

	if (c->clock_set || c->date == 0 ||
	    (off <= SKEW_MAX_MS && off >= -SKEW_MAX_MS))
		return false;
	c->clock_set = true;
	s->skew = c->date - wall;
	return true;
}

/* Keys are replaced while this program runs, and the service has many names for
 * one that is gone, so each refusal of who asks makes the sources be asked
 * again, once a call.  True if the request may be made again: they gave other
 * keys, or these only were too old, by a clock that may have been wrong. */
static bool renew_credentials(struct sqs *s, struct call *c)
{
	if (c->credentials_renewed || c->error.code != ERR_DENIED ||
	    c->error.status == 0 || c->error.remedy == SQS_REMEDY_CLOCK)
		return false;
	c->credentials_renewed = true;
	return cred_chain_renew(s->chain, c->deadline) ||
	       c->error.remedy == SQS_REMEDY_CREDENTIALS;
}

/* Whether the last attempt, which failed, may have been done all the same. */
static bool is_unsure(const struct call *c)
{
	return c->error.status != 0 ? !c->error.refused : c->unsure;
}

/* Whether the failure rc is one that another attempt may cure. */
static bool may_repeat(const struct sqs *s, const struct call *c, int rc)
{
	if (c->error.status != 0)
		return c->error.remedy == SQS_REMEDY_RETRY ||
		       c->error.remedy == SQS_REMEDY_RETRY_UNSURE;
	if (c->error.code != 0)
		return false;
	if (rc == ERR_TIMEOUT)
		return clock_mono(s->clock) < c->deadline;
	return rc == ERR_UNREACHABLE || rc == ERR_CONNECT || rc == ERR_NET;
}

/* Wait as the failure rc asks for.  0: go on with another attempt. */
static int prepare_again(struct sqs *s, struct call *c, int rc)
{
	const bool renewed = renew_credentials(s, c);

	/* Two copies of a message are first receipts for two machines. */
	if (c->op->once && is_unsure(c))
		return rc;
	if (c->error.remedy == SQS_REMEDY_CLOCK)
		return set_clock(s, c) && !c->op->dated ? 0 : rc;
	if (renewed)
		return 0;
	if (c->op->waits || !may_repeat(s, c, rc))
		return rc;
	if (rc == ERR_UNREACHABLE && s->patient) {
		if (clock_mono(s->clock) + ROUTE_POLL_MS >= c->deadline)
			return ERR_TIMEOUT;
		return clock_sleep(s->clock, ROUTE_POLL_MS);
	}
	if (s->brief || !sqs_may_try_again(s, c->attempt, rc))
		return rc;
	return sqs_backoff(s, c->attempt++, rc, c->deadline);
}

/* Whether the deadline ended a later attempt before it did anything.  One that
 * came after waits for a route alone, and was long, has met silence. */
static bool was_cut_off(
    const struct sqs *s, const struct call *c, int rc, int64_t began)
{
	const int64_t now = clock_mono(s->clock);

	return rc == ERR_TIMEOUT && !c->unsure && now >= c->deadline &&
	       (c->attempt > 1 || now - began < CUT_OFF_MS);
}

static void tell_attempt(
    const struct sqs *s, const struct call *c, int rc, int64_t began)
{
	char line[LIMIT_URL + 128];

	if (s->called == NULL)
		return;
	(void)snprintf(line, sizeof line, "%s at %s: %s after %lld ms",
	    c->op->name, s->host, rc == 0 ? "done" : err_text(rc),
	    (long long)(clock_mono(s->clock) - began));
	s->called(line);
}

static int repeat_attempts(struct sqs *s, struct call *c, struct err *err)
{
	struct err before = {0};
	int rc, again;

	do {
		const int64_t began = clock_mono(s->clock);

		rc = try_once(s, c, err);
		tell_attempt(s, c, rc, began);
		/* The error of the attempt before tells more than that time
		 * was up. */
		if (before.code != 0 && was_cut_off(s, c, rc, began)) {
			*err = before;
			rc = before.code;
		}
		before = *err;
		again = rc != 0 ? prepare_again(s, c, rc) : ERR_NONE;
	} while (rc != 0 && again == 0);
	s->unsure = rc != 0 && is_unsure(c);
	s->last = c->error;
	if (rc != 0 && again == ERR_CANCELED)
		rc = err_set(err, again, "%s: told to stop", c->op->name);
	return rc;
}

int sqs_call(struct sqs *s, const struct sqs_op *op, const char *queue,
    struct json_writer *request, int64_t deadline, struct json **answer,
    struct err *err)
{
	struct buf *body = buf_new(JSON_TEXT_MAX);
	struct call c = {.op = op,
	    .queue = queue,
	    .body = body,
	    .deadline = deadline,
	    .attempt = 1};
	int rc = ERR_NOMEM;

	s->unsure = false;
	if (body != NULL)
		rc = json_writer_finish(request, body);
	json_writer_free(request);
	if (rc == 0)
		rc = repeat_attempts(s, &c, err);
	else
		(void)err_set(err, rc, "%s: the request cannot be made: %s",
		    op->name, err_text(rc));
	buf_free(body);
	*answer = c.answer;
	return rc;
}

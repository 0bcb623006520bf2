/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/imds_question.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define TTL_TEXT_(n) #n
#define TTL_TEXT(n)  TTL_TEXT_(n)

bool imds_is_word(const char *s, size_t len)
{
	return len > 0 && text_is_graphic(s, len);
}

static int fail_off(struct imds *i, struct imds_question *q, struct err *err)
{
	q->patience.over = true;
	return err_set(err, ERR_DENIED,
	    "IMDS at %s is off (403), or a proxy added X-Forwarded-For: "
	    "enable it: aws ec2 modify-instance-metadata-options "
	    "--instance-id ID --http-endpoint enabled",
	    i->peer.host);
}

/* What the status of an answer that is not 200 means. */
static int judge_status(
    struct imds *i, struct imds_question *q, int status, struct err *err)
{
	if (status == 403)
		return fail_off(i, q, err);
	if (status == 404 && q->absent != NULL)
		return err_set(err, q->missing, "%s", q->absent);
	if (status == 404)
		return err_set(err, ERR_ABSENT, "IMDS at %s has no %s",
		    i->peer.host, q->path);
	return err_set(err, status == 429 ? ERR_THROTTLED : ERR_SERVICE,
	    "IMDS at %s answered %d to %s: try again later", i->peer.host,
	    status, q->path);
}

/* Of what else is served at that address nobody expects tokens. */
static int judge_token_status(
    struct imds *i, struct imds_question *q, int status, struct err *err)
{
	if (status == 403)
		return fail_off(i, q, err);
	if (status == 429 || status >= 500)
		return err_set(err, status == 429 ? ERR_THROTTLED : ERR_SERVICE,
		    "IMDS at %s answered %d when asked for a token: try again "
		    "later",
		    i->peer.host, status);
	q->patience.over = status != 404;
	return err_set(err, ERR_ABSENT,
	    "%s answered %d when asked for a token: it is no IMDSv2",
	    i->peer.host, status);
}

static int renew_token(struct imds *i, struct imds_question *q, struct err *err)
{
	static const char *const headers[] = {
	    "X-aws-ec2-metadata-token-ttl-seconds: " TTL_TEXT(IMDS_TOKEN_TTL),
	    NULL};
	struct http_transfer *t = NULL;
	const struct buf *body;
	char url[IMDS_URL_MAX];
	int rc;

	buf_reset(i->token);
	(void)snprintf(
	    url, sizeof url, "%s/latest/api/token", imds_endpoint(i));
	rc = imds_fetch(&i->peer, &q->patience, "PUT", url, headers, &t, err);
	if (rc != 0)
		return rc;
	body = http_body(t);
	if (http_status(t) != 200)
		rc = judge_token_status(i, q, http_status(t), err);
	else if (!imds_is_word(buf_str(body), buf_len(body)))
		rc = err_set(err, ERR_FORMAT,
		    "IMDS at %s gave a malformed token", i->peer.host);
	else if (buf_set(i->token, buf_data(body), buf_len(body)) != 0)
		rc = err_set(err, ERR_LIMIT,
		    "IMDS at %s gave a token over %d bytes", i->peer.host,
		    IMDS_TOKEN_MAX);
	else
		i->peer.answered = true;
	http_transfer_free(t);
	return rc;
}

/* NULL when memory is short. */
static struct buf *make_token_line(const struct imds *i)
{
	struct buf *line = buf_new(IMDS_TOKEN_MAX + 64);

	if (line != NULL &&
	    buf_addstr(line, "X-aws-ec2-metadata-token: ") == 0 &&
	    buf_add(line, buf_data(i->token), buf_len(i->token)) == 0)
		return line;
	buf_free(line);
	return NULL;
}

static int send_question(struct imds *i, struct imds_question *q,
    const char *url, struct http_transfer **t, struct err *err)
{
	const char *headers[2] = {NULL, NULL};
	struct buf *line;
	int rc = 0;

	if (buf_len(i->token) == 0)
		rc = renew_token(i, q, err);
	if (rc != 0)
		return rc;
	line = make_token_line(i);
	if (line == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	headers[0] = buf_str(line);
	rc = imds_fetch(&i->peer, &q->patience, "GET", url, headers, t, err);
	buf_free(line);
	return rc;
}

int imds_question_begin(struct imds *i, const char *path, int64_t deadline,
    struct http_transfer **out, struct err *err)
{
	char url[IMDS_URL_MAX];
	struct buf *line = make_token_line(i);
	const char *const headers[] = {
	    line != NULL ? buf_str(line) : NULL, NULL};
	const struct http_request req = {.kind = HTTP_METADATA,
	    .method = "GET",
	    .url = url,
	    .headers = headers,
	    .answer_max = IMDS_ANSWER_MAX,
	    .deadline = deadline};
	int rc = ERR_NOMEM;

	*out = NULL;
	(void)snprintf(url, sizeof url, "%s/latest/%s", imds_endpoint(i), path);
	if (line != NULL)
		rc = http_start(i->peer.http, &req, out, err);
	buf_free(line);
	return rc;
}

/* A token that has served, and is refused now, has grown old: it is replaced at
 * once.  So is another one, once in a question; after that there are pauses. */
static bool may_renew_at_once(const struct imds *i, struct imds_question *q)
{
	const bool once = !q->patience.renewed;

	q->patience.renewed = true;
	return i->token_served || once;
}

static int answer_question(struct imds *i, struct imds_question *q,
    const char *url, struct http_transfer **t, struct err *err)
{
	int rc = send_question(i, q, url, t, err);

	if (rc == 0 && http_status(*t) == 401 && may_renew_at_once(i, q)) {
		buf_reset(i->token);
		http_transfer_free(*t);
		*t = NULL;
		rc = send_question(i, q, url, t, err);
	}
	if (rc == 0)
		i->token_served = http_status(*t) != 401;
	if (rc == 0 && !i->token_served)
		buf_reset(i->token);
	return rc;
}

int imds_question_ask(struct imds *i, struct imds_question *q,
    struct http_transfer **t, struct err *err)
{
	char url[IMDS_URL_MAX];
	int rc;

	*t = NULL;
	if ((size_t)snprintf(url, sizeof url, "%s/latest/%s", imds_endpoint(i),
		q->path) >= sizeof url) {
		q->patience.over = true;
		return err_set(err, ERR_LIMIT, "an IMDS path is too long");
	}
	q->status = 0;
	rc = answer_question(i, q, url, t, err);
	if (rc == 0)
		q->status = http_status(*t);
	if (q->status == 200)
		return 0;
	if (rc == 0)
		rc = judge_status(i, q, q->status, err);
	http_transfer_free(*t);
	*t = NULL;
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/imds.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/imds_fetch.h"
#include "aws/imds_settings.h"
#include "base/text.h"
#include "base/url.h"

#define URL_MAX      1024
#define TOKEN_MAX    1024
#define ROLE_PATH    "meta-data/iam/security-credentials/"

#define TTL_TEXT_(n) #n
#define TTL_TEXT(n)  TTL_TEXT_(n)

struct imds {
	struct imds_settings settings;
	struct imds_peer peer; /* its host lies in the settings' endpoint */
	struct buf *token;     /* empty: none yet */
};

static bool is_word(const char *s, size_t len)
{
	return len > 0 && text_is_graphic(s, len);
}

/* ---- the token, and requests that bear it */

static int fail_off(const struct imds *i, struct err *err)
{
	return err_set(err, ERR_ABSENT,
	    "IMDS at %s is off (403), or a proxy added X-Forwarded-For: "
	    "enable it: aws ec2 modify-instance-metadata-options "
	    "--instance-id ID --http-endpoint enabled",
	    i->peer.host);
}

static int renew_token(struct imds *i, int64_t deadline, struct err *err)
{
	static const char *const headers[] = {
	    "X-aws-ec2-metadata-token-ttl-seconds: " TTL_TEXT(IMDS_TOKEN_TTL),
	    NULL};
	struct http_transfer *t = NULL;
	const struct buf *body;
	char url[URL_MAX];
	int rc;

	buf_reset(i->token);
	(void)snprintf(
	    url, sizeof url, "%s/latest/api/token", i->settings.endpoint);
	rc = imds_fetch(&i->peer, "PUT", url, headers, deadline, &t, err);
	if (rc != 0)
		return rc;
	body = http_body(t);
	if (http_status(t) == 403)
		rc = fail_off(i, err);
	else if (http_status(t) != 200)
		rc = err_set(err, ERR_ABSENT,
		    "%s answered %d when asked for a token: it is no IMDSv2",
		    i->peer.host, http_status(t));
	else if (!is_word(buf_str(body), buf_len(body)))
		rc = err_set(err, ERR_FORMAT,
		    "IMDS at %s gave a malformed token", i->peer.host);
	else if (buf_set(i->token, buf_data(body), buf_len(body)) != 0)
		rc = err_set(err, ERR_LIMIT,
		    "IMDS at %s gave a token over %d bytes", i->peer.host,
		    TOKEN_MAX);
	else
		i->peer.answered = true;
	http_transfer_free(t);
	return rc;
}

static int get_answer_once(struct imds *i, const char *url, int64_t deadline,
    struct http_transfer **t, struct err *err)
{
	const char *headers[2] = {NULL, NULL};
	struct buf *line;
	int rc = 0;

	if (buf_len(i->token) == 0)
		rc = renew_token(i, deadline, err);
	if (rc != 0)
		return rc;
	line = buf_new(TOKEN_MAX + 64);
	if (line == NULL ||
	    buf_addstr(line, "X-aws-ec2-metadata-token: ") != 0 ||
	    buf_add(line, buf_data(i->token), buf_len(i->token)) != 0) {
		rc = err_set(err, ERR_NOMEM, "out of memory");
	} else {
		headers[0] = buf_str(line);
		rc =
		    imds_fetch(&i->peer, "GET", url, headers, deadline, t, err);
	}
	buf_free(line);
	return rc;
}

/* On success *t has status 200 and is the caller's to free.  absent is the
 * error's text for status 404; NULL: a general one. */
static int get_answer(struct imds *i, const char *path, const char *absent,
    int64_t deadline, struct http_transfer **t, struct err *err)
{
	char url[URL_MAX];
	int rc, status;

	*t = NULL;
	if (i->settings.disabled)
		return err_set(err, ERR_ABSENT,
		    "IMDS is off by AWS_EC2_METADATA_DISABLED: unset it to "
		    "use IMDS");
	if ((size_t)snprintf(url, sizeof url, "%s/latest/%s", imds_endpoint(i),
		path) >= sizeof url)
		return err_set(err, ERR_LIMIT, "an IMDS path is too long");
	rc = get_answer_once(i, url, deadline, t, err);
	if (rc == 0 && http_status(*t) == 401) {
		http_transfer_free(*t);
		*t = NULL;
		buf_reset(i->token);
		rc = get_answer_once(i, url, deadline, t, err);
	}
	if (rc != 0)
		return rc;
	status = http_status(*t);
	if (status == 200)
		return 0;
	http_transfer_free(*t);
	*t = NULL;
	if (status == 403)
		return fail_off(i, err);
	if (status == 404 && absent != NULL)
		return err_set(err, ERR_ABSENT, "%s", absent);
	if (status == 404)
		return err_set(err, ERR_ABSENT, "IMDS at %s has no %s",
		    i->peer.host, path);
	return err_set(err, ERR_SERVICE,
	    "IMDS at %s answered %d to %s: try again later", i->peer.host,
	    status, path);
}

/* ---- plain values */

static size_t text_len(const struct buf *body)
{
	size_t len = buf_len(body);

	if (len > 0 && buf_data(body)[len - 1] == '\n')
		len--;
	return len;
}

static int get_value(struct imds *i, const char *path, const char *absent,
    char out[static IMDS_TEXT_MAX], int64_t deadline, struct err *err)
{
	struct http_transfer *t;
	const struct buf *body;
	int rc = get_answer(i, path, absent, deadline, &t, err);
	size_t len;

	if (rc != 0)
		return rc;
	body = http_body(t);
	len = text_len(body);
	if (len >= IMDS_TEXT_MAX)
		rc = err_set(err, ERR_LIMIT,
		    "IMDS at %s gave %zu bytes for %s: at most %d are "
		    "expected",
		    i->peer.host, len, path, IMDS_TEXT_MAX - 1);
	for (size_t k = 0; rc == 0 && k < len; k++)
		if (buf_data(body)[k] < ' ' && buf_data(body)[k] != '\n')
			rc = err_set(err, ERR_FORMAT,
			    "IMDS at %s gave control characters for %s",
			    i->peer.host, path);
	if (rc == 0) {
		memcpy(out, buf_data(body), len);
		out[len] = '\0';
	}
	http_transfer_free(t);
	return rc;
}

static int get_word(struct imds *i, const char *path,
    char out[static IMDS_TEXT_MAX], int64_t deadline, struct err *err)
{
	char text[IMDS_TEXT_MAX];
	int rc = get_value(i, path, NULL, text, deadline, err);

	if (rc == 0 && !is_word(text, strlen(text)))
		rc = err_set(err, ERR_FORMAT, "IMDS at %s gave a malformed %s",
		    i->peer.host, path);
	if (rc == 0)
		memcpy(out, text, strlen(text) + 1);
	return rc;
}

int imds_region(struct imds *i, char out[static IMDS_TEXT_MAX],
    int64_t deadline, struct err *err)
{
	return get_word(i, "meta-data/placement/region", out, deadline, err);
}

int imds_instance_id(struct imds *i, char out[static IMDS_TEXT_MAX],
    int64_t deadline, struct err *err)
{
	return get_word(i, "meta-data/instance-id", out, deadline, err);
}

/*
 * Append text to path as one segment.  What RFC 3986 (3.3) allows in one
 * stays as it is, tag keys' colons among it; all else is percent-encoded.
 */
static int append_segment(char *path, size_t size, const char *text)
{
	size_t at = strlen(path);

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain =
		    c < 0x80 &&
		    (isalnum(c) || strchr("-._~!$&'()*+,;=:@", c) != NULL);

		if (size - at < 4)
			return ERR_LIMIT;
		at += (size_t)snprintf(
		    path + at, size - at, plain ? "%c" : "%%%02X", c);
	}
	return 0;
}

int imds_tag(struct imds *i, const char *key, char out[static IMDS_TEXT_MAX],
    int64_t deadline, struct err *err)
{
	char path[URL_MAX / 2] = "meta-data/tags/instance/";
	char absent[ERR_TEXT_MAX];

	if (key[0] == '\0' || append_segment(path, sizeof path, key) != 0)
		return err_set(
		    err, ERR_LIMIT, "a tag key is empty or too long");
	(void)snprintf(absent, sizeof absent,
	    "the instance metadata has no tag %s: set it, and allow tags "
	    "there: aws ec2 modify-instance-metadata-options --instance-id ID "
	    "--instance-metadata-tags enabled",
	    key);
	return get_value(i, path, absent, out, deadline, err);
}

/* ---- the role's credentials */

/* Only the first line counts, and it must be what IAM allows in a name. */
static int get_role(struct imds *i, char role[static IMDS_TEXT_MAX],
    int64_t deadline, struct err *err)
{
	static const char absent[] =
	    "no IAM role is attached to this instance: attach an instance "
	    "profile that allows sqs:ReceiveMessage and sqs:DeleteMessage "
	    "on the queue (sqs:SendMessage for a producer)";
	int rc = get_value(i, ROLE_PATH, absent, role, deadline, err);

	if (rc != 0)
		return rc;
	role[strcspn(role, "\n")] = '\0';
	if (role[0] == '\0')
		return err_set(err, ERR_ABSENT, "%s", absent);
	if (!is_word(role, strlen(role)))
		return err_set(err, ERR_FORMAT,
		    "IMDS at %s gave a malformed role name", i->peer.host);
	return 0;
}

static int load_role(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	struct imds *i = ctx;
	char role[IMDS_TEXT_MAX], path[URL_MAX / 2] = ROLE_PATH;
	struct http_transfer *t;
	int rc = get_role(i, role, deadline, err);

	if (rc == 0 && append_segment(path, sizeof path, role) != 0)
		rc = err_set(err, ERR_LIMIT, "a role name is too long");
	if (rc == 0)
		rc = get_answer(i, path, NULL, deadline, &t, err);
	if (rc != 0)
		return rc;
	rc = imds_document(http_body(t), role, out, err);
	http_transfer_free(t);
	return rc;
}

struct cred_source imds_source(struct imds *i)
{
	return (struct cred_source){
	    .name = "IMDS", .load = load_role, .ctx = i};
}

bool imds_answers(const struct imds *i)
{
	return i->peer.answered;
}

/* ---- the client */

int imds_new(struct http *http, const struct clock *clock,
    const struct imds_config *cfg, struct imds **out, struct err *err)
{
	struct imds *i = calloc(1, sizeof *i);
	const char *endpoint;
	int rc;

	*out = NULL;
	if (i == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	i->peer.http = http;
	i->peer.clock = clock;
	i->peer.wait_for_route = cfg->wait_for_route;
	i->token = buf_new(TOKEN_MAX);
	rc = i->token != NULL
		 ? imds_settings_read(cfg->files, &i->settings, err)
		 : err_set(err, ERR_NOMEM, "out of memory");
	if (rc != 0) {
		imds_free(i);
		return rc;
	}
	endpoint = imds_endpoint(i);
	i->peer.host = endpoint + url_scheme_len(endpoint);
	*out = i;
	return 0;
}

const char *imds_endpoint(const struct imds *i)
{
	return i->settings.endpoint;
}

void imds_free(struct imds *i)
{
	if (i == NULL)
		return;
	buf_free(i->token);
	free(i);
}

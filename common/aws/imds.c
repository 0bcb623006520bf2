/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/imds.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/imds_question.h"
#include "base/url.h"

#define ROLE_PATH "meta-data/iam/security-credentials/"
#define ID_PATH   "meta-data/instance-id"

/* ---- plain values */

static size_t text_len(const struct buf *body)
{
	size_t len = buf_len(body);

	if (len > 0 && buf_data(body)[len - 1] == '\n')
		len--;
	return len;
}

static int copy_value(struct imds *i, const char *path, const struct buf *body,
    char out[static IMDS_TEXT_MAX], struct err *err)
{
	const size_t len = text_len(body);

	if (len >= IMDS_TEXT_MAX)
		return err_set(err, ERR_LIMIT,
		    "IMDS at %s gave %zu bytes for %s: at most %d are "
		    "expected",
		    i->peer.host, len, path, IMDS_TEXT_MAX - 1);
	for (size_t k = 0; k < len; k++)
		if (buf_data(body)[k] < ' ' && buf_data(body)[k] != '\n')
			return err_set(err, ERR_FORMAT,
			    "IMDS at %s gave control characters for %s",
			    i->peer.host, path);
	memcpy(out, buf_data(body), len);
	out[len] = '\0';
	return 0;
}

static int get_value(struct imds *i, struct imds_question *q,
    char out[static IMDS_TEXT_MAX], struct err *err)
{
	struct http_transfer *t;
	int rc = imds_question_ask(i, q, &t, err);

	if (rc == 0)
		rc = copy_value(i, q->path, http_body(t), out, err);
	http_transfer_free(t);
	return rc;
}

static int get_word(struct imds *i, struct imds_question *q,
    char out[static IMDS_TEXT_MAX], struct err *err)
{
	int rc = get_value(i, q, out, err);

	if (rc == 0 && !imds_is_word(out, strlen(out)))
		rc = err_set(err, ERR_FORMAT, "IMDS at %s gave a malformed %s",
		    i->peer.host, q->path);
	return rc;
}

static void adopt_settings(struct imds *i, const struct imds_settings *now)
{
	const char *endpoint = i->peer.settings.endpoint;

	i->peer.settings = *now;
	i->peer.host = endpoint + url_scheme_len(endpoint);
}

/* The profile may say something else by now, and elsewhere no token of this
 * service counts. */
static int renew_settings(struct imds *i, struct err *err)
{
	struct imds_settings now;
	int rc = imds_settings_read(i->cfg.files, &now, err);

	if (rc != 0)
		return rc;
	if (strcmp(now.endpoint, i->peer.settings.endpoint) != 0) {
		buf_reset(i->token);
		i->peer.answered = false;
	}
	adopt_settings(i, &now);
	if (now.disabled)
		return err_set(err, ERR_ABSENT,
		    "IMDS is off by AWS_EC2_METADATA_DISABLED: unset it to "
		    "use IMDS");
	return 0;
}

/* Ask for a value until it has come; out is set then only. */
static int ask_for(struct imds *i, struct imds_question *q,
    int (*get)(struct imds *, struct imds_question *, char *, struct err *),
    char out[static IMDS_TEXT_MAX], int64_t deadline, struct err *err)
{
	char text[IMDS_TEXT_MAX];
	int rc = renew_settings(i, err);

	if (rc != 0)
		return rc;
	q->patience = imds_patience_begin(&i->peer, deadline);
	do
		rc = get(i, q, text, err);
	while (imds_again(&i->peer, &q->patience, &rc, err));
	if (rc == 0)
		memcpy(out, text, strlen(text) + 1);
	return rc;
}

int imds_region(struct imds *i, char out[static IMDS_TEXT_MAX],
    int64_t deadline, struct err *err)
{
	struct imds_question q = {.path = "meta-data/placement/region"};

	return ask_for(i, &q, get_word, out, deadline, err);
}

void imds_want_id(struct imds *i)
{
	i->id_wanted = true;
}

static void begin_id(struct imds *i, int64_t deadline)
{
	if (i->id_wanted && i->id == NULL)
		(void)!imds_question_begin(i, ID_PATH, deadline, &i->id, NULL);
}

/* Take the answer to what was asked early.  0, or it has to be asked for: one
 * that is lost takes half of the time. */
static int take_id(
    struct imds *i, char out[static IMDS_TEXT_MAX], int64_t deadline)
{
	const int64_t now = clock_mono(i->peer.clock);
	struct http_transfer *t = i->id;
	char text[IMDS_TEXT_MAX];
	int rc = ERR_ABSENT;

	if (t == NULL)
		return rc;
	if (http_wait_any(i->peer.http, &t, 1, now + (deadline - now) / 2) == 0)
		rc = http_wait(i->peer.http, t, NULL);
	if (rc == 0 && http_status(t) != 200)
		rc = ERR_SERVICE;
	if (rc == 0)
		rc = copy_value(i, ID_PATH, http_body(t), text, NULL);
	if (rc == 0 && !imds_is_word(text, strlen(text)))
		rc = ERR_FORMAT;
	if (rc == 0)
		memcpy(out, text, strlen(text) + 1);
	http_transfer_free(t);
	i->id = NULL;
	return rc;
}

int imds_instance_id(struct imds *i, char out[static IMDS_TEXT_MAX],
    int64_t deadline, struct err *err)
{
	struct imds_question q = {.path = ID_PATH};

	if (take_id(i, out, deadline) == 0)
		return 0;
	return ask_for(i, &q, get_word, out, deadline, err);
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
	char path[IMDS_URL_MAX / 2] = "meta-data/tags/instance/";
	char absent[ERR_TEXT_MAX];
	struct imds_question q = {
	    .path = path, .absent = absent, .missing = ERR_ABSENT};

	if (key[0] == '\0' || append_segment(path, sizeof path, key) != 0)
		return err_set(
		    err, ERR_LIMIT, "a tag key is empty or too long");
	(void)snprintf(absent, sizeof absent,
	    "the instance metadata has no tag %s: set it, and allow tags "
	    "there: aws ec2 modify-instance-metadata-options --instance-id ID "
	    "--instance-metadata-tags enabled",
	    key);
	return ask_for(i, &q, get_value, out, deadline, err);
}

/* ---- the role's credentials */

/* Only the first line counts, and it must be what IAM allows in a name.  role
 * is set then only. */
static int get_role(struct imds *i, struct imds_patience *s,
    char role[static IMDS_TEXT_MAX], struct err *err)
{
	static const char absent[] =
	    "no IAM role is attached to this instance: attach an instance "
	    "profile that allows sqs:ReceiveMessage and sqs:DeleteMessage "
	    "on the queue (sqs:SendMessage for a producer)";
	struct imds_question q = {.path = ROLE_PATH,
	    .absent = absent,
	    .missing = ERR_ABSENT,
	    .patience = *s};
	char name[IMDS_TEXT_MAX];
	int rc = get_value(i, &q, name, err);

	*s = q.patience;
	if (rc != 0)
		return rc;
	name[strcspn(name, "\n")] = '\0';
	if (name[0] == '\0')
		return err_set(err, ERR_ABSENT, "%s", absent);
	if (!imds_is_word(name, strlen(name)))
		return err_set(err, ERR_FORMAT,
		    "IMDS at %s gave a malformed role name", i->peer.host);
	memcpy(role, name, strlen(name) + 1);
	return 0;
}

/* A role that was detached meanwhile has no document any more.  Unless the
 * request for it is to be tried again, role is made "". */
static int get_document(struct imds *i, struct imds_patience *s, char *role,
    struct cred *out, struct err *err)
{
	char path[IMDS_URL_MAX / 2] = ROLE_PATH, absent[ERR_TEXT_MAX];
	struct imds_question q = {.path = path,
	    .absent = absent,
	    .missing = ERR_SERVICE,
	    .patience = *s};
	struct http_transfer *t;
	int rc;

	if (append_segment(path, sizeof path, role) != 0) {
		role[0] = '\0';
		return err_set(err, ERR_LIMIT, "a role name is too long");
	}
	(void)snprintf(absent, sizeof absent,
	    "IMDS at %s names the role %s and has no credentials for it: try "
	    "again later, or attach the instance profile anew",
	    i->peer.host, role);
	rc = imds_question_ask(i, &q, &t, err);
	*s = q.patience;
	if (rc != 0 && q.status != 404)
		return rc;
	if (rc == 0)
		rc = imds_document(http_body(t), role, out, err);
	http_transfer_free(t);
	role[0] = '\0';
	return rc;
}

static int load_role(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	struct imds *i = ctx;
	char role[IMDS_TEXT_MAX] = "";
	struct imds_patience s;
	int rc = renew_settings(i, err);

	if (rc != 0)
		return rc;
	s = imds_patience_begin(&i->peer, deadline);
	do {
		rc = role[0] != '\0' ? 0 : get_role(i, &s, role, err);
		if (rc == 0)
			rc = get_document(i, &s, role, out, err);
	} while (imds_again(&i->peer, &s, &rc, err));
	if (rc == 0)
		begin_id(i, deadline);
	return rc;
}

struct cred_source imds_source(struct imds *i)
{
	return (struct cred_source){
	    .name = "IMDS", .load = load_role, .ctx = i};
}

bool imds_answers(const struct imds *i)
{
	return i->peer.answered || i->peer.machine == IMDS_MACHINE_EC2;
}

/* ---- the client */

int imds_new(struct http *http, const struct clock *clock,
    const struct imds_config *cfg, struct imds **out, struct err *err)
{
	struct imds *i = calloc(1, sizeof *i);
	struct imds_settings settings;
	int rc;

	*out = NULL;
	if (i == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	i->cfg = *cfg;
	i->peer.http = http;
	i->peer.clock = clock;
	i->peer.wait_for_route = cfg->wait_for_route;
	i->peer.machine = cfg->machine;
	i->token = buf_new(IMDS_TOKEN_MAX);
	rc = i->token != NULL
		 ? imds_settings_read(
		       cfg->patient ? NULL : cfg->files, &settings, err)
		 : err_set(err, ERR_NOMEM, "out of memory");
	if (rc != 0) {
		imds_free(i);
		return rc;
	}
	adopt_settings(i, &settings);
	*out = i;
	return 0;
}

const char *imds_endpoint(const struct imds *i)
{
	return i->peer.settings.endpoint;
}

void imds_free(struct imds *i)
{
	if (i == NULL)
		return;
	http_transfer_free(i->id);
	buf_free(i->token);
	free(i);
}

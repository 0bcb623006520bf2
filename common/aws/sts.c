/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/sts.h"

#include <stdio.h>
#include <string.h>

#include "aws/cred_fetch.h"
#include "aws/sts_answer.h"
#include "aws/token_file.h"
#include "base/arn.h"
#include "base/date.h"
#include "base/url.h"
#include "http/transfer.h"

#define VERSION      "2011-06-15"
#define CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"
#define FORM_MAX     (3 * STS_TOKEN_MAX + 32768) /* bytes, percent-encoded */
#define VALUE_MAX    2048 /* bytes of an ARN, a name, an id */
#define SKEW_MAX_MS  300000
#define LINES_MAX    5

/* One call while it is under way. */
struct sts_call {
	struct sts *sts;
	struct sts_asked asked;
	const struct cred *by; /* NULL: nothing is signed */
	char *identity;        /* asked for, instead of credentials */
	int64_t deadline;
	struct buf *form;
	char url[LIMIT_URL + 1];
	struct url where;
	struct buf *authorization, *token; /* header lines */
	char date[DATE_AMZ_MAX + 16];
	int64_t signed_at; /* the time in date, ms */
	const char *lines[LINES_MAX];
};

/* ---- the place */

int sts_default_endpoint(const char *region, bool legacy,
    char endpoint[static LIMIT_URL], const char **scope)
{
	static const char *const older[] = {"ap-northeast-1", "ap-south-1",
	    "ap-southeast-1", "ap-southeast-2", "aws-global", "ca-central-1",
	    "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3",
	    "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"};

	*scope = region;
	for (size_t i = 0; legacy && i < sizeof older / sizeof older[0]; i++) {
		if (strcmp(older[i], region) != 0)
			continue;
		*scope = "us-east-1";
		(void)snprintf(
		    endpoint, LIMIT_URL, "https://sts.amazonaws.com");
		return 0;
	}
	return snprintf(endpoint, LIMIT_URL, "https://sts.%s.%s", region,
		   arn_partition(region)->suffix) < LIMIT_URL
		   ? 0
		   : ERR_LIMIT;
}

static int split_sts_endpoint(struct sts_call *c, struct err *err)
{
	const char *endpoint = c->sts->endpoint;

	if (url_split(endpoint, &c->where) != 0 ||
	    (c->where.path[0] != '\0' && strcmp(c->where.path, "/") != 0))
		return err_set(err, ERR_CONFIG,
		    "the STS endpoint \"%.128s\" is not https://HOST or "
		    "https://HOST:PORT",
		    endpoint);
	(void)snprintf(c->url, sizeof c->url, "%s/", c->where.origin);
	return 0;
}

/* ---- the form */

/* One field, its value percent-encoded but for what RFC 3986 (2.3) leaves as
 * it is. */
static int add_form_field(struct buf *form, const char *name, const char *value)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-._~";
	int rc = buf_addf(form, "%s%s=", buf_len(form) > 0 ? "&" : "", name);

	while (rc == 0 && *value != '\0') {
		const size_t len = strspn(value, plain);

		if (len > 0)
			rc = buf_add(form, value, len);
		else
			rc = buf_addf(form, "%%%02X", (unsigned char)*value);
		value += len > 0 ? len : 1;
	}
	return rc;
}

static int add_form_role(
    struct buf *form, const struct sts_role *role, int64_t wall)
{
	char name[64], seconds[16];
	const char *session = role->session_name;
	int rc = add_form_field(form, "RoleArn", role->arn);

	if (session == NULL || session[0] == '\0') {
		(void)snprintf(name, sizeof name, "sqs-entropy-%lld",
		    (long long)(wall / 1000));
		session = name;
	}
	if (rc == 0)
		rc = add_form_field(form, "RoleSessionName", session);
	(void)snprintf(seconds, sizeof seconds, "%d", role->duration);
	if (rc == 0 && role->duration > 0)
		rc = add_form_field(form, "DurationSeconds", seconds);
	return rc;
}

static bool is_short(const char *s)
{
	return s == NULL || strnlen(s, VALUE_MAX + 1) <= VALUE_MAX;
}

static int begin_any_form(struct sts_call *c, struct err *err)
{
	int rc;

	c->form = buf_new(FORM_MAX);
	if (c->form == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = add_form_field(c->form, "Action", c->asked.action);
	if (rc == 0)
		rc = add_form_field(c->form, "Version", VERSION);
	return rc == 0 ? 0 : err_set(err, rc, "%s", err_text(rc));
}

static int begin_form(
    struct sts_call *c, const struct sts_role *role, struct err *err)
{
	int rc;

	if (role->arn == NULL || role->arn[0] == '\0')
		return err_set(err, ERR_CONFIG,
		    "a role is to be assumed and its ARN is not set: set "
		    "role_arn, or AWS_ROLE_ARN");
	if (!is_short(role->arn) || !is_short(role->session_name) ||
	    !is_short(role->external_id) || role->duration < 0)
		return err_set(err, ERR_CONFIG,
		    "the ARN of a role, its session name or external id is "
		    "over %d characters, or its duration below 0",
		    VALUE_MAX);
	rc = begin_any_form(c, err);
	if (rc == 0)
		rc = add_form_role(c->form, role, clock_wall(c->sts->clock));
	return rc == 0 ? 0 : err_set(err, rc, "%s", err_text(rc));
}

/* The field that one action alone has; NULL or "": it has none. */
static int end_form(
    struct sts_call *c, const char *name, const char *value, struct err *err)
{
	int rc = 0;

	if (value != NULL && value[0] != '\0')
		rc = add_form_field(c->form, name, value);
	return rc == 0 ? 0 : err_set(err, rc, "%s", err_text(rc));
}

/* ---- one request */

static int sign_call(struct sts_call *c)
{
	const struct sigv4_header headers[] = {{"Content-Type", CONTENT_TYPE}};
	const struct sigv4_credentials by = {
	    .access_key = buf_str(c->by->access_key),
	    .secret_key = buf_str(c->by->secret_key),
	    .token = buf_str(c->by->token),
	};
	const struct sigv4_request req = {
	    .method = "POST",
	    .host = c->where.host,
	    .headers = headers,
	    .headers_n = sizeof headers / sizeof headers[0],
	    .body = buf_data(c->form),
	    .body_len = buf_len(c->form),
	};
	struct sigv4_result signature;
	int rc;

	c->signed_at = clock_wall(c->sts->clock) + c->sts->skew;
	rc = sigv4_sign(c->sts->sigv4, &by, &req, c->sts->region, "sts",
	    c->signed_at, &signature);
	if (rc != 0)
		return rc;
	(void)snprintf(
	    c->date, sizeof c->date, "X-Amz-Date: %s", signature.amz_date);
	buf_reset(c->authorization);
	buf_reset(c->token);
	rc = buf_addf(c->authorization, "Authorization: %s",
	    buf_str(signature.authorization));
	if (rc == 0)
		rc = buf_addf(c->token, "X-Amz-Security-Token: %s", by.token);
	buf_free(signature.authorization);
	return rc;
}

static int set_lines(struct sts_call *c)
{
	size_t n = 0;
	int rc = c->by != NULL ? sign_call(c) : 0;

	c->lines[n++] = "Content-Type: " CONTENT_TYPE;
	if (c->by != NULL) {
		c->lines[n++] = c->date;
		c->lines[n++] = buf_str(c->authorization);
	}
	if (c->by != NULL && buf_len(c->by->token) > 0)
		c->lines[n++] = buf_str(c->token);
	c->lines[n] = NULL;
	return rc;
}

static void read_refusal(struct sts_error *e, const struct http_transfer *t)
{
	sts_answer_error(
	    e, http_status(t), buf_str(http_body(t)), buf_len(http_body(t)));
}

static bool is_passing(const struct http_transfer *t)
{
	struct sts_error e;

	if (http_status(t) == 200)
		return false;
	read_refusal(&e, t);
	return sts_error_passes(&e);
}

static int send_call(
    struct sts_call *c, struct http_transfer **t, struct err *err)
{
	const struct cred_peer peer = {.http = c->sts->http,
	    .clock = c->sts->clock,
	    .wait_for_route = c->sts->wait_for_route,
	    .passes = is_passing};
	const struct http_request req = {.kind = HTTP_SERVICE,
	    .method = "POST",
	    .url = c->url,
	    .headers = c->lines,
	    .body = buf_data(c->form),
	    .body_len = buf_len(c->form),
	    .answer_max = STS_ANSWER_MAX,
	    .deadline = c->deadline};
	struct err why = {0};
	int rc = set_lines(c);

	if (rc != 0)
		return err_set(err, rc, "%s cannot be asked for: %s",
		    c->asked.action, err_text(rc));
	rc = cred_fetch(&peer, &req, t, &why);
	if (rc != 0)
		return err_set(err, rc, "%s for %.200s: %s", c->asked.action,
		    c->asked.role, why.text);
	return 0;
}

/* Whether the service's Date is one that the time signed has to give way to.
 * The clock may have been set since then, as it is when the network comes. */
static bool correct_clock(struct sts_call *c, const struct http_transfer *t)
{
	const char *text = http_header(t, "Date");
	int64_t date, off;

	if (text == NULL || date_parse_http(text, &date) != 0)
		return false;
	off = date - c->signed_at;
	if (off <= SKEW_MAX_MS && off >= -SKEW_MAX_MS)
		return false;
	c->sts->skew = date - clock_wall(c->sts->clock);
	return true;
}

/* *again: the service refuses our clock, and its own is known now. */
static int try_sts(
    struct sts_call *c, bool *again, struct cred *out, struct err *err)
{
	struct http_transfer *t = NULL;
	struct sts_error e;
	int rc = send_call(c, &t, err);

	*again = false;
	if (rc != 0)
		return rc;
	if (http_status(t) == 200 && c->identity != NULL) {
		rc = sts_answer_identity(&c->asked, http_body(t), c->identity,
		    STS_IDENTITY_MAX, err);
	} else if (http_status(t) == 200) {
		rc = sts_answer_credentials(&c->asked, http_body(t), out, err);
	} else {
		read_refusal(&e, t);
		rc = sts_error_explain(&c->asked, &e, err);
		*again = c->by != NULL && sts_error_is_of_clock(&e) &&
			 correct_clock(c, t);
	}
	http_transfer_free(t);
	return rc;
}

static int ask_sts(struct sts_call *c, struct cred *out, struct err *err)
{
	bool again;
	int rc = try_sts(c, &again, out, err);

	return again ? try_sts(c, &again, out, err) : rc;
}

static void end_call(struct sts_call *c)
{
	buf_free(c->form);
	buf_free(c->authorization);
	buf_free(c->token);
}

static const char *name_asker(const struct cred *by)
{
	if (by->origin[0] != '\0')
		return by->origin;
	return by->source != NULL ? by->source : "unknown source";
}

/* What a signed call needs. */
static int begin_signed(struct sts_call *c, struct err *err)
{
	c->authorization = buf_new(SIGV4_TEXT_MAX);
	c->token = buf_new(CRED_TOKEN_MAX + 64);
	if (c->authorization == NULL || c->token == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	return split_sts_endpoint(c, err);
}

int sts_assume_role(struct sts *s, const struct cred *by,
    const struct sts_role *role, int64_t deadline, struct cred *out,
    struct err *err)
{
	struct sts_call c = {.sts = s,
	    .asked = {.action = "AssumeRole",
		.role = role->arn,
		.region = s->region,
		.by = name_asker(by),
		.signs = true},
	    .by = by,
	    .deadline = deadline};
	int rc = begin_signed(&c, err);

	if (rc == 0)
		rc = begin_form(&c, role, err);
	if (rc == 0)
		rc = end_form(&c, "ExternalId", role->external_id, err);
	if (rc == 0)
		rc = ask_sts(&c, out, err);
	end_call(&c);
	return rc;
}

int sts_identity(struct sts *s, const struct cred *by, int64_t deadline,
    char arn[static STS_IDENTITY_MAX], struct err *err)
{
	struct sts_call c = {.sts = s,
	    .asked = {.action = "GetCallerIdentity",
		.role = "the credentials in use",
		.region = s->region,
		.by = name_asker(by),
		.signs = true},
	    .by = by,
	    .identity = arn,
	    .deadline = deadline};
	int rc = begin_signed(&c, err);

	if (rc == 0)
		rc = begin_any_form(&c, err);
	if (rc == 0)
		rc = ask_sts(&c, NULL, err);
	end_call(&c);
	return rc;
}

/* ---- the web identity */

int sts_assume_role_with_web_identity(struct sts *s, const char *token_file,
    const struct sts_role *role, int64_t deadline, struct cred *out,
    struct err *err)
{
	struct sts_call c = {.sts = s,
	    .asked = {.action = "AssumeRoleWithWebIdentity",
		.role = role->arn,
		.region = s->region,
		.by = token_file},
	    .deadline = deadline};
	struct buf *token = buf_new(STS_TOKEN_MAX + 2);
	int rc = split_sts_endpoint(&c, err);

	if (rc == 0 && token == NULL)
		rc = err_set(err, ERR_NOMEM, "out of memory");
	if (rc == 0)
		rc = token_file_read(token_file, STS_TOKEN_MAX, false,
		    "AWS_WEB_IDENTITY_TOKEN_FILE or web_identity_token_file",
		    token, err);
	if (rc == 0)
		rc = begin_form(&c, role, err);
	if (rc == 0)
		rc = end_form(&c, "WebIdentityToken", buf_str(token), err);
	if (rc == 0)
		rc = ask_sts(&c, out, err);
	buf_free(token);
	end_call(&c);
	return rc;
}

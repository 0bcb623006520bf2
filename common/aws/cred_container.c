/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred_container.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cred_document.h"
#include "aws/cred_fetch.h"
#include "aws/token_file.h"
#include "base/text.h"
#include "base/url.h"
#include "json/parse.h"

#define HOST       "http://169.254.170.2"
#define RELATIVE   "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL       "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN      "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"

/* Where the credentials are.  Whoever knows the path of ECS has them, so
 * messages tell the host alone. */
struct address {
	char url[CONTAINER_URL_MAX];
	const char *variable; /* that has it */
	int host_len;         /* of "http://HOST:PORT" in url */
};

static const char *get_variable(const char *name)
{
	const char *s = getenv(name);

	return s != NULL && s[0] != '\0' ? s : NULL;
}

const char *cred_container_token_file(void)
{
	return get_variable(TOKEN_FILE);
}

static int find_address(struct address *a, struct err *err)
{
	const char *relative = get_variable(RELATIVE);
	const char *full = get_variable(FULL);
	struct err why = {0};
	int len, rc;

	if (relative == NULL && full == NULL)
		return err_set(err, ERR_ABSENT,
		    "neither " RELATIVE " nor " FULL " is set");
	a->variable = relative != NULL ? RELATIVE : FULL;
	if (relative != NULL && relative[0] != '/')
		return err_set(err, ERR_CONFIG,
		    RELATIVE " is no path: it begins with a slash");
	len = snprintf(a->url, sizeof a->url, "%s%s",
	    relative != NULL ? HOST : "", relative != NULL ? relative : full);
	if (len >= CONTAINER_URL_MAX)
		return err_set(err, ERR_CONFIG, "%s is over %d characters",
		    a->variable, CONTAINER_URL_MAX - 1);
	a->host_len = (int)(url_scheme_len(a->url) +
			    strcspn(a->url + url_scheme_len(a->url), "/?#"));
	rc = http_check_kind(HTTP_CONTAINER, a->url, &why);
	if (rc != 0)
		return err_set(err, rc, "%s: %s", a->variable, why.text);
	return 0;
}

int cred_container_url(char url[static CONTAINER_URL_MAX], struct err *err)
{
	struct address a = {.url = ""};
	int rc = find_address(&a, err);

	if (rc == 0)
		memcpy(url, a.url, sizeof a.url);
	return rc;
}

/* "Authorization: TOKEN" into line, which stays empty where none is set. */
static int add_token(struct buf *line, struct err *err)
{
	const char *file = cred_container_token_file();
	const char *given = get_variable(TOKEN);
	struct buf *token = buf_new(CONTAINER_TOKEN_MAX + 2);
	int rc = 0;

	if (token == NULL) {
		rc = err_set(err, ERR_NOMEM, "out of memory");
	} else if (file != NULL) {
		rc = token_file_read(
		    file, CONTAINER_TOKEN_MAX, true, TOKEN_FILE, token, err);
	} else if (given != NULL) {
		if (!token_is_good(given,
			strnlen(given, CONTAINER_TOKEN_MAX + 1),
			CONTAINER_TOKEN_MAX, true))
			rc = err_set(err, ERR_CONFIG,
			    TOKEN " has a line break or another character that "
				  "no header may have, or is too long");
		else if (buf_addstr(token, given) != 0)
			rc = err_set(err, ERR_NOMEM, "out of memory");
	}
	if (rc == 0 && buf_len(token) > 0 &&
	    buf_addf(line, "Authorization: %s", buf_str(token)) != 0)
		rc = err_set(err, ERR_NOMEM, "out of memory");
	buf_free(token);
	return rc;
}

static int take_document(const struct address *a, const struct buf *body,
    struct cred *out, struct err *err)
{
	static const struct cred_document form = {.access_key = "AccessKeyId",
	    .secret_key = "SecretAccessKey",
	    .token = "Token",
	    .expiration = "Expiration"};
	struct json *root = NULL;
	char from[CONTAINER_URL_MAX];
	int rc = json_parse(buf_data(body), buf_len(body), &root);

	(void)snprintf(from, sizeof from, "the container's credentials at %.*s",
	    a->host_len, a->url);
	if (rc != 0 || !json_is_object(root))
		rc = err_set(err, rc == ERR_NOMEM ? rc : ERR_FORMAT,
		    "%s: the answer is no JSON object", from);
	else
		rc = cred_document_take(root, &form, from, out, err);
	if (rc == 0)
		(void)snprintf(out->origin, sizeof out->origin,
		    "the container's host at %.*s", a->host_len, a->url);
	json_free(root);
	return rc;
}

/* An answer that is not 200. */
static int explain_refusal(
    const struct address *a, const struct http_transfer *t, struct err *err)
{
	const int status = http_status(t);
	char who[CONTAINER_URL_MAX + 128];
	const char *advice = "try later";
	int rc = ERR_SERVICE;

	if (status == 429) {
		rc = ERR_THROTTLED;
	} else if (status == 401 || status == 403) {
		rc = ERR_DENIED;
		advice = "check the role of the task or pod, and the token in "
			 "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
	} else if (status / 100 == 4) {
		rc = ERR_DENIED;
		advice = "check the role of the task, or the association of "
			 "the pod's service account with one";
	} else if (status / 100 != 5) {
		advice = "is this the host of a container?";
	}
	(void)snprintf(who, sizeof who,
	    "the container's credentials at %.*s (%s)", a->host_len, a->url,
	    a->variable);
	return cred_fetch_refused(t, rc, who, advice, err);
}

static int ask_host(const struct cred_container *c, const struct address *a,
    const char *authorization, int64_t deadline, struct http_transfer **t,
    struct err *err)
{
	const char *const headers[] = {"Accept: application/json",
	    authorization[0] != '\0' ? authorization : NULL, NULL};
	const struct cred_peer peer = {.http = c->http,
	    .clock = c->clock,
	    .wait_for_route = c->wait_for_route};
	const struct http_request req = {.kind = HTTP_CONTAINER,
	    .method = "GET",
	    .url = a->url,
	    .headers = headers,
	    .answer_max = CONTAINER_ANSWER_MAX,
	    .deadline = deadline};
	struct err why = {0};
	int rc = cred_fetch(&peer, &req, t, &why);

	if (rc != 0)
		return err_set(err, rc, "the container's credentials (%s): %s",
		    a->variable, why.text);
	return 0;
}

static int load_from_host(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	struct buf *authorization = buf_new(CONTAINER_TOKEN_MAX + 64);
	struct http_transfer *t = NULL;
	struct address address = {.url = ""};
	int rc = find_address(&address, err);

	if (rc == 0 && authorization == NULL)
		rc = err_set(err, ERR_NOMEM, "out of memory");
	if (rc == 0)
		rc = add_token(authorization, err);
	if (rc == 0)
		rc = ask_host(
		    ctx, &address, buf_str(authorization), deadline, &t, err);
	if (rc == 0 && http_status(t) == 200)
		rc = take_document(&address, http_body(t), out, err);
	else if (rc == 0)
		rc = explain_refusal(&address, t, err);
	http_transfer_free(t);
	buf_free(authorization);
	return rc;
}

struct cred_source cred_container(struct cred_container *c)
{
	return (struct cred_source){
	    .name = "container", .load = load_from_host, .ctx = c};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred_iot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cred_document.h"
#include "aws/cred_fetch.h"
#include "aws/pem_file.h"
#include "base/limits.h"
#include "base/url.h"
#include "json/parse.h"

#define URL_MAX (LIMIT_URL + CRED_IOT_NAME_MAX + 64)
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

struct cred_iot {
	struct http *http;
	const struct clock *clock;
	bool wait_for_route;
	const char *alias;
	char url[URL_MAX];
	char thing[CRED_IOT_NAME_MAX + 64]; /* the header line */
	struct pem_file certificate, key;
};

/* ---- settings */

static bool is_iot_given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

bool cred_iot_is_set(const struct cred_iot_config *cfg)
{
	return is_iot_given(cfg->endpoint) || is_iot_given(cfg->role_alias) ||
	       is_iot_given(cfg->thing_name) ||
	       is_iot_given(cfg->certificate) || is_iot_given(cfg->private_key);
}

static int check_all_given(const struct cred_iot_config *cfg, struct err *err)
{
	const struct {
		const char *name, *value;
	} settings[] = {{"iot-endpoint", cfg->endpoint},
	    {"iot-role-alias", cfg->role_alias},
	    {"iot-thing-name", cfg->thing_name},
	    {"iot-certificate", cfg->certificate},
	    {"iot-private-key", cfg->private_key}};

	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
		if (!is_iot_given(settings[i].value))
			return err_set(err, ERR_CONFIG,
			    "%s is not set: iot-endpoint, iot-role-alias, "
			    "iot-thing-name, iot-certificate and "
			    "iot-private-key go together, all or none",
			    settings[i].name);
	return 0;
}

/* The host of "HOST", "HOST:PORT" or "https://HOST[:PORT]"; NULL: it is none of
 * them. */
static const char *find_iot_host(
    const char *endpoint, char text[static LIMIT_URL], struct url *url)
{
	const bool scheme = url_scheme_len(endpoint) > 0;

	if (snprintf(text, LIMIT_URL, "%s%s", scheme ? "" : "https://",
		endpoint) >= LIMIT_URL ||
	    url_split(text, url) != 0 ||
	    strncmp(url->origin, "https:", 6) != 0 ||
	    (url->path[0] != '\0' && strcmp(url->path, "/") != 0))
		return NULL;
	return url->host;
}

static bool is_name_of(const char *s, const char *characters)
{
	return strlen(s) <= CRED_IOT_NAME_MAX &&
	       strspn(s, characters) == strlen(s);
}

static int check_iot_config(const struct cred_iot_config *cfg, struct err *err)
{
	char text[LIMIT_URL];
	struct url url;
	int rc = check_all_given(cfg, err);

	if (rc != 0)
		return rc;
	if (find_iot_host(cfg->endpoint, text, &url) == NULL)
		return err_set(err, ERR_CONFIG,
		    "iot-endpoint is no host: write what aws iot "
		    "describe-endpoint --endpoint-type iot:CredentialProvider "
		    "says");
	if (!is_name_of(cfg->role_alias, LETTERS DIGITS "_=,@-"))
		return err_set(err, ERR_CONFIG,
		    "iot-role-alias is no name of a role alias: at most %d "
		    "letters, digits and _=,@-",
		    CRED_IOT_NAME_MAX);
	if (!is_name_of(cfg->thing_name, LETTERS DIGITS ":_-"))
		return err_set(err, ERR_CONFIG,
		    "iot-thing-name is no name of a thing: at most %d letters, "
		    "digits and :_-",
		    CRED_IOT_NAME_MAX);
	return 0;
}

/* ---- the request */

static int ask_iot(const struct cred_iot *i,
    const struct http_identity *identity, int64_t deadline,
    struct http_transfer **t, struct err *err)
{
	const char *const headers[] = {i->thing, NULL};
	const struct cred_peer peer = {.http = i->http,
	    .clock = i->clock,
	    .wait_for_route = i->wait_for_route};
	const struct http_request req = {.kind = HTTP_SERVICE,
	    .identity = identity,
	    .method = "GET",
	    .url = i->url,
	    .headers = headers,
	    .answer_max = CRED_IOT_ANSWER_MAX,
	    .deadline = deadline};
	struct err why = {0};
	int rc = cred_fetch(&peer, &req, t, &why);

	if (rc == ERR_DENIED)
		return err_set(err, rc,
		    "AWS IoT: is the certificate in %s active, in this account "
		    "and region, and not expired? (%s)",
		    i->certificate.path, why.text);
	if (rc == ERR_CONFIG)
		return err_set(err, rc, "AWS IoT, with %s and %s: %s",
		    i->certificate.path, i->key.path, why.text);
	/* Some servers end the connection so fast that their reason is lost. */
	if (rc == ERR_NET || rc == ERR_CONNECT)
		return err_set(err, rc,
		    "AWS IoT: %s; if this lasts, is the certificate in %s "
		    "active?",
		    why.text, i->certificate.path);
	return rc == 0 ? 0 : err_set(err, rc, "AWS IoT: %s", why.text);
}

static int explain_iot_refusal(
    const struct cred_iot *i, const struct http_transfer *t, struct err *err)
{
	const int status = http_status(t);
	char who[CRED_IOT_NAME_MAX + 64];
	const char *advice = "try later";
	int rc = ERR_SERVICE;

	if (status == 429) {
		rc = ERR_THROTTLED;
	} else if (status / 100 == 4 && status != 404) {
		rc = ERR_DENIED;
		advice = "the certificate's policy has to allow "
			 "iot:AssumeRoleWithCertificate on the alias, the "
			 "certificate to be attached to the thing, and the "
			 "role to trust credentials.iot.amazonaws.com";
	} else if (status == 404) {
		rc = ERR_DENIED;
		advice = "there is no such alias at this endpoint: see aws iot "
			 "list-role-aliases and describe-endpoint "
			 "--endpoint-type iot:CredentialProvider";
	} else if (status / 100 != 5) {
		advice = "is iot-endpoint that of the credential provider?";
	}
	(void)snprintf(who, sizeof who, "AWS IoT, role alias %s", i->alias);
	return cred_fetch_refused(t, rc, who, advice, err);
}

static int take_iot_document(const struct cred_iot *i, const struct buf *body,
    struct cred *out, struct err *err)
{
	static const struct cred_document form = {.access_key = "accessKeyId",
	    .secret_key = "secretAccessKey",
	    .token = "sessionToken",
	    .expiration = "expiration"};
	struct json *root = NULL;
	char from[CRED_IOT_NAME_MAX + 64];
	int rc = json_parse(buf_data(body), buf_len(body), &root);

	(void)snprintf(from, sizeof from,
	    "the credentials of AWS IoT for role alias %s", i->alias);
	if (rc == ERR_NOMEM)
		rc = err_set(err, rc, "out of memory");
	else if (rc != 0 || !json_is_object(json_get(root, "credentials")))
		rc = err_set(err, ERR_FORMAT,
		    "%s: the answer is no such JSON document", from);
	else
		rc = cred_document_take(
		    json_get(root, "credentials"), &form, from, out, err);
	if (rc == 0)
		(void)snprintf(out->origin, sizeof out->origin,
		    "role alias %s of AWS IoT", i->alias);
	json_free(root);
	return rc;
}

static int load_by_certificate(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	const struct cred_iot *i = ctx;
	struct buf *certificate = buf_new(PEM_FILE_MAX);
	struct buf *key = buf_new(PEM_FILE_MAX);
	const struct http_identity identity = {certificate, key};
	struct http_transfer *t = NULL;
	int rc = 0;

	if (certificate == NULL || key == NULL)
		rc = err_set(err, ERR_NOMEM, "out of memory");
	if (rc == 0)
		rc = pem_file_read(&i->certificate, certificate, err);
	if (rc == 0)
		rc = pem_file_read(&i->key, key, err);
	if (rc == 0)
		rc = ask_iot(i, &identity, deadline, &t, err);
	if (rc == 0 && http_status(t) == 200)
		rc = take_iot_document(i, http_body(t), out, err);
	else if (rc == 0)
		rc = explain_iot_refusal(i, t, err);
	http_transfer_free(t);
	buf_free(certificate);
	buf_free(key);
	return rc;
}

struct cred_source cred_iot_source(struct cred_iot *i)
{
	return (struct cred_source){
	    .name = "AWS IoT", .load = load_by_certificate, .ctx = i};
}

/* ---- the source */

static void fill_iot(struct cred_iot *i, const struct cred_iot_config *cfg)
{
	char text[LIMIT_URL];
	struct url url;

	(void)snprintf(i->url, sizeof i->url,
	    "https://%s/role-aliases/%s/credentials",
	    find_iot_host(cfg->endpoint, text, &url), cfg->role_alias);
	(void)snprintf(i->thing, sizeof i->thing, "x-amzn-iot-thingname: %s",
	    cfg->thing_name);
	i->alias = cfg->role_alias;
	i->certificate = (struct pem_file){
	    .path = cfg->certificate, .setting = "iot-certificate"};
	i->key = (struct pem_file){.path = cfg->private_key,
	    .setting = "iot-private-key",
	    .secret = true};
}

int cred_iot_new(const struct cred_iot_config *cfg, struct http *http,
    const struct clock *clock, bool wait_for_route, struct cred_iot **out,
    struct err *err)
{
	struct cred_iot *i;
	int rc = check_iot_config(cfg, err);

	*out = NULL;
	if (rc != 0)
		return rc;
	i = calloc(1, sizeof *i);
	if (i == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	i->http = http;
	i->clock = clock;
	i->wait_for_route = wait_for_route;
	fill_iot(i, cfg);
	rc = pem_file_read_ahead(&i->certificate, err);
	if (rc == 0)
		rc = pem_file_read_ahead(&i->key, err);
	if (rc == 0)
		*out = i;
	else
		cred_iot_free(i);
	return rc;
}

void cred_iot_free(struct cred_iot *i)
{
	if (i == NULL)
		return;
	pem_file_forget(&i->certificate);
	pem_file_forget(&i->key);
	free(i);
}

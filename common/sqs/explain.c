/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/explain.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "aws/denial.h"
#include "base/arn.h"

#define ADVICE_MAX 1000 /* bytes: two ARNs, and what to do */

/* What is known when advice is given. */
struct case_at_hand {
	const struct sqs *s;
	const struct sqs_op *op;
	const char *queue;
	const struct sqs_error *e;
	int code;           /* what it comes to, which may be more than e's */
	const char *source; /* of the credentials */
};

/* "AccessDenied", "AccessDeniedException" */
static bool is_error(const struct sqs_error *e, const char *name)
{
	const size_t len = strlen(name);

	return strncmp(e->name, name, len) == 0 &&
	       (e->name[len] == '\0' ||
		   strcmp(e->name + len, "Exception") == 0);
}

/* "KmsDisabled", "KMS.DisabledException" */
static bool is_of_kms(const struct sqs_error *e, const char *what)
{
	const char *rest = e->name + 3;

	if (strncasecmp(e->name, "Kms", 3) != 0)
		return false;
	rest += *rest == '.' ? 1 : 0;
	if (strncmp(rest, "KMS", 3) == 0)
		rest += 3;
	return strncmp(rest, what, strlen(what)) == 0;
}

/* The key that the text names. */
static struct denial_word find_kms_key(const struct sqs_error *e)
{
	const struct denial_word key = denial_find_arn(e->text, "kms");

	return key.len > 0 ? key : denial_word_of("the queue's KMS key");
}

/* ---- denied */

static bool is_action(struct denial_word w, const char *text)
{
	return strncasecmp(w.at, text, (size_t)w.len) == 0 &&
	       text[w.len] == '\0';
}

/* What KMS says of a parameter's key by way of Parameter Store. */
static bool is_of_parameter_key(const struct sqs_error *e)
{
	return strstr(e->text, "customer master key") != NULL ||
	       strstr(e->text, "AWSKMS") != NULL;
}

/* What IAM calls the action.  SQS writes it in small letters, and stand-ins by
 * the operation, which IAM has no action for when it is a batch. */
static struct denial_word choose_action(
    const struct case_at_hand *c, struct denial_word told)
{
	char operation[64];

	(void)snprintf(operation, sizeof operation, "sqs:%s", c->op->name);
	if (told.len > 0 && !is_action(told, c->op->permission) &&
	    !is_action(told, operation))
		return told;
	if (told.len == 0 && is_of_parameter_key(c->e) &&
	    c->op->resource != NULL)
		return denial_word_of("kms:Decrypt");
	if (told.len > 0 || c->op->resource != NULL || !is_of_kms(c->e, ""))
		return denial_word_of(c->op->permission);
	return denial_word_of(strncmp(c->op->name, "Send", 4) == 0
				  ? "kms:GenerateDataKey and kms:Decrypt"
				  : "kms:Decrypt");
}

static void advise_on_denial(
    const struct case_at_hand *c, char *out, size_t size)
{
	struct denial d;

	denial_read(&d, c->e->text);
	d.action = choose_action(c, d.action);
	if (d.resource.len == 0 && c->op->resource != NULL)
		d.resource =
		    denial_word_of(is_action(d.action, c->op->permission)
				       ? c->op->resource
				       : "the parameter's KMS key");
	if (d.resource.len == 0)
		d.resource = strncasecmp(d.action.at, "kms:", 4) == 0
				 ? find_kms_key(c->e)
				 : denial_word_of("the queue");
	denial_advise(&d,
	    c->op->resource != NULL ? "resource's own policy"
				    : "queue's own policy",
	    c->source, out, size);
}

/* Nobody can tell why a key is unknown: the service does not say. */
static void advise_on_key(const struct case_at_hand *c, char *out, size_t size)
{
	(void)snprintf(out, size,
	    "check the access key (%s): %s in %s does not know it, because it "
	    "was deleted or is inactive, its session token is another's or "
	    "missing, this region is not enabled in the account, or the key is "
	    "of another partition than %s",
	    c->source, c->s->service->name, c->s->region,
	    arn_partition(c->s->region)->id);
}

static void advise_on_clock(
    const struct case_at_hand *c, char *out, size_t size)
{
	const long long s = c->s->behind / 1000;

	if (s == 0)
		(void)snprintf(out, size, "set this machine's clock");
	else
		(void)snprintf(out, size,
		    "set this machine's clock, which is %lld s %s the "
		    "service's",
		    s < 0 ? -s : s, s < 0 ? "ahead of" : "behind");
}

static bool is_about_account(const struct sqs_error *e)
{
	return is_error(e, "OptInRequired") ||
	       is_error(e, "SubscriptionRequired") ||
	       (strcasestr(e->text, "account") != NULL &&
		   (strcasestr(e->text, "suspended") != NULL ||
		       strcasestr(e->text, "blocked") != NULL ||
		       strcasestr(e->text, "not signed up") != NULL));
}

static void advise_denied(const struct case_at_hand *c, char *out, size_t size)
{
	const struct sqs_error *e = c->e;

	if (e->remedy == SQS_REMEDY_CLOCK)
		advise_on_clock(c, out, size);
	else if (e->remedy == SQS_REMEDY_CREDENTIALS)
		(void)snprintf(
		    out, size, "renew the credentials (%s)", c->source);
	else if (is_about_account(e))
		(void)snprintf(out, size,
		    "the account of the credentials (%s) may not use %s in "
		    "%s: it is suspended, or not signed up, or not yet; look "
		    "for AWS's mail to its owner, or ask AWS Support",
		    c->source, c->s->service->name, c->s->region);
	else if (is_error(e, "InvalidSecurity"))
		(void)snprintf(out, size,
		    "use an endpoint and a queue URL that begin with https://");
	else if (is_error(e, "MissingAuthenticationToken") ||
		 is_error(e, "IncompleteSignature"))
		(void)snprintf(out, size,
		    "the signature came without all of its headers: look for a "
		    "proxy in between that drops or changes them");
	else if (is_error(e, "AccessDenied") || is_of_kms(e, "AccessDenied") ||
		 is_error(e, "AuthorizationError") ||
		 is_error(e, "NotAuthorized") || e->name[0] == '\0')
		advise_on_denial(c, out, size);
	else if (strstr(e->name, "Signature") != NULL)
		(void)snprintf(out, size,
		    "check the secret key (%s), and that no proxy in between "
		    "changes requests",
		    c->source);
	else
		advise_on_key(c, out, size);
}

/* ---- configured wrongly */

static void advise_on_scope(
    const struct case_at_hand *c, char *out, size_t size)
{
	const char *from = c->s->region_from;
	char there[LIMIT_REGION];
	const bool known = arn_region_of(c->s->service->id, c->s->host, there);

	if (strstr(sqs_error_scope(c->e), "region") == NULL &&
	    c->op->resource == NULL)
		(void)snprintf(out, size,
		    "%s is no endpoint of SQS: check the endpoint and the "
		    "queue's URL",
		    c->s->host);
	else if (strstr(sqs_error_scope(c->e), "region") == NULL)
		(void)snprintf(out, size,
		    "%s is no endpoint of %s: check the endpoint", c->s->host,
		    c->s->service->name);
	else
		(void)snprintf(out, size,
		    "requests are signed for region %s%s%s%s, but %s is "
		    "%s%s: let both be %s region",
		    c->s->region, *from != '\0' ? " (from " : "", from,
		    *from != '\0' ? ")" : "", c->s->host,
		    known ? "in " : "in another one", known ? there : "",
		    c->op->resource == NULL ? "the queue's" : "the same");
}

/* What the states of a key ask for ("Key states of AWS KMS keys", KMS Developer
 * Guide; SQS Developer Guide, "Key management"). */
static void advise_on_state(
    const struct case_at_hand *c, char *out, size_t size)
{
	static const struct {
		const char *what, *advice;
	} states[] = {
	    {"Disabled", "enable it (aws kms enable-key), or let the queue's "
			 "encryption have another key"},
	    {"InvalidState",
		"its state forbids it (aws kms describe-key): cancel its "
		"deletion or import its material, or let the queue's encryption "
		"have another key"},
	    {"NotFound", "let KmsMasterKeyId of the queue be a key that "
			 "exists in its region"},
	    {"InvalidKeyUsage",
		"let KmsMasterKeyId of the queue be a symmetric key whose usage "
		"is ENCRYPT_DECRYPT"},
	    {"OptInRequired", "the key's account is suspended or not signed up "
			      "for KMS: ask its owner"},
	};
	const struct denial_word key = find_kms_key(c->e);

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		if (is_of_kms(c->e, states[i].what))
			(void)snprintf(out, size,
			    "%.*s: %s; this does not "
			    "pass by itself",
			    key.len, key.at, states[i].advice);
}

/* Errors of GetParameter (Systems Manager API Reference). */
static void advise_on_parameter(
    const struct case_at_hand *c, char *out, size_t size)
{
	if (is_error(c->e, "ParameterNotFound"))
		(void)snprintf(out, size,
		    "there is no parameter %s in region %s: make it (aws ssm "
		    "put-parameter --type SecureString), or check its name and "
		    "the region",
		    c->queue, c->s->region);
	else if (is_error(c->e, "ParameterVersionNotFound"))
		(void)snprintf(out, size,
		    "the parameter has no such version and no such label: check "
		    "what stands behind the colon of %s",
		    c->queue);
	else if (is_error(c->e, "Validation"))
		(void)snprintf(out, size,
		    "no parameter can have the name %s: check it", c->queue);
	else if (is_error(c->e, "InvalidKeyId"))
		(void)snprintf(out, size,
		    "the KMS key of parameter %s cannot be used: enable it, or "
		    "cancel its deletion; this does not pass by itself",
		    c->queue);
}

/* ---- the rest */

static void advise_later(const struct case_at_hand *c, char *out, size_t size)
{
	if (is_of_kms(c->e, "Thrott"))
		(void)snprintf(out, size,
		    "try later; a longer KmsDataKeyReusePeriodSeconds of the "
		    "queue asks its key less often");
	else if (is_error(c->e, "OverLimit"))
		(void)snprintf(out, size,
		    "too many messages are in flight: wait for their "
		    "visibility time-out");
	else
		(void)snprintf(out, size, "try later");
}

static void advise_user(const struct case_at_hand *c, char *out, size_t size)
{
	const struct sqs_error *e = c->e;

	out[0] = '\0';
	if (c->code == ERR_DENIED)
		advise_denied(c, out, size);
	else if (c->code == ERR_CONFIG && sqs_error_scope(e) != NULL)
		advise_on_scope(c, out, size);
	else if (c->code == ERR_CONFIG && c->op->resource != NULL)
		advise_on_parameter(c, out, size);
	else if (c->code == ERR_CONFIG)
		advise_on_state(c, out, size);
	else if (c->code == ERR_NOQUEUE)
		(void)snprintf(out, size,
		    "there is no queue %s in region %s: check its name, "
		    "account and region",
		    c->queue, c->s->region);
	else if (c->code == ERR_LIMIT && strncmp(c->op->name, "Send", 4) == 0)
		(void)snprintf(out, size, "make the messages smaller");
	else if (c->code == ERR_THROTTLED || e->status >= 500 ||
		 e->status == 408)
		advise_later(c, out, size);
	else if (e->status / 100 == 3)
		(void)snprintf(out, size,
		    "a redirect is not followed: check the endpoint");
	else if (e->name[0] == '\0')
		(void)snprintf(out, size, "is the endpoint one of %s?",
		    c->s->service->name);
}

/* All that GetParameter is asked for is a name, which no later call makes
 * valid. */
static int choose_code(const struct sqs_op *op, const struct sqs_error *e)
{
	return strcmp(op->name, "GetParameter") == 0 &&
		       is_error(e, "Validation")
		   ? ERR_CONFIG
		   : e->code;
}

int sqs_explain(const struct sqs *s, const struct sqs_op *op, const char *queue,
    const struct sqs_error *e, struct err *err)
{
	const int code = choose_code(op, e);
	const struct case_at_hand c = {.s = s,
	    .op = op,
	    .queue = queue,
	    .e = e,
	    .code = code,
	    .source = s->source != NULL ? s->source : "unknown source"};
	char status[24] = "", advice[ADVICE_MAX];
	size_t len = strlen(e->text);

	if (e->status != 0)
		(void)snprintf(status, sizeof status, "HTTP %d%s", e->status,
		    e->name[0] != '\0' ? " " : "");
	advise_user(&c, advice, sizeof advice);
	while (advice[0] != '\0' && len > 0 && strchr(". ", e->text[len - 1]))
		len--;
	return err_set(err, code, "%s: %s%s%s%.*s%s%s", op->name, status,
	    e->name, len > 0 ? ": " : "", (int)len, e->text,
	    advice[0] != '\0' ? "; " : "", advice);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/sts_answer.h"

#include <stdio.h>
#include <string.h>

#include "aws/denial.h"
#include "base/date.h"
#include "base/text.h"
#include "base/xml.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define EXPIRES_MAX  40 /* "2026-11-22T08:00:00Z" and more digits */
#define ADVICE_MAX   (ERR_TEXT_MAX / 2 + 128)

/* ---- credentials */

static int take_element(
    const char *s, size_t len, const char *name, struct buf *out)
{
	const char *in;
	size_t in_len;

	if (!xml_find(s, len, name, &in, &in_len))
		return ERR_FORMAT;
	return xml_text(in, in_len, out);
}

/* <Credentials> within <ACTIONResult>.  What XML has to hide text with
 * (comments, CDATA, a document type) is in no answer of STS. */
static int find_credentials(const struct sts_asked *asked,
    const struct buf *body, const char **in, size_t *len)
{
	char result[XML_NAME_MAX + 1];
	const char *s = buf_str(body);

	(void)snprintf(result, sizeof result, "%sResult", asked->action);
	if (memmem(s, buf_len(body), "<!", 2) != NULL ||
	    !xml_find(s, buf_len(body), result, in, len) ||
	    !xml_find(*in, *len, "Credentials", in, len))
		return ERR_FORMAT;
	return 0;
}

/* The four parts of <Credentials>, each in a buffer of its own. */
static int take_parts(const char *s, size_t len, struct cred *out)
{
	static const char *const names[] = {
	    "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"};
	static const size_t limits[] = {
	    CRED_KEY_MAX, CRED_KEY_MAX, CRED_TOKEN_MAX, EXPIRES_MAX};
	struct buf *parts[COUNT(names)] = {NULL};
	int64_t expires = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < COUNT(names); i++) {
		parts[i] = buf_new(limits[i]);
		rc = parts[i] != NULL ? take_element(s, len, names[i], parts[i])
				      : ERR_NOMEM;
	}
	if (rc == 0 && buf_len(parts[2]) == 0)
		rc = ERR_FORMAT;
	if (rc == 0)
		rc = date_parse_rfc3339(buf_str(parts[3]), &expires);
	if (rc == 0)
		rc = cred_set(out, buf_str(parts[0]), buf_str(parts[1]),
		    buf_str(parts[2]));
	if (rc == 0)
		out->expires = expires;
	for (size_t i = 0; i < COUNT(names); i++)
		buf_free(parts[i]);
	return rc;
}

int sts_answer_credentials(const struct sts_asked *asked,
    const struct buf *body, struct cred *out, struct err *err)
{
	const char *in = NULL;
	size_t len = 0;
	int rc = find_credentials(asked, body, &in, &len);

	if (rc == 0)
		rc = take_parts(in, len, out);
	if (rc == 0)
		return 0;
	return err_set(err, rc,
	    "%s for %s: HTTP 200 without proper credentials (%s); look for a "
	    "proxy or a login page in between, and at the endpoint",
	    asked->action, asked->role, err_text(rc));
}

/* ---- an identity */

int sts_answer_identity(const struct sts_asked *asked, const struct buf *body,
    char *arn, size_t size, struct err *err)
{
	struct buf *text = buf_new(size - 1);
	int rc = text != NULL
		     ? take_element(buf_str(body), buf_len(body), "Arn", text)
		     : ERR_NOMEM;

	if (rc == 0 && (buf_len(text) == 0 ||
			   !text_is_graphic(buf_str(text), buf_len(text))))
		rc = ERR_FORMAT;
	if (rc == 0)
		memcpy(arn, buf_str(text), buf_len(text) + 1);
	buf_free(text);
	if (rc == 0)
		return 0;
	return err_set(err, rc,
	    "%s for %s: HTTP 200 without an ARN (%s); look for a proxy or a "
	    "login page in between, and at the endpoint",
	    asked->action, asked->role, err_text(rc));
}

/* ---- refusals */

enum subject { NOTHING, ASKER, REGION };

enum remedy { NONE, PASSES, CLOCK };

/*
 * What STS refuses by a name of its own, from "Errors" of both actions and
 * "Common errors" of the STS API Reference, and the lists of the SDKs' standard
 * retry mode.  The advice is BEFORE SUBJECT AFTER; where a policy forbids it,
 * and where the clock is wrong, it is found elsewhere.
 */
static const struct refusal {
	const char *code;
	int rc;
	enum remedy remedy;
	const char *before;
	enum subject subject;
	const char *after;
} refusals[] = {
    {"AccessDenied", ERR_DENIED, NONE, "", NOTHING, ""},
    {"AccessDeniedException", ERR_DENIED, NONE, "", NOTHING, ""},
    {"ExpiredTokenException", ERR_DENIED, NONE, "renew ", ASKER,
	", which has expired"},
    {"ExpiredToken", ERR_DENIED, NONE, "renew ", ASKER, ", which has expired"},
    {"InvalidIdentityToken", ERR_DENIED, NONE,
	"register the issuer and the audience of ", ASKER,
	" as an OIDC identity provider in the account of the role"},
    {"IDPRejectedClaim", ERR_DENIED, NONE,
	"the identity provider rejects what is said in ", ASKER,
	": have it issued anew"},
    {"IDPCommunicationError", ERR_SERVICE, PASSES,
	"STS cannot reach the issuer of ", ASKER,
	": its .well-known/openid-configuration has to be public"},
    {"PackedPolicyTooLarge", ERR_CONFIG, NONE, "shorten the session tags in ",
	ASKER, ", or have fewer of them"},
    {"RegionDisabledException", ERR_DENIED, NONE, "activate STS in region ",
	REGION, " in the account settings of IAM, or have another region"},
    {"ValidationError", ERR_CONFIG, NONE,
	"check the role's ARN, session name, external id and duration", NOTHING,
	""},
    {"InvalidParameterValue", ERR_CONFIG, NONE,
	"check the role's ARN, session name, external id and duration", NOTHING,
	""},
    {"InvalidClientTokenId", ERR_DENIED, NONE, "check the access key of ",
	ASKER, ""},
    {"UnrecognizedClientException", ERR_DENIED, NONE,
	"check the access key of ", ASKER, ""},
    {"InvalidAccessKeyId", ERR_DENIED, NONE, "check the access key of ", ASKER,
	""},
    {"SignatureDoesNotMatch", ERR_DENIED, NONE, "check the secret key of ",
	ASKER, ""},
    {"InvalidSignatureException", ERR_DENIED, NONE, "check the secret key of ",
	ASKER, ""},
    {"RequestExpired", ERR_DENIED, CLOCK, "", NOTHING, ""},
    {"RequestInTheFuture", ERR_DENIED, CLOCK, "", NOTHING, ""},
    {"RequestTimeTooSkewed", ERR_DENIED, CLOCK, "", NOTHING, ""},
    {"OptInRequired", ERR_DENIED, NONE,
	"the account is not, or not yet, one that may use STS", NOTHING, ""},
    {"RequestTimeout", ERR_SERVICE, PASSES, "try later", NOTHING, ""},
    {"RequestTimeoutException", ERR_SERVICE, PASSES, "try later", NOTHING, ""},
};

static const char *const throttling[] = {"BandwidthLimitExceeded",
    "EC2ThrottledException", "LimitExceededException",
    "PriorRequestNotComplete", "ProvisionedThroughputExceededException",
    "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException",
    "SlowDown", "ThrottledException", "Throttling", "ThrottlingException",
    "TooManyRequestsException", "TransactionInProgressException"};

static const struct refusal throttled = {
    "", ERR_THROTTLED, PASSES, "try later", NOTHING, ""};

static const struct refusal *find_refusal(const char *code)
{
	for (size_t i = 0; i < COUNT(throttling); i++)
		if (strcmp(throttling[i], code) == 0)
			return &throttled;
	for (size_t i = 0; i < COUNT(refusals); i++)
		if (strcmp(refusals[i].code, code) == 0)
			return &refusals[i];
	return NULL;
}

/* Its character data where it is proper, else its bytes as they are. */
static bool read_error_element(
    const char *s, size_t len, const char *name, char *out, size_t size)
{
	struct buf *text = buf_new(len);
	const char *in;
	size_t in_len;

	if (text == NULL || !xml_find(s, len, name, &in, &in_len)) {
		buf_free(text);
		return false;
	}
	if (xml_text(in, in_len, text) == 0)
		text_shorten(out, size, buf_str(text), buf_len(text));
	else
		text_shorten(out, size, in, in_len);
	buf_free(text);
	return true;
}

void sts_answer_error(
    struct sts_error *e, int status, const char *body, size_t len)
{
	*e = (struct sts_error){.status = status};
	(void)read_error_element(body, len, "Code", e->code, sizeof e->code);
	if (!read_error_element(body, len, "Message", e->text, sizeof e->text))
		text_squeeze(e->text, TEXT_PAGE_MAX, body, len);
	text_make_printable(e->text, strlen(e->text));
	text_make_printable(e->code, strlen(e->code));
}

bool sts_error_passes(const struct sts_error *e)
{
	const struct refusal *r = find_refusal(e->code);

	return r != NULL && r->remedy == PASSES;
}

bool sts_error_is_of_clock(const struct sts_error *e)
{
	const struct refusal *r = find_refusal(e->code);

	return (r != NULL && r->remedy == CLOCK) ||
	       strncmp(e->text, "Signature expired", 17) == 0 ||
	       strncmp(e->text, "Signature not yet current", 25) == 0;
}

/* By the policy that forbids it, if the text tells which. */
static void advise_on_policy(const struct sts_asked *asked,
    const struct sts_error *e, char out[static ADVICE_MAX])
{
	struct denial d;

	denial_read(&d, e->text);
	if (asked->signs && (d.by_deny || d.policy != DENIAL_UNTOLD)) {
		if (d.action.len == 0)
			d.action = denial_word_of("sts:AssumeRole");
		if (d.resource.len == 0)
			d.resource = denial_word_of(asked->role);
		denial_advise(
		    &d, "role's trust policy", asked->by, out, ADVICE_MAX);
		return;
	}
	if (asked->signs)
		(void)snprintf(out, ADVICE_MAX,
		    "the trust policy of the role has to name the identity "
		    "that asks (%.200s) and its external id, if there is one, and "
		    "the identity's own policies have to allow sts:%s on the "
		    "role",
		    asked->by, asked->action);
	else
		(void)snprintf(out, ADVICE_MAX,
		    "the trust policy of the role has to allow sts:%s to the "
		    "issuer of the token in %.200s as its federated principal, and "
		    "its conditions to match the token's sub and aud",
		    asked->action, asked->by);
}

static void advise_on_refusal(const struct sts_asked *asked,
    const struct refusal *r, char out[static ADVICE_MAX])
{
	const char *kind = "", *name = "";

	if (r->subject == REGION) {
		name = asked->region;
	} else if (r->subject == ASKER) {
		kind = asked->signs ? "the credentials that ask, of "
				    : "the token in ";
		name = asked->by;
	}
	(void)snprintf(
	    out, ADVICE_MAX, "%s%s%.200s%s", r->before, kind, name, r->after);
}

/* True if the signature names another region.  SQS uses the same words. */
static bool is_of_region(const struct sts_error *e)
{
	return strstr(e->text, "Credential should be scoped to ") != NULL;
}

static void advise_on_error(const struct sts_asked *asked,
    const struct sts_error *e, char out[static ADVICE_MAX])
{
	const struct refusal *r = find_refusal(e->code);

	if (sts_error_is_of_clock(e))
		(void)snprintf(out, ADVICE_MAX, "set this machine's clock");
	else if (is_of_region(e))
		(void)snprintf(out, ADVICE_MAX,
		    "the request is signed for region %.64s: set the region "
		    "that the endpoint of STS is in",
		    asked->region);
	else if (r != NULL && r->before[0] == '\0')
		advise_on_policy(asked, e, out);
	else if (r != NULL)
		advise_on_refusal(asked, r, out);
	else if (e->status == 429 || e->status >= 500)
		(void)snprintf(out, ADVICE_MAX, "try later");
	else
		(void)snprintf(out, ADVICE_MAX,
		    "is this the endpoint of STS, or a proxy?");
}

static int code_of(const struct sts_error *e)
{
	const struct refusal *r = find_refusal(e->code);

	if (is_of_region(e))
		return ERR_CONFIG;
	if (r != NULL)
		return r->rc;
	if (sts_error_is_of_clock(e) || e->status == 401 || e->status == 403)
		return ERR_DENIED;
	return e->status == 429 ? ERR_THROTTLED : ERR_SERVICE;
}

int sts_error_explain(
    const struct sts_asked *asked, const struct sts_error *e, struct err *err)
{
	const int rc = code_of(e);
	char advice[ADVICE_MAX];

	advise_on_error(asked, e, advice);
	return err_set(err, rc, "%s for %.200s: HTTP %d%s%s: %s%s%s%s",
	    asked->action, asked->role, e->status,
	    e->code[0] != '\0' ? " " : "", e->code, advice,
	    e->text[0] != '\0' ? " (" : "", e->text,
	    e->text[0] != '\0' ? ")" : "");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is made of the answers of STS. */
#include "aid/sts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "aws/sts.h"
#include "aws/sts_answer.h"

static const struct sts_asked by_keys = {.action = "AssumeRole",
    .role = ROLE,
    .region = "eu-south-1",
    .by = "environment",
    .signs = true};
static const struct sts_asked by_token = {.action = "AssumeRoleWithWebIdentity",
    .role = ROLE,
    .region = "eu-south-1",
    .by = "/run/token"};

/* ---- credentials */

static const struct {
	const char *body;
	int rc;
} answers[] = {
    {IN(PARTS), 0},
    {"", ERR_FORMAT},
    {"{\"Credentials\":{}}", ERR_FORMAT},
    {"<html><body>Sign in</body></html>", ERR_FORMAT},
    {IN(""), ERR_FORMAT},
    {IN(SECRET SESSION EXPIRES), ERR_FORMAT},
    {IN("<AccessKeyId>A</AccessKeyId>" SESSION EXPIRES), ERR_FORMAT},
    {IN("<AccessKeyId>A</AccessKeyId>" SECRET EXPIRES), ERR_FORMAT},
    {IN("<AccessKeyId>A</AccessKeyId>" SECRET SESSION), ERR_FORMAT},
    {IN("<AccessKeyId>A</AccessKeyId>" SECRET
	"<SessionToken></SessionToken>" EXPIRES),
	ERR_FORMAT},
    {IN("<AccessKeyId>A B</AccessKeyId>" SECRET SESSION EXPIRES), ERR_FORMAT},
    {IN("<AccessKeyId>&evil;</AccessKeyId>" SECRET SESSION EXPIRES),
	ERR_FORMAT},
    {IN("<AccessKeyId><b>A</b></AccessKeyId>" SECRET SESSION EXPIRES),
	ERR_FORMAT},
    {IN("<!-- -->" PARTS), ERR_FORMAT},
    {"<!DOCTYPE x [<!ENTITY e 'A'>]>" IN(PARTS), ERR_FORMAT},
    {IN("<AccessKeyId>A</AccessKeyId>" SECRET SESSION
	"<Expiration>tomorrow</Expiration>"),
	ERR_FORMAT},
    {"<AssumeRoleResult><Credentials>" PARTS, ERR_FORMAT},
    {"<Credentials>" PARTS "</Credentials>", ERR_FORMAT},
};

static int read_answer(const char *text, struct cred *out, struct err *err)
{
	struct buf *body = buf_new(STS_ANSWER_MAX);
	int rc;

	assert_non_null(body);
	assert_int_equal(buf_addstr(body, text), 0);
	rc = sts_answer_credentials(&by_keys, body, out, err);
	buf_free(body);
	return rc;
}

static void only_whole_credentials_are_taken(void **state)
{
	struct cred *out = cred_new();
	struct err err;

	(void)state;
	assert_non_null(out);
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		memset(&err, 0, sizeof err);
		if (read_answer(answers[i].body, out, &err) != answers[i].rc)
			fail_msg("%s: %s", answers[i].body, err.text);
		assert_null(strstr(err.text, "secret"));
	}
	assert_int_equal(read_answer(IN(PARTS), out, &err), 0);
	assert_string_equal(buf_str(out->access_key), "ASIA1");
	assert_string_equal(buf_str(out->secret_key), "secret/+=");
	assert_string_equal(buf_str(out->token), "to+ken&");
	assert_int_equal(out->expires, INT64_C(1795334400000));
	cred_free(out);
}

static void what_is_too_long_is_refused(void **state)
{
	static char body[STS_ANSWER_MAX];
	struct cred *out = cred_new();
	struct err err = {0};

	(void)state;
	(void)snprintf(body, sizeof body,
	    IN("<AccessKeyId>%0200d</AccessKeyId>" SECRET SESSION EXPIRES), 1);
	assert_int_equal(read_answer(body, out, &err), ERR_LIMIT);
	(void)snprintf(body, sizeof body,
	    IN("<AccessKeyId>A</AccessKeyId>" SECRET EXPIRES
	       "<SessionToken>%017000d</SessionToken>"),
	    1);
	assert_int_equal(read_answer(body, out, &err), ERR_LIMIT);
	cred_free(out);
}

/* ---- refusals */

#define DENIED                                                                 \
	"User: arn:aws:iam::1:user/u is not authorized to perform: "           \
	"sts:AssumeRole on resource: " ROLE

static const struct {
	const struct sts_asked *asked;
	int status;
	const char *body;
	int rc;
	bool passes, clock;
	const char *says[3];
} refusals[] = {
    {&by_keys, 403, REFUSED("AccessDenied", DENIED), ERR_DENIED, false, false,
	{"trust policy of the role", "environment", "sts:AssumeRole"}},
    {&by_keys, 403,
	REFUSED("AccessDenied", DENIED " with an explicit deny in a service "
				       "control policy"),
	ERR_DENIED, false, false,
	{"organization's administrator", "service control policy (SCP)"}},
    {&by_keys, 403,
	REFUSED("AccessDenied",
	    DENIED " with an explicit deny in a permissions boundary: "
		   "arn:aws:iam::1:policy/b"),
	ERR_DENIED, false, false,
	{"take the Deny of sts:AssumeRole", "arn:aws:iam::1:policy/b (",
	    "no Allow elsewhere overrules it"}},
    {&by_keys, 403,
	REFUSED("AccessDenied",
	    DENIED " with an explicit deny in a session policy"),
	ERR_DENIED, false, false, {"take the Deny", "session policy"}},
    {&by_keys, 403,
	REFUSED("AccessDenied", DENIED " because no role trust policy allows "
				       "the sts:AssumeRole action"),
	ERR_DENIED, false, false,
	{"allow sts:AssumeRole", "role's trust policy"}},
    {&by_keys, 403,
	REFUSED("SignatureDoesNotMatch", "Credential should be scoped to a "
					 "valid region, not 'us-east-1'."),
	ERR_CONFIG, false, false,
	{"the request is signed for region eu-south-1: set the region "
	 "that the endpoint of STS is in"}},
    {&by_keys, 403,
	REFUSED("AccessDenied",
	    DENIED " because no identity-based policy allows it"),
	ERR_DENIED, false, false,
	{"policy of the identity of the credentials (environment)"}},
    {&by_keys, 403,
	REFUSED("AccessDenied",
	    DENIED " because no resource-based policy allows it"),
	ERR_DENIED, false, false, {"in the role's trust policy"}},
    {&by_token, 403,
	REFUSED("AccessDenied", "Not authorized to perform "
				"sts:AssumeRoleWithWebIdentity"),
	ERR_DENIED, false, false,
	{"issuer of the token in /run/token", "sub and aud",
	    "sts:AssumeRoleWithWebIdentity"}},
    {&by_token, 400,
	REFUSED("InvalidIdentityToken", "No OpenIDConnect provider found in "
					"your account for https://issuer"),
	ERR_DENIED, false, false,
	{"register the issuer", "/run/token", "https://issuer"}},
    {&by_token, 400,
	REFUSED("ExpiredTokenException", "Token expired: current date/time"),
	ERR_DENIED, false, false, {"renew the token in /run/token"}},
    {&by_token, 400, REFUSED("IDPCommunicationError", "x"), ERR_SERVICE, true,
	false, {"cannot reach the issuer"}},
    {&by_token, 403, REFUSED("IDPRejectedClaim", "x"), ERR_DENIED, false, false,
	{"rejects"}},
    {&by_token, 400, REFUSED("PackedPolicyTooLarge", "115%"), ERR_CONFIG, false,
	false, {"shorten the session tags"}},
    {&by_keys, 403,
	REFUSED("RegionDisabledException", "STS is not activated in this "
					   "region"),
	ERR_DENIED, false, false, {"activate STS in region eu-south-1"}},
    {&by_keys, 400,
	REFUSED("ValidationError",
	    "1 validation error detected: Value &apos;x&apos; at &apos;"
	    "durationSeconds&apos;"),
	ERR_CONFIG, false, false, {"external id and duration", "Value 'x' at"}},
    {&by_keys, 403, REFUSED("InvalidClientTokenId", "invalid"), ERR_DENIED,
	false, false, {"access key of the credentials that ask, of env"}},
    {&by_keys, 403, REFUSED("ExpiredToken", "expired"), ERR_DENIED, false,
	false, {"renew the credentials that ask, of environment"}},
    {&by_keys, 403, REFUSED("SignatureDoesNotMatch", "differs"), ERR_DENIED,
	false, false, {"secret key"}},
    {&by_keys, 403, REFUSED("SignatureDoesNotMatch", "Signature expired: 2020"),
	ERR_DENIED, false, true, {"clock"}},
    {&by_keys, 403,
	REFUSED("SignatureDoesNotMatch", "Signature not yet current: 2030"),
	ERR_DENIED, false, true, {"clock"}},
    {&by_keys, 400, REFUSED("RequestExpired", "x"), ERR_DENIED, false, true,
	{"clock"}},
    {&by_keys, 400, REFUSED("Throttling", "Rate exceeded"), ERR_THROTTLED, true,
	false, {"try later"}},
    {&by_keys, 429, "", ERR_THROTTLED, false, false, {"try later"}},
    {&by_keys, 503, "<html>x\x1b[2J</html>", ERR_SERVICE, false, false,
	{"try later", "x?[2J"}},
    {&by_keys, 302, "", ERR_SERVICE, false, false, {"endpoint"}},
    {&by_keys, 403, "Blocked by the proxy", ERR_DENIED, false, false,
	{"proxy", "HTTP 403"}},
    {&by_keys, 418, REFUSED("Teapot", "short"), ERR_SERVICE, false, false,
	{"Teapot", "short"}},
};

static void each_refusal_has_its_code_and_advice(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		struct sts_error e;
		struct err err = {0};

		sts_answer_error(&e, refusals[i].status, refusals[i].body,
		    strlen(refusals[i].body));
		if (sts_error_explain(refusals[i].asked, &e, &err) !=
		    refusals[i].rc)
			fail_msg("%d: %s", err.code, err.text);
		for (int k = 0; k < 3 && refusals[i].says[k] != NULL; k++)
			if (strstr(err.text, refusals[i].says[k]) == NULL)
				fail_msg("no \"%s\": %s", refusals[i].says[k],
				    err.text);
		assert_int_equal(sts_error_passes(&e), refusals[i].passes);
		assert_int_equal(sts_error_is_of_clock(&e), refusals[i].clock);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_whole_credentials_are_taken),
	    cmocka_unit_test(what_is_too_long_is_refused),
	    cmocka_unit_test(each_refusal_has_its_code_and_advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

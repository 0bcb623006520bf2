/* SPDX-License-Identifier: Apache-2.0 */
/* The sealing key of a parameter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "aid/sqs.h"
#include "message/keyfile.h"
#include "sqs/ssm.h"

#define NAME "/entropy/seal-key"

static const uint8_t newest[KEYS_LEN] = {1, 2, 3}, former[KEYS_LEN] = {4, 5};

/* An answer with that key, and the members behind it. */
static struct loopback_step holding(const uint8_t *key, const char *more)
{
	char line[KEYFILE_LINE_MAX], text[2048];

	keyfile_format(KEYFILE_SEAL_SECRET, key, line);
	(void)snprintf(text, sizeof text,
	    "{\"Parameter\":{\"Name\":\"x\",\"Type\":\"SecureString\","
	    "\"Value\":\"# the fleet's\\n%s\\n\"%s}}",
	    line, more);
	return aid_ok(text);
}

static int ask(struct aid_sqs *a, const char *name, struct ssm_keys *keys)
{
	return ssm_seal_keys(a->sqs, name, aid_deadline(a), keys, &a->err);
}

static void what_is_asked_is_signed_for_parameter_store(void **state)
{
	const struct loopback_step step = holding(newest, ",\"Version\":1");
	struct aid_sqs *a = aid_open_as(&ssm_service, &step, 1);
	struct ssm_keys keys;
	char line[512];

	(void)state;
	assert_int_equal(ask(a, NAME, &keys), 0);
	assert_int_equal(keys.n, 1);
	assert_int_equal(keys.version[0], 1);
	assert_memory_equal(keys.keys[0].key[HPKE_X25519], newest, KEYS_LEN);
	assert_int_equal(keys.former.code, 0);
	assert_int_equal(loopback_requests(a->loopback), 1);
	aid_header(a, 0, "X-Amz-Target", line, sizeof line);
	assert_string_equal(line, "AmazonSSM.GetParameter");
	aid_header(a, 0, "Content-Type", line, sizeof line);
	assert_string_equal(line, "application/x-amz-json-1.1");
	aid_header(a, 0, "Authorization", line, sizeof line);
	assert_non_null(strstr(line, "/eu-west-1/ssm/aws4_request"));
	assert_non_null(strstr(loopback_request(a->loopback, 0),
	    "\r\n\r\n{\"Name\":\"" NAME "\",\"WithDecryption\":true}"));
	aid_close(a);
}

/* Names, the version that is answered, and whom the second request asks for,
 * NULL for nobody. */
static const struct {
	const char *name, *version, *then;
} selections[] = {
    {NAME, ",\"Version\":2", NAME ":1"},
    {NAME, ",\"Version\":1001", NAME ":1000"},
    {NAME, ",\"Version\":1", NULL},
    {NAME, ",\"Version\":0", NULL},
    {NAME, ",\"Version\":-5", NULL},
    {NAME, ",\"Version\":9223372036854775808", NULL},
    {NAME, ",\"Version\":\"x\"", NULL},
    {NAME, "", NULL},
    {NAME ":2", ",\"Version\":2", NULL},
    {NAME ":live", ",\"Version\":2", NULL},
    {"arn:aws:ssm:eu-west-1:123456789012:parameter/a", ",\"Version\":2",
	"arn:aws:ssm:eu-west-1:123456789012:parameter/a:1"},
    {"arn:aws:ssm:eu-west-1:123456789012:parameter/a:2", ",\"Version\":2",
	NULL},
};

static void the_version_before_is_asked_for_by_its_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof selections / sizeof selections[0]; i++) {
		const struct loopback_step steps[] = {
		    holding(newest, selections[i].version),
		    holding(former, ",\"Version\":1")};
		struct aid_sqs *a = aid_open_as(&ssm_service, steps, 2);
		const bool twice = selections[i].then != NULL;
		struct ssm_keys keys;
		struct json *request;

		assert_int_equal(ask(a, selections[i].name, &keys), 0);
		assert_int_equal(keys.n, twice ? 2 : 1);
		assert_int_equal(loopback_requests(a->loopback), twice ? 2 : 1);
		assert_memory_equal(
		    keys.keys[0].key[HPKE_X25519], newest, KEYS_LEN);
		if (twice) {
			assert_memory_equal(
			    keys.keys[1].key[HPKE_X25519], former, KEYS_LEN);
			request = aid_request(a, 1);
			assert_string_equal(
			    json_string(json_get(request, "Name")),
			    selections[i].then);
			json_free(request);
		}
		aid_close(a);
	}
}

/* So many keys come of these answers, and there is no reason to lack one. */
static void assert_had(const struct loopback_step *steps, int n, size_t wanted)
{
	struct aid_sqs *a = aid_open_as(&ssm_service, steps, n);
	struct ssm_keys keys;

	assert_int_equal(ask(a, NAME, &keys), 0);
	assert_int_equal(keys.n, wanted);
	assert_int_equal(keys.former.code, 0);
	aid_close(a);
}

static void the_same_key_is_had_once(void **state)
{
	const struct loopback_step steps[] = {holding(newest, ",\"Version\":7"),
	    holding(newest, ",\"Version\":6")};

	(void)state;
	assert_had(steps, 2, 1);
}

static void what_passes_is_no_reason_to_lack_it(void **state)
{
	const struct loopback_step steps[] = {holding(newest, ",\"Version\":2"),
	    aid_answer("503 X", "", "no"), holding(former, ",\"Version\":1")};

	(void)state;
	assert_had(steps, 3, 2);
}

#define PARAMETER(type, value)                                                 \
	"{\"Parameter\":{\"Type\":\"" type "\",\"Value\":\"" value "\"}}"
#define ERROR(type, text) "{\"__type\":\"" type "\",\"message\":\"" text "\"}"

/* What gives no key, and what is said of it. */
static const struct {
	const char *status, *body;
	int rc;
	const char *text;
} failures[] = {
    {"200 OK", "{}", ERR_FORMAT,
	"GetParameter: the answer has no Type and Value; is the endpoint one of "
	"SSM?"},
    {"200 OK", "{\"Parameter\":{\"Type\":\"SecureString\"}}", ERR_FORMAT,
	"no Type and Value"},
    {"200 OK", PARAMETER("String", "x"), ERR_CONFIG,
	"parameter " NAME " is a String, which is stored in the clear: delete "
	"it, and put a new key there (aws ssm put-parameter --type "
	"SecureString)"},
    {"200 OK", PARAMETER("SecureString", ""), ERR_CONFIG,
	"parameter " NAME " holds no key"},
    {"200 OK", PARAMETER("SecureString", "x\\ny"), ERR_CONFIG,
	"parameter " NAME ":1: not a key"},
    {"400 X", ERROR("ParameterNotFound", ""), ERR_CONFIG,
	"; there is no parameter " NAME
	" in region eu-west-1: make it (aws ssm "
	"put-parameter --type SecureString), or check its name and the region"},
    {"400 X", ERROR("ParameterVersionNotFound", "no"), ERR_CONFIG,
	"; the parameter has no such version and no such label: check what "
	"stands behind the colon of " NAME},
    {"400 X", ERROR("ValidationException", "Parameter name: no"), ERR_CONFIG,
	"ValidationException: Parameter name: no; no parameter can have the "
	"name " NAME ": check it"},
    {"400 X", ERROR("InvalidKeyId", "no"), ERR_CONFIG,
	"; the KMS key of parameter " NAME " cannot be used: enable it, or "
	"cancel its deletion; this does not pass by itself"},
    {"403 X", "", ERR_DENIED,
	"; allow ssm:GetParameter on " NAME " to the identity of the "
	"credentials (test)"},
    {"400 X", ERROR("AccessDeniedException", "(Service: AWSKMS)"), ERR_DENIED,
	"; allow kms:Decrypt on the parameter's KMS key to the identity"},
    {"400 X",
	ERROR("AccessDeniedException",
	    "not authorized to perform: ssm:GetParameter on resource: x because "
	    "no resource-based policy allows"),
	ERR_DENIED, "of the credentials in the resource's own policy"},
};

static void a_failure_says_what_to_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
		const struct loopback_step step =
		    aid_answer(failures[i].status, "", failures[i].body);
		struct aid_sqs *a = aid_open_as(&ssm_service, &step, 1);
		struct ssm_keys keys;
		const int rc = ask(a, NAME, &keys);

		if (rc != failures[i].rc || a->err.code != rc ||
		    strstr(a->err.text, failures[i].text) == NULL)
			fail_msg(
			    "%s: %d %s", failures[i].body, rc, a->err.text);
		assert_int_equal(keys.n, 0);
		aid_close(a);
	}
}

/* The newest key serves all the same. */
static void the_version_before_may_fail(void **state)
{
	const struct loopback_step steps[] = {holding(newest, ",\"Version\":3"),
	    aid_answer("400 X", "", ERROR("ParameterVersionNotFound", "no"))};
	struct aid_sqs *a = aid_open_as(&ssm_service, steps, 2);
	struct ssm_keys keys;

	(void)state;
	assert_int_equal(ask(a, NAME, &keys), 0);
	assert_int_equal(keys.n, 1);
	assert_int_equal(keys.former.code, ERR_CONFIG);
	assert_non_null(strstr(keys.former.text, "the colon of " NAME ":2"));
	aid_close(a);
}

static void names_are_those_of_parameters(void **state)
{
	static const char *const good[] = {"a", NAME, NAME ":3",
	    "/a.b-c_D/9:live", "/aws/service/a", "a:parameter",
	    "arn:aws:ssm:eu-west-1:123456789012:parameter/a",
	    "arn:aws:ssm:eu-west-1:123456789012:parameter/a/b:live",
	    "arn:aws:ssm:eu-west-1:123456789012:parameter/a:3"};
	static const char *const bad[] = {"", ":", ":3", "a:", "a b", "a\n",
	    "a*", "a\\", "a\"", "\xc3\xa9", "a:1:2", "a:b:c", "a:/b", "/", "//",
	    "a/", "a/:1", "/a//b", "a/b", "a/b:1",
	    "arn:aws:ssm:eu-west-1:123456789012:parameter//a",
	    "arn:aws:ssm:eu-west-1:123456789012:parameter/",
	    "arn:aws:ssm:eu-west-1:123456789012:parameter/a:1:2",
	    "arn:aws:kms:eu-west-1:123456789012:key/a",
	    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a"};
	char longest[SSM_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(ssm_is_name(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(ssm_is_name(bad[i]));
	memset(longest, 'a', sizeof longest);
	longest[SSM_NAME_MAX + 1] = '\0';
	assert_false(ssm_is_name(longest));
	longest[SSM_NAME_MAX] = '\0';
	assert_true(ssm_is_name(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_asked_is_signed_for_parameter_store),
	    cmocka_unit_test(the_version_before_is_asked_for_by_its_number),
	    cmocka_unit_test(the_same_key_is_had_once),
	    cmocka_unit_test(what_passes_is_no_reason_to_lack_it),
	    cmocka_unit_test(a_failure_says_what_to_do),
	    cmocka_unit_test(the_version_before_may_fail),
	    cmocka_unit_test(names_are_those_of_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

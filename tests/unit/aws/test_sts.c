/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent to STS, and again. */
#include "aid/http.h"
#include "aid/sts.h"
#include "aid/virtual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aws/cred_fetch.h"
#include "aws/sts.h"

/* ---- the place */

static const struct {
	const char *region;
	bool legacy;
	const char *endpoint, *scope;
} places[] = {
    {"eu-west-1", false, "https://sts.eu-west-1.amazonaws.com", "eu-west-1"},
    {"us-east-1", false, "https://sts.us-east-1.amazonaws.com", "us-east-1"},
    {"eu-west-1", true, "https://sts.amazonaws.com", "us-east-1"},
    {"eu-south-1", true, "https://sts.eu-south-1.amazonaws.com", "eu-south-1"},
    {"cn-north-1", true, "https://sts.cn-north-1.amazonaws.com.cn",
	"cn-north-1"},
    {"us-gov-west-1", false, "https://sts.us-gov-west-1.amazonaws.com",
	"us-gov-west-1"},
};

static void the_endpoint_is_the_region_s(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		char endpoint[LIMIT_URL];
		const char *scope;

		assert_int_equal(sts_default_endpoint(places[i].region,
				     places[i].legacy, endpoint, &scope),
		    0);
		assert_string_equal(endpoint, places[i].endpoint);
		assert_string_equal(scope, places[i].scope);
	}
}

/* ---- calls */

#define ANSWER(status, body)                                                   \
	{                                                                      \
		.answer = "HTTP/1.1 " status "\r\nConnection: close\r\n"       \
			  "Date: Sun, 22 Nov 2026 08:00:00 GMT\r\n\r\n" body,  \
		.close = 1                                                     \
	}

struct bench {
	struct loopback *l;
	struct http *http;
	struct clock clock;
	struct sts sts;
	struct cred *by, *out;
	char token_file[64];
	struct err err;
};

static int no_sleep(void *ctx, int64_t ms)
{
	(void)ctx;
	(void)ms;
	return 0;
}

static int64_t august(void *ctx)
{
	(void)ctx;
	return INT64_C(1787700000000);
}

static void write_token(struct bench *b, const char *text)
{
	FILE *f = fopen(b->token_file, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void open_bench(
    struct bench *b, const struct loopback_step *steps, int n)
{
	memset(b, 0, sizeof *b);
	b->l = loopback_new(steps, n);
	b->http = http_aid_client(-1);
	b->clock = clock_system(NULL);
	b->clock.sleep = no_sleep;
	b->clock.wall = august;
	b->by = cred_new();
	b->out = cred_new();
	assert_int_equal(cred_set(b->by, "AKIAFIRST", "secret", "token"), 0);
	b->by->source = "environment";
	b->sts = (struct sts){.http = b->http,
	    .clock = &b->clock,
	    .sigv4 = sigv4_new(),
	    .endpoint = loopback_url(b->l),
	    .region = "eu-west-1"};
	(void)snprintf(b->token_file, sizeof b->token_file, "/tmp/test_sts.%ld",
	    (long)getpid());
	write_token(b, "head.body.sign-_\n");
}

static void close_bench(struct bench *b)
{
	(void)unlink(b->token_file);
	sigv4_free(b->sts.sigv4);
	cred_free(b->by);
	cred_free(b->out);
	http_free(b->http);
	loopback_free(b->l);
}

#define BENCH(b, ...)                                                          \
	const struct loopback_step steps[] = {__VA_ARGS__};                    \
	struct bench b;                                                        \
                                                                               \
	(void)state;                                                           \
	open_bench(&b, steps, sizeof steps / sizeof steps[0])

static int assume(struct bench *b, const struct sts_role *role)
{
	return sts_assume_role(
	    &b->sts, b->by, role, http_aid_now() + 60000, b->out, &b->err);
}

static int assume_by_token(struct bench *b)
{
	const struct sts_role role = {.arn = ROLE, .session_name = "s"};

	return sts_assume_role_with_web_identity(&b->sts, b->token_file, &role,
	    http_aid_now() + 60000, b->out, &b->err);
}

static void expect_in(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in: %s", part, text);
}

static const struct sts_role plain = {.arn = ROLE};

static void a_role_is_asked_for_with_a_signature(void **state)
{
	const struct sts_role role = {.arn = ROLE,
	    .session_name = "me@here",
	    .external_id = "a b/\xc3\xa9",
	    .duration = 900};
	BENCH(b, ANSWER("200 OK", IN(PARTS)));

	if (assume(&b, &role) != 0)
		fail_msg("%s", b.err.text);
	assert_string_equal(buf_str(b.out->access_key), "ASIA1");
	expect_in(loopback_request(b.l, 0), "POST / HTTP/1.1\r\n");
	expect_in(loopback_request(b.l, 0),
	    "\r\nContent-Type: application/x-www-form-urlencoded; "
	    "charset=utf-8\r\n");
	expect_in(loopback_request(b.l, 0), "/eu-west-1/sts/aws4_request, ");
	expect_in(
	    loopback_request(b.l, 0), "\r\nX-Amz-Security-Token: token\r\n");
	expect_in(loopback_request(b.l, 0),
	    "\r\n\r\nAction=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3A"
	    "iam%3A%3A123456789012%3Arole%2Fentropy&RoleSessionName=me%40here"
	    "&DurationSeconds=900&ExternalId=a%20b%2F%C3%A9");
	close_bench(&b);
}

static void a_token_is_read_anew_and_nothing_is_signed(void **state)
{
	BENCH(b, ANSWER("400 Bad", REFUSED("ExpiredTokenException", "old")));

	assert_int_equal(assume_by_token(&b), ERR_DENIED);
	assert_null(strstr(loopback_request(b.l, 0), "Authorization"));
	assert_null(strstr(loopback_request(b.l, 0), "X-Amz-"));
	expect_in(loopback_request(b.l, 0),
	    "\r\n\r\nAction=AssumeRoleWithWebIdentity&Version=2011-06-15&");
	expect_in(loopback_request(b.l, 0),
	    "&RoleSessionName=s&WebIdentityToken=head.body.sign-_");
	write_token(&b, "second");
	assert_int_equal(assume_by_token(&b), ERR_DENIED);
	expect_in(loopback_request(b.l, 1), "&WebIdentityToken=second");
	close_bench(&b);
}

static const char *const no_tokens[] = {
    "", "\n", "a b", "a\nb\n", "caf\xc3\xa9", "a\x01"};

static void a_file_without_a_token_is_named(void **state)
{
	BENCH(b, ANSWER("200 OK", ""));

	for (size_t i = 0; i < sizeof no_tokens / sizeof no_tokens[0]; i++) {
		write_token(&b, no_tokens[i]);
		assert_int_equal(assume_by_token(&b), ERR_CONFIG);
		expect_in(b.err.text, b.token_file);
	}
	assert_int_equal(unlink(b.token_file), 0);
	assert_int_equal(assume_by_token(&b), ERR_CONFIG);
	expect_in(b.err.text, b.token_file);
	expect_in(b.err.text, "AWS_WEB_IDENTITY_TOKEN_FILE");
	assert_int_equal(loopback_requests(b.l), 0);
	close_bench(&b);
}

static void what_passes_is_tried_again(void **state)
{
	BENCH(b, ANSWER("503 Busy", ""),
	    ANSWER("400 Bad", REFUSED("Throttling", "Rate exceeded")),
	    {.close = 1},
	    ANSWER("400 Bad", REFUSED("IDPCommunicationError", "x")),
	    ANSWER("200 OK", IN(PARTS)));

	if (assume(&b, &plain) != 0)
		fail_msg("%s", b.err.text);
	assert_int_equal(loopback_requests(b.l), 5);
	expect_in(loopback_request(b.l, 0),
	    "&RoleSessionName=sqs-entropy-1787700000");
	close_bench(&b);
}

static void what_does_not_pass_is_the_last_answer(void **state)
{
	BENCH(b, ANSWER("503 Busy", REFUSED("ServiceUnavailable", "busy")));

	assert_int_equal(assume(&b, &plain), ERR_SERVICE);
	expect_in(b.err.text, "ServiceUnavailable");
	assert_int_equal(loopback_requests(b.l), CRED_FETCH_TRIES);
	close_bench(&b);
}

static void a_last_word_is_not_asked_for_again(void **state)
{
	BENCH(b, ANSWER("403 No", REFUSED("AccessDenied", "no")),
	    ANSWER("200 OK", "<html>Sign in</html>"), ANSWER("302 Found", ""));

	assert_int_equal(assume(&b, &plain), ERR_DENIED);
	assert_int_equal(assume(&b, &plain), ERR_FORMAT);
	assert_int_equal(assume(&b, &plain), ERR_SERVICE);
	assert_int_equal(loopback_requests(b.l), 3);
	close_bench(&b);
}

#define EXPIRED                                                                \
	ANSWER("403 No", REFUSED("SignatureDoesNotMatch",                      \
			     "Signature expired: 20260826T000000Z"))

static void a_clock_that_is_refused_is_corrected_once(void **state)
{
	BENCH(b, EXPIRED, ANSWER("200 OK", IN(PARTS)), EXPIRED);

	if (assume(&b, &plain) != 0)
		fail_msg("%s", b.err.text);
	expect_in(loopback_request(b.l, 0), "X-Amz-Date: 20260825T");
	expect_in(loopback_request(b.l, 1), "X-Amz-Date: 20261122T080000Z");
	assert_int_equal(assume(&b, &plain), ERR_DENIED);
	expect_in(b.err.text, "set this machine's clock");
	assert_int_equal(loopback_requests(b.l), 3);
	close_bench(&b);
}

static void silence_is_tried_again_until_the_deadline(void **state)
{
	BENCH(b, {.delay_ms = 60000});

	b.clock.sleep = virtual_sleep;
	virtual_begin(NULL, 0);
	assert_int_equal(sts_assume_role(&b.sts, b.by, &plain,
			     http_aid_now() + 10000, b.out, &b.err),
	    ERR_TIMEOUT);
	virtual_end();
	expect_in(b.err.text, "AssumeRole for " ROLE);
	close_bench(&b);
}

static void what_cannot_be_asked_is_said(void **state)
{
	const struct sts_role nobody = {.arn = ""};
	static char ark[3000];
	struct sts_role vast = {.arn = ark};
	BENCH(b, ANSWER("200 OK", ""));

	memset(ark, 'a', sizeof ark - 1);
	assert_int_equal(assume(&b, &nobody), ERR_CONFIG);
	expect_in(b.err.text, "a role is to be assumed and its ARN is not set: "
			      "set role_arn, or AWS_ROLE_ARN");
	assert_int_equal(assume(&b, &vast), ERR_CONFIG);
	b.sts.endpoint = "ftp://x";
	assert_int_equal(assume(&b, &plain), ERR_CONFIG);
	expect_in(b.err.text, "ftp://x");
	b.sts.endpoint = "https://x/path";
	assert_int_equal(assume(&b, &plain), ERR_CONFIG);
	assert_int_equal(loopback_requests(b.l), 0);
	close_bench(&b);
}

/* ---- whose the credentials are */

#define WHO(arn)                                                               \
	"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>" arn        \
	"</Arn><Account>1</Account></GetCallerIdentityResult>"                 \
	"</GetCallerIdentityResponse>"
#define ASSUMED "arn:aws:sts::123456789012:assumed-role/entropy/i-1"

static int ask_identity(struct bench *b, char arn[static STS_IDENTITY_MAX])
{
	return sts_identity(
	    &b->sts, b->by, http_aid_now() + 60000, arn, &b->err);
}

static void credentials_are_asked_for_their_identity(void **state)
{
	char arn[STS_IDENTITY_MAX];
	BENCH(b, ANSWER("200 OK", WHO(ASSUMED)));

	assert_int_equal(ask_identity(&b, arn), 0);
	assert_string_equal(arn, ASSUMED);
	expect_in(loopback_request(b.l, 0),
	    "Action=GetCallerIdentity&Version=2011-06-15");
	expect_in(loopback_request(b.l, 0), "Credential=AKIAFIRST/");
	expect_in(loopback_request(b.l, 0), "X-Amz-Security-Token: token");
	close_bench(&b);
}

/* No policy can refuse it: what is refused are the credentials. */
static void an_identity_that_is_none_is_an_error(void **state)
{
	char arn[STS_IDENTITY_MAX] = "kept";
	BENCH(b, ANSWER("200 OK", WHO("")), ANSWER("200 OK", WHO("a b")),
	    ANSWER("200 OK", "<html>log in</html>"),
	    ANSWER("403 Forbidden", REFUSED("InvalidClientTokenId", "no")));

	for (int i = 0; i < 3; i++)
		assert_int_equal(ask_identity(&b, arn), ERR_FORMAT);
	assert_string_equal(arn, "kept");
	expect_in(b.err.text,
	    "GetCallerIdentity for the credentials in use: HTTP 200 without an "
	    "ARN (malformed); look for a proxy or a login page in between, and "
	    "at the endpoint");
	assert_int_equal(ask_identity(&b, arn), ERR_DENIED);
	expect_in(b.err.text, "check the access key of the credentials that "
			      "ask, of environment");
	close_bench(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_endpoint_is_the_region_s),
	    cmocka_unit_test(a_role_is_asked_for_with_a_signature),
	    cmocka_unit_test(a_token_is_read_anew_and_nothing_is_signed),
	    cmocka_unit_test(a_file_without_a_token_is_named),
	    cmocka_unit_test(what_passes_is_tried_again),
	    cmocka_unit_test(what_does_not_pass_is_the_last_answer),
	    cmocka_unit_test(a_last_word_is_not_asked_for_again),
	    cmocka_unit_test(a_clock_that_is_refused_is_corrected_once),
	    cmocka_unit_test(silence_is_tried_again_until_the_deadline),
	    cmocka_unit_test(what_cannot_be_asked_is_said),
	    cmocka_unit_test(credentials_are_asked_for_their_identity),
	    cmocka_unit_test(an_identity_that_is_none_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

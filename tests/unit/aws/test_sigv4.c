/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aid/confine.h"
#include "aid/failing.h"
#include "aid/hex.h"
#include "aid/memory.h"
/* The cached key shows in no result, so the code is looked into. */
#include "aws/sigv4.c"

#define AT       1440938160000 /* 2015-08-30T12:36:00Z */
#define DAY      86400000
#define SECRET   "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define EXPECTED "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/"

static const struct sigv4_credentials example = {"AKIDEXAMPLE", SECRET, NULL};

static const struct sigv4_request get = {
    .method = "GET", .host = "example.amazonaws.com"};

static void assert_signed_as(struct sigv4 *s,
    const struct sigv4_credentials *credentials,
    const struct sigv4_request *req, const char *service, const char *expected)
{
	struct sigv4_result result;

	assert_int_equal(
	    sigv4_sign(s, credentials, req, "us-east-1", service, AT, &result),
	    0);
	assert_string_equal(result.amz_date, "20150830T123600Z");
	assert_string_equal(buf_str(result.authorization), expected);
	buf_free(result.authorization);
}

/* The signing key that the IAM User Guide derives step by step. */
#define GUIDE_KEY                                                              \
	"c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"

static void the_key_is_derived_as_the_user_guide_does(void **state)
{
	struct sigv4 *s = *state;
	struct sigv4_result result;
	char hex[HEX_LEN];

	assert_int_equal(
	    sigv4_sign(s, &example, &get, "us-east-1", "iam", AT, &result), 0);
	buf_free(result.authorization);
	text_hex(hex, s->key, sizeof s->key);
	assert_string_equal(hex, GUIDE_KEY);
}

/* How often a key stands in memory beside here. */
static unsigned count_key(const uint8_t key[static DIGEST_SHA256_LEN])
{
	return memory_count(getpid(), key, DIGEST_SHA256_LEN);
}

/* The secret itself is the caller's. */
static void only_the_kept_key_stays_in_memory(void **state)
{
	static const char first[] = "AWS4" SECRET;
	uint8_t key[DIGEST_SHA256_LEN];
	struct sigv4_result result;
	struct sigv4 *s;

	(void)state;
	SKIP_IF(confine_aid_valgrind(), "valgrind's memory is looked at, too");
	s = sigv4_new();
	assert_non_null(s);
	hex_exactly(key, sizeof key, GUIDE_KEY);
	assert_int_equal(count_key(key), 0);
	assert_int_equal(
	    sigv4_sign(s, &example, &get, "us-east-1", "iam", AT, &result), 0);
	buf_free(result.authorization);
	assert_int_equal(count_key(key), 1);
	assert_int_equal(count_key(s->origin), 0);
	assert_int_equal(memory_count(getpid(), first, sizeof first - 1), 0);
	sigv4_free(s);
	assert_int_equal(count_key(key), 0);
}

static void assert_suite(struct sigv4 *s, const struct sigv4_request *req,
    const char *names, const char *signature)
{
	struct buf *expected = buf_new(1024);

	assert_non_null(expected);
	assert_int_equal(
	    buf_addf(expected,
		EXPECTED "service/aws4_request, SignedHeaders=%s, Signature=%s",
		names, signature),
	    0);
	assert_signed_as(s, &example, req, "service", buf_str(expected));
	buf_free(expected);
}

/* AWS's Signature Version 4 test suite. */
static void requests_of_the_test_suite_are_signed_as_it_says(void **state)
{
	struct sigv4_request req = get;

	assert_suite(*state, &req, "host;x-amz-date",
	    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	req.method = "POST";
	assert_suite(*state, &req, "host;x-amz-date",
	    "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

static void headers_of_the_test_suite_are_signed_as_it_says(void **state)
{
	const struct sigv4_header trim[] = {
	    {"My-Header2", " \"a   b   c\""}, {"My-Header1", " value1"}};
	const struct sigv4_header type = {
	    "Content-Type", "application/x-www-form-urlencoded"};
	struct sigv4_request req = get;

	req.headers = trim;
	req.headers_n = 2;
	assert_suite(*state, &req, "host;my-header1;my-header2;x-amz-date",
	    "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
	req.method = "POST";
	req.headers = &type;
	req.headers_n = 1;
	req.body = "Param1=value1";
	req.body_len = strlen(req.body);
	assert_suite(*state, &req, "content-type;host;x-amz-date",
	    "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

static void a_session_token_is_signed_when_there_is_one(void **state)
{
	const struct sigv4_credentials with = {"AKIDEXAMPLE", SECRET,
	    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwd"
	    "QWLWsKWHGBuFqwAeMicRXmxfPSP18Tp1ZL"};
	const struct sigv4_credentials without = {"AKIDEXAMPLE", SECRET, ""};
	struct sigv4_request req = get;

	req.method = "POST";
	assert_signed_as(*state, &with, &req, "service",
	    EXPECTED "service/aws4_request, "
		     "SignedHeaders=host;x-amz-date;x-amz-security-token, "
		     "Signature=32c6d547e800580d33fcc26db99da13b"
		     "1c778a63adffd1e3dbbf231dfc88262e");
	assert_signed_as(*state, &without, &req, "service",
	    EXPECTED "service/aws4_request, SignedHeaders=host;x-amz-date, "
		     "Signature=5da7c1a2acd57cee7505fc6676e4e544"
		     "621c30862966e37dddb68e92efbe5d6b");
}

/* Sign with s, whatever it keeps, and with a fresh one: the same result. */
static void assert_as_fresh(struct sigv4 *s, const char *secret,
    const char *region, const char *service, int64_t wall)
{
	const struct sigv4_credentials c = {"AKIDEXAMPLE", secret, NULL};
	struct sigv4 *fresh = sigv4_new();
	struct sigv4_result a, b;

	assert_non_null(fresh);
	assert_int_equal(sigv4_sign(s, &c, &get, region, service, wall, &a), 0);
	assert_int_equal(
	    sigv4_sign(fresh, &c, &get, region, service, wall, &b), 0);
	assert_string_equal(buf_str(a.authorization), buf_str(b.authorization));
	assert_memory_equal(s->key, fresh->key, sizeof s->key);
	buf_free(a.authorization);
	buf_free(b.authorization);
	sigv4_free(fresh);
}

static void the_cached_key_follows_everything_it_is_made_of(void **state)
{
	struct sigv4 *s = *state;
	int round;

	for (round = 0; round < 2; round++) {
		assert_as_fresh(s, SECRET, "us-east-1", "sqs", AT);
		assert_as_fresh(s, SECRET, "us-east-1", "sqs", AT + DAY);
		assert_as_fresh(s, SECRET, "us-east-2", "sqs", AT + DAY);
		assert_as_fresh(s, SECRET, "us-east-2", "iam", AT + DAY);
		assert_as_fresh(s, SECRET "x", "us-east-2", "iam", AT + DAY);
		assert_as_fresh(s, "", "us-east-2", "iam", AT + DAY);
		/* the same letters, cut elsewhere */
		assert_as_fresh(s, "c", "a", "b", AT);
		assert_as_fresh(s, "bc", "a", "", AT);
		assert_as_fresh(s, "", "ab", "c", AT);
		assert_as_fresh(s, "c", "ab", "", AT);
	}
}

/* A key that stands in the cache is used: one that is put there shows. */
static void a_key_in_the_cache_is_used(void **state)
{
	struct sigv4 *s = *state;
	struct sigv4_result a, b, c;

	assert_int_equal(
	    sigv4_sign(s, &example, &get, "us-east-1", "sqs", AT, &a), 0);
	s->key[0] ^= 1;
	assert_int_equal(
	    sigv4_sign(s, &example, &get, "us-east-1", "sqs", AT, &b), 0);
	assert_string_not_equal(
	    buf_str(a.authorization), buf_str(b.authorization));
	s->key[0] ^= 1;
	assert_int_equal(
	    sigv4_sign(s, &example, &get, "us-east-1", "sqs", AT + 999, &c), 0);
	assert_string_equal(buf_str(a.authorization), buf_str(c.authorization));
	buf_free(a.authorization);
	buf_free(b.authorization);
	buf_free(c.authorization);
}

/* A failed derivation leaves no key behind, neither the old nor half a new. */
static void a_failed_derivation_leaves_no_key_behind(void **state)
{
	static const struct sigv4 empty;
	char secret[SIGV4_SECRET_MAX + 2];
	const struct sigv4_credentials c = {"AKIDEXAMPLE", secret, NULL};
	struct sigv4 *s = *state;
	struct sigv4_result result;

	assert_as_fresh(s, SECRET, "us-east-1", "sqs", AT);
	memset(secret, 's', sizeof secret);
	secret[SIGV4_SECRET_MAX + 1] = '\0';
	assert_int_equal(
	    sigv4_sign(s, &c, &get, "us-east-1", "sqs", AT, &result),
	    ERR_LIMIT);
	assert_false(s->has_key);
	assert_memory_equal(s->key, empty.key, sizeof s->key);
	assert_memory_equal(s->origin, empty.origin, sizeof s->origin);
	secret[SIGV4_SECRET_MAX] = '\0';
	assert_as_fresh(s, secret, "us-east-1", "sqs", AT);
}

static int sign_anew(void *state)
{
	struct sigv4_credentials with_token = example;
	struct sigv4 *s = state;
	struct sigv4_result result;
	int rc;

	with_token.token = "token";
	memset(s, 0, sizeof *s);
	rc = sigv4_sign(s, &with_token, &get, "us-east-1", "sqs", AT, &result);
	if (rc == 0)
		buf_free(result.authorization);
	return rc;
}

/* Nothing is signed with a part of it missing. */
static void whatever_fails_nothing_is_signed(void **state)
{
	(void)failing_each(sign_anew, *state, false);
}

static void assert_limit(struct sigv4 *s, const struct sigv4_request *req,
    const char *token, const char *region, int expected)
{
	const struct sigv4_credentials c = {"AKIDEXAMPLE", SECRET, token};
	struct sigv4_result result = {.authorization = NULL};

	assert_int_equal(
	    sigv4_sign(s, &c, req, region, "sqs", AT, &result), expected);
	if (expected != 0)
		assert_null(result.authorization);
	buf_free(result.authorization);
}

static void a_request_beyond_the_limits_is_not_signed(void **state)
{
	struct sigv4_header headers[SIGV4_HEADERS_MAX + 1];
	char names[SIGV4_HEADERS_MAX + 1][8];
	char *large = malloc(SIGV4_TEXT_MAX + 1);
	struct sigv4_request req = get;
	size_t i;

	assert_non_null(large);
	memset(large, 'a', SIGV4_TEXT_MAX);
	large[SIGV4_TEXT_MAX] = '\0';
	for (i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		(void)snprintf(names[i], sizeof names[i], "x%zu", i);
		headers[i] = (struct sigv4_header){names[i], "y"};
	}
	req.headers = headers;
	req.headers_n = SIGV4_HEADERS_MAX;
	assert_limit(*state, &req, "t", "us-east-1", 0);
	req.headers_n = SIGV4_HEADERS_MAX + 1;
	assert_limit(*state, &req, "t", "us-east-1", ERR_LIMIT);
	req.headers_n = 1;
	headers[0].value = large;
	assert_limit(*state, &req, "t", "us-east-1", ERR_LIMIT);
	headers[0] = (struct sigv4_header){large, "v"};
	assert_limit(*state, &req, "t", "us-east-1", ERR_LIMIT);
	req.headers_n = 0;
	assert_limit(*state, &req, large, "us-east-1", ERR_LIMIT);
	assert_limit(*state, &req, "t", large, ERR_LIMIT);
	assert_limit(
	    *state, &req, large + SIGV4_TEXT_MAX - 16384, "us-east-1", 0);
	free(large);
}

typedef int form(struct buf *b, const char *text);

/* What form makes of text, also when something stands before it in b. */
static void assert_form(form *make, const char *text, const char *expected)
{
	static const char *const before[] = {"", "x", "/a/b"};
	size_t i;

	for (i = 0; i < sizeof before / sizeof before[0]; i++) {
		struct buf *b = buf_new(4096);

		assert_non_null(b);
		assert_int_equal(buf_addstr(b, before[i]), 0);
		assert_int_equal(make(b, text), 0);
		assert_memory_equal(buf_str(b), before[i], strlen(before[i]));
		assert_string_equal(buf_str(b) + strlen(before[i]), expected);
		buf_free(b);
	}
}

/* With room for max bytes form says ERR_LIMIT, and with one more it fits. */
static void assert_ceiling(form *make, const char *text, size_t max)
{
	size_t room;

	for (room = 0; room <= max + 1; room++) {
		struct buf *b = buf_new(room);

		assert_non_null(b);
		assert_int_equal(make(b, text), room <= max ? ERR_LIMIT : 0);
		buf_free(b);
	}
}

static void white_space_of_a_value_becomes_single_spaces(void **state)
{
	static const char *const cases[][2] = {{"", ""}, {" ", ""}, {"a", "a"},
	    {" a", "a"}, {"a ", "a"}, {"  a   b  ", "a b"}, {"a\t\t b", "a b"},
	    {"\"a   b\"", "\"a b\""}, {"a,b , c", "a,b , c"},
	    {"\xff\x80 \x80", "\xff\x80 \x80"}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_form(add_header_value, cases[i][0], cases[i][1]);
	assert_ceiling(add_header_value, "  a   b ", 2);
}

static void names_of_headers_become_small_letters(void **state)
{
	(void)state;
	assert_form(add_header_name, "X-Amz-Date", "x-amz-date");
	assert_form(add_header_name, "@[`{_^Z", "@[`{_^z");
	assert_form(add_header_name, "\xc3\x84", "\xc3\x84");
	assert_ceiling(add_header_name, "Host", 3);
}

static void names_of_headers_sort_without_regard_to_case(void **state)
{
	(void)state;
	assert_int_equal(compare_header_names("", ""), 0);
	assert_int_equal(compare_header_names("HOST", "host"), 0);
	assert_true(compare_header_names("a", "B") < 0);
	assert_true(compare_header_names("B", "a") > 0);
	assert_true(compare_header_names("a", "a-b") < 0);
	assert_true(compare_header_names("a-b", "A") > 0);
	/* small letters sort after '_' and before '{', unlike capitals */
	assert_true(compare_header_names("A", "_") > 0);
	assert_true(compare_header_names("Z", "~") < 0);
	assert_true(compare_header_names("\xc3", "z") > 0);
}

static int setup(void **state)
{
	*state = sigv4_new();
	return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	sigv4_free(*state);
	sigv4_free(NULL);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(only_the_kept_key_stays_in_memory),
	    TEST(the_key_is_derived_as_the_user_guide_does),
	    TEST(requests_of_the_test_suite_are_signed_as_it_says),
	    TEST(headers_of_the_test_suite_are_signed_as_it_says),
	    TEST(a_session_token_is_signed_when_there_is_one),
	    TEST(the_cached_key_follows_everything_it_is_made_of),
	    TEST(a_key_in_the_cache_is_used),
	    TEST(a_failed_derivation_leaves_no_key_behind),
	    TEST(whatever_fails_nothing_is_signed),
	    TEST(a_request_beyond_the_limits_is_not_signed),
	    cmocka_unit_test(white_space_of_a_value_becomes_single_spaces),
	    cmocka_unit_test(names_of_headers_become_small_letters),
	    cmocka_unit_test(names_of_headers_sort_without_regard_to_case)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

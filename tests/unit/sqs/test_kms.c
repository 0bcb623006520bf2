/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes of KMS, and a client of another service than SQS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "aid/sqs.h"
#include "sqs/kms.h"

#define BYTES     4
#define PLAINTEXT "\"Plaintext\""

static void what_is_asked_is_signed_for_kms(void **state)
{
	const struct loopback_step step = aid_ok(
	    "{" PLAINTEXT ":\"AAECAw==\",\"CiphertextForRecipient\":null}");
	struct aid_sqs *a = aid_open_as(&kms_service, &step, 1);
	const uint8_t expected[BYTES] = {0, 1, 2, 3};
	uint8_t bytes[BYTES];
	char line[512];

	(void)state;
	assert_int_equal(
	    kms_random(a->sqs, bytes, BYTES, aid_deadline(a), &a->err), 0);
	assert_memory_equal(bytes, expected, BYTES);
	aid_header(a, 0, "X-Amz-Target", line, sizeof line);
	assert_string_equal(line, "TrentService.GenerateRandom");
	aid_header(a, 0, "Content-Type", line, sizeof line);
	assert_string_equal(line, "application/x-amz-json-1.1");
	aid_header(a, 0, "x-amzn-query-mode", line, sizeof line);
	assert_string_equal(line, "");
	aid_header(a, 0, "Authorization", line, sizeof line);
	assert_non_null(strstr(line, "/eu-west-1/kms/aws4_request"));
	assert_non_null(strstr(line,
	    "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;"
	    "x-amz-target,"));
	assert_non_null(strstr(
	    loopback_request(a->loopback, 0), "\r\n\r\n{\"NumberOfBytes\":4}"));
	aid_close(a);
}

/* Answers from which not a byte is taken. */
static const char *const lies[] = {
    "{}",
    "{" PLAINTEXT ":null}",
    "{" PLAINTEXT ":7}",
    "{" PLAINTEXT ":[\"AAECAw==\"]}",
    "{" PLAINTEXT ":\"\"}",
    "{" PLAINTEXT ":\"AAEC\"}",        /* short */
    "{" PLAINTEXT ":\"AAECAwQ=\"}",    /* long */
    "{" PLAINTEXT ":\"AAECAw\"}",      /* no padding */
    "{" PLAINTEXT ":\"AAECAx==\"}",    /* two encodings of one byte */
    "{" PLAINTEXT ":\"AAEC\\nAw==\"}", /* a line feed in it */
    "{" PLAINTEXT ":\"AA*CAw==\"}",
};

static void a_lying_answer_gives_nothing(void **state)
{
	const uint8_t zero[BYTES] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		const struct loopback_step step = aid_ok(lies[i]);
		struct aid_sqs *a = aid_open_as(&kms_service, &step, 1);
		uint8_t bytes[BYTES] = {9, 9, 9, 9};
		const int rc =
		    kms_random(a->sqs, bytes, BYTES, aid_deadline(a), &a->err);

		if (rc != ERR_FORMAT || memcmp(bytes, zero, BYTES) != 0)
			fail_msg("%s: %d", lies[i], rc);
		assert_string_equal(a->err.text,
		    "GenerateRandom: the answer has no Plaintext of 4 bytes in "
		    "base64; is the endpoint one of KMS?");
		aid_close(a);
	}
}

#define WHO                                                                    \
	"User: arn:aws:sts::123456789012:assumed-role/r/i-0 is not "           \
	"authorized to perform: kms:GenerateRandom"
#define ERROR(type, text) "{\"__type\":\"" type "\",\"message\":\"" text "\"}"

/* What KMS refuses, and what is said of it. */
static const struct {
	const char *status, *body;
	int rc;
	const char *advice;
} refusals[] = {
    {"400 X",
	ERROR("AccessDeniedException",
	    WHO " because no identity-based policy allows the "
		"kms:GenerateRandom action"),
	ERR_DENIED,
	"; allow kms:GenerateRandom on * in a policy of the identity of the "
	"credentials (test)"},
    {"400 X", ERROR("AccessDeniedException", WHO " on resource: *"), ERR_DENIED,
	"; allow kms:GenerateRandom on * to the identity of the credentials "
	"(test); from another account in the resource's own policy, too"},
    {"403 X", "", ERR_DENIED, "allow kms:GenerateRandom on *"},
    {"400 X", ERROR("UnrecognizedClientException", "no"), ERR_DENIED,
	"check the access key (test): KMS in eu-west-1 does not know it, "},
    {"400 X", ERROR("OptInRequired", "no"), ERR_DENIED,
	"(test) may not use KMS in eu-west-1: it is suspended"},
    {"403 X",
	ERROR("InvalidSignatureException",
	    "Credential should be scoped to correct service: 'ssm'."),
	ERR_CONFIG, "is no endpoint of KMS: check the endpoint"},
    {"403 X",
	ERROR("InvalidSignatureException",
	    "Credential should be scoped to a valid region."),
	ERR_CONFIG, "in another one: let both be the same region"},
    {"418 X", "tea", ERR_SERVICE, "; is the endpoint one of KMS?"},
    {"200 OK", "tea", ERR_FORMAT,
	"a body that is not an answer of KMS; look for a proxy"},
};

static void a_refusal_is_told_with_its_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		const struct loopback_step step =
		    aid_answer(refusals[i].status, "", refusals[i].body);
		struct aid_sqs *a = aid_open_as(&kms_service, &step, 1);
		uint8_t bytes[BYTES];
		const int rc =
		    kms_random(a->sqs, bytes, BYTES, aid_deadline(a), &a->err);

		if (rc != refusals[i].rc ||
		    strstr(a->err.text, refusals[i].advice) == NULL)
			fail_msg(
			    "%s: %d %s", refusals[i].body, rc, a->err.text);
		assert_null(strstr(a->err.text, "queue"));
		aid_close(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_asked_is_signed_for_kms),
	    cmocka_unit_test(a_lying_answer_gives_nothing),
	    cmocka_unit_test(a_refusal_is_told_with_its_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

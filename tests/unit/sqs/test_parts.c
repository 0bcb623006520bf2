/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of sqs: errors, URLs, digests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sqs/error.h"
#include "sqs/md5.h"

#define CORAL "com.amazon.coral.service#"

static const struct {
	int status;
	const char *header, *body;
	int code;
	enum sqs_remedy remedy;
	const char *name, *text;
} answers[] = {
    /* As the service answers. */
    {400, "AWS.SimpleQueueService.NonExistentQueue;Sender",
	"{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\","
	"\"message\":\"The specified queue does not exist.\"}",
	ERR_NOQUEUE, SQS_REMEDY_NONE, "NonExistentQueue",
	"The specified queue does not exist."},
    {400, NULL, "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}",
	ERR_NOQUEUE, SQS_REMEDY_NONE, "QueueDoesNotExist", ""},
    {400, NULL, "{\"__type\":\"QueueDoesNotExist:http://x/#y\"}", ERR_NOQUEUE,
	SQS_REMEDY_NONE, "QueueDoesNotExist", ""},
    {400, NULL, "{\"__type\":\"QueueDoesNotExist:http://x/\"}", ERR_NOQUEUE,
	SQS_REMEDY_NONE, "QueueDoesNotExist", ""},
    {403, "AccessDenied;Sender",
	"{\"__type\":\"" CORAL "AccessDeniedException\",\"Message\":\"no\"}",
	ERR_DENIED, SQS_REMEDY_NONE, "AccessDenied", "no"},
    {403, "InvalidClientTokenId;Sender",
	"{\"__type\":\"" CORAL "UnrecognizedClientException\","
	"\"message\":\"The security token is invalid.\"}",
	ERR_DENIED, SQS_REMEDY_NONE, "InvalidClientTokenId",
	"The security token is invalid."},
    {403, "SignatureDoesNotMatch;Sender",
	"{\"__type\":\"" CORAL "InvalidSignatureException\","
	"\"message\":\"The request signature we calculated does not match\"}",
	ERR_DENIED, SQS_REMEDY_NONE, "SignatureDoesNotMatch", NULL},
    {403, "SignatureDoesNotMatch;Sender",
	"{\"__type\":\"" CORAL "InvalidSignatureException\","
	"\"message\":\"Signature expired: 20260101T000000Z is now earlier\"}",
	ERR_DENIED, SQS_REMEDY_CLOCK, "SignatureDoesNotMatch", NULL},
    {403, NULL,
	"{\"__type\":\"" CORAL "InvalidSignatureException\","
	"\"message\":\"Signature not yet current: 2026\"}",
	ERR_DENIED, SQS_REMEDY_CLOCK, "InvalidSignatureException", NULL},
    {403, NULL, "{\"__type\":\"" CORAL "ExpiredTokenException\"}", ERR_DENIED,
	SQS_REMEDY_CREDENTIALS, "ExpiredTokenException", ""},
    {404, NULL, "{\"__type\":\"com.amazonaws.sqs#ReceiptHandleIsInvalid\"}",
	ERR_SERVICE, SQS_REMEDY_NONE, "ReceiptHandleIsInvalid", ""},
    {403, NULL, "{\"__type\":\"com.amazonaws.sqs#KmsDisabled\"}", ERR_CONFIG,
	SQS_REMEDY_NONE, "KmsDisabled", ""},
    {400, "KMS.NotFoundException;Sender",
	"{\"__type\":\"com.amazonaws.sqs#KmsNotFound\",\"message\":\"no\"}",
	ERR_CONFIG, SQS_REMEDY_NONE, "KMS.NotFoundException", "no"},
    {400, "KMS.AccessDeniedException;Sender", "{}", ERR_DENIED, SQS_REMEDY_NONE,
	"KMS.AccessDeniedException", ""},
    {400, ";Sender", "{\"__type\":\"KmsOptInRequired\"}", ERR_CONFIG,
	SQS_REMEDY_NONE, "KmsOptInRequired", ""},
    {400, NULL, "{\"code\":\"a.b#KmsInvalidState:http://x/#y\"}", ERR_CONFIG,
	SQS_REMEDY_NONE, "KmsInvalidState", ""},
    {400, NULL, "{\"__type\":\"OverLimit\",\"code\":\"Throttling\"}",
	ERR_THROTTLED, SQS_REMEDY_NONE, "OverLimit", ""},
    {400, NULL, "{\"__type\":null,\"code\":\"Throttling\"}", ERR_THROTTLED,
	SQS_REMEDY_RETRY, "Throttling", ""},
    {403, "SignatureDoesNotMatch;Sender",
	"{\"message\":\"Credential should be scoped to a valid region. \"}",
	ERR_CONFIG, SQS_REMEDY_NONE, "SignatureDoesNotMatch", NULL},
    {403, "SignatureDoesNotMatch;Sender",
	"{\"message\":\"Credential should be scoped to correct service: "
	"'sqs'.\"}",
	ERR_CONFIG, SQS_REMEDY_NONE, "SignatureDoesNotMatch", NULL},
    {400, NULL, "{\"__type\":\"com.amazonaws.sqs#RequestThrottled\"}",
	ERR_THROTTLED, SQS_REMEDY_RETRY, "RequestThrottled", ""},
    {400, "KMS.ThrottlingException;Sender", "{}", ERR_THROTTLED,
	SQS_REMEDY_RETRY, "KMS.ThrottlingException", ""},
    {403, NULL, "{\"__type\":\"com.amazonaws.sqs#OverLimit\"}", ERR_THROTTLED,
	SQS_REMEDY_NONE, "OverLimit", ""},
    {400, NULL, "{\"__type\":\"com.amazonaws.sqs#BatchRequestTooLong\"}",
	ERR_LIMIT, SQS_REMEDY_NONE, "BatchRequestTooLong", ""},
    {500, NULL, "{\"__type\":\"InternalFailure\"}", ERR_SERVICE,
	SQS_REMEDY_RETRY_UNSURE, "InternalFailure", ""},
    /* As what stands before it answers. */
    {500, NULL, "", ERR_SERVICE, SQS_REMEDY_RETRY_UNSURE, "", ""},
    {502, NULL, "<html>\n <b>Bad\tGateway</b>\n</html>", ERR_SERVICE,
	SQS_REMEDY_RETRY_UNSURE, "", "<html> <b>Bad Gateway</b> </html>"},
    {503, NULL, "Slow \xff\x01 down", ERR_SERVICE, SQS_REMEDY_RETRY_UNSURE, "",
	"Slow ?? down"},
    {503, NULL, "{\"__type\":\"com.amazon.coral.service#SlowDown\"}",
	ERR_THROTTLED, SQS_REMEDY_RETRY, "SlowDown", ""},
    {408, NULL, "", ERR_SERVICE, SQS_REMEDY_RETRY_UNSURE, "", ""},
    {400, NULL, "{\"__type\":\"RequestTimeout\"}", ERR_SERVICE,
	SQS_REMEDY_RETRY_UNSURE, "RequestTimeout", ""},
    {504, NULL, "", ERR_SERVICE, SQS_REMEDY_RETRY_UNSURE, "", ""},
    {413, NULL, "", ERR_LIMIT, SQS_REMEDY_NONE, "", ""},
    {429, NULL, "", ERR_THROTTLED, SQS_REMEDY_RETRY_UNSURE, "", ""},
    {403, NULL, "", ERR_DENIED, SQS_REMEDY_NONE, "", ""},
    {418, NULL, "", ERR_SERVICE, SQS_REMEDY_NONE, "", ""},
    {301, "", "", ERR_SERVICE, SQS_REMEDY_NONE, "", ""},
    {403, NULL,
	"<?xml version='1.0'?><ErrorResponse><Errors><Error><Code>"
	"SignatureDoesNotMatch</Code><Message>The request\n signature"
	"</Message></Error></Errors></ErrorResponse>",
	ERR_DENIED, SQS_REMEDY_NONE, "SignatureDoesNotMatch",
	"The request signature"},
    {400, NULL, "<Code>", ERR_SERVICE, SQS_REMEDY_NONE, "", "<Code>"},
    {400, NULL, "[1,2]", ERR_SERVICE, SQS_REMEDY_NONE, "", ""},
    {400, NULL, "{\"__type\":7,\"message\":null,\"Message\":\"m\"}",
	ERR_SERVICE, SQS_REMEDY_NONE, "", "m"},
};

static void each_error_answer_has_its_code_and_remedy(void **state)
{
	struct sqs_error e;

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		sqs_error_read(&e, answers[i].status, answers[i].header,
		    answers[i].body, strlen(answers[i].body));
		assert_int_equal(e.status, answers[i].status);
		assert_string_equal(e.name, answers[i].name);
		if (answers[i].text != NULL)
			assert_string_equal(e.text, answers[i].text);
		assert_int_equal(e.code, answers[i].code);
		assert_int_equal(e.remedy, answers[i].remedy);
		if (e.remedy == SQS_REMEDY_RETRY)
			assert_true(e.refused);
		if (e.remedy == SQS_REMEDY_RETRY_UNSURE)
			assert_false(e.refused);
	}
}

/* Every name, and every status of an answer without one, by what it means. */
static const struct {
	int code;
	enum sqs_remedy remedy;
	const char *names; /* or the first digits of statuses */
} meant[] = {
    {ERR_DENIED, SQS_REMEDY_NONE,
	"AccessDenied AccessDeniedException AuthorizationError "
	"IncompleteSignature IncompleteSignatureException InvalidAccessKeyId "
	"InvalidClientTokenId InvalidSecurity InvalidSignatureException "
	"KMS.AccessDeniedException KmsAccessDenied MissingAuthenticationToken "
	"MissingAuthenticationTokenException NotAuthorized OptInRequired "
	"SignatureDoesNotMatch SubscriptionRequiredException "
	"UnrecognizedClientException 401 403"},
    {ERR_DENIED, SQS_REMEDY_CREDENTIALS, "ExpiredToken ExpiredTokenException"},
    {ERR_DENIED, SQS_REMEDY_CLOCK,
	"RequestExpired RequestInTheFuture RequestTimeTooSkewed"},
    {ERR_NOQUEUE, SQS_REMEDY_NONE,
	"InvalidAddress NonExistentQueue QueueDoesNotExist"},
    {ERR_CONFIG, SQS_REMEDY_NONE,
	"KMS.DisabledException KMS.InvalidKeyUsageException "
	"KMS.InvalidStateException KMS.KMSInvalidStateException "
	"KMS.NotFoundException KMS.OptInRequired KmsDisabled "
	"KmsInvalidKeyUsage KmsInvalidState KmsNotFound KmsOptInRequired"},
    {ERR_LIMIT, SQS_REMEDY_NONE,
	"BatchRequestTooLong RequestEntityTooLarge 413"},
    {ERR_SERVICE, SQS_REMEDY_NONE,
	"BatchEntryIdsNotDistinct EmptyBatchRequest InvalidAction "
	"InvalidAttributeName InvalidAttributeValue InvalidBatchEntryId "
	"InvalidIdFormat InvalidMessageContents InvalidParameterCombination "
	"InvalidParameterValue InvalidQueryParameter MalformedQueryString "
	"MissingAction MissingParameter QueueDeletedRecently "
	"ReceiptHandleIsInvalid SerializationException "
	"TooManyEntriesInBatchRequest UnknownOperationException "
	"UnsupportedOperation ValidationError ValidationException "
	"400 402 404 409 411 414 428 501 505"},
    {ERR_THROTTLED, SQS_REMEDY_NONE, "OverLimit"},
    {ERR_THROTTLED, SQS_REMEDY_RETRY,
	"BandwidthLimitExceeded EC2ThrottledException KMS.ThrottlingException "
	"KmsThrottled LimitExceededException PriorRequestNotComplete "
	"ProvisionedThroughputExceededException RequestLimitExceeded "
	"RequestThrottled RequestThrottledException SlowDown "
	"ThrottledException Throttling ThrottlingException "
	"TooManyRequestsException TransactionInProgressException"},
    {ERR_SERVICE, SQS_REMEDY_RETRY_UNSURE,
	"RequestTimeout RequestTimeoutException 408 500 502 503 504"},
    {ERR_THROTTLED, SQS_REMEDY_RETRY_UNSURE, "429"},
};

static void check_meaning(size_t i, const char *word)
{
	const int status = atoi(word);
	struct sqs_error e;

	/* 402 and 500 mean something else than each of the names. */
	for (int other = 402; other <= 500; other += 98) {
		sqs_error_read(&e, status > 0 ? status : other,
		    status > 0 ? NULL : word, "", 0);
		if (e.code != meant[i].code || e.remedy != meant[i].remedy)
			print_error("%s\n", word);
		assert_string_equal(e.name, status > 0 ? "" : word);
		assert_int_equal(e.code, meant[i].code);
		assert_int_equal(e.remedy, meant[i].remedy);
		assert_int_equal(e.refused,
		    status == 0 && meant[i].remedy != SQS_REMEDY_RETRY_UNSURE);
	}
}

static void each_name_and_each_status_has_its_meaning(void **state)
{
	char names[1024], *rest, *word;

	(void)state;
	for (size_t i = 0; i < sizeof meant / sizeof meant[0]; i++) {
		(void)snprintf(names, sizeof names, "%s", meant[i].names);
		for (word = strtok_r(names, " ", &rest); word != NULL;
		     word = strtok_r(NULL, " ", &rest))
			check_meaning(i, word);
	}
}

/* Whatever the status: what stands in between has statuses too. */
static void only_a_name_that_is_known_is_a_refusal(void **state)
{
	static const char *const known[] = {"RequestThrottled", "Throttling",
	    "ExpiredToken", "RequestExpired", "AccessDenied", "KmsThrottled",
	    "QueueDoesNotExist", "BatchRequestTooLong", "UnsupportedOperation"};
	static const char *const others[] = {"", "InternalError",
	    "InternalFailure", "ServiceUnavailable",
	    "ServiceUnavailableException", "RequestTimeout", "Throttled",
	    "requestthrottled", "SomethingNew"};
	static const int statuses[] = {200, 301, 400, 403, 429, 500, 503};
	char body[96];
	struct sqs_error e;

	(void)state;
	for (size_t k = 0; k < 9; k++) {
		for (size_t i = 0; i < 7; i++) {
			(void)snprintf(body, sizeof body,
			    "{\"__type\":\"x#%s\"}", known[k]);
			sqs_error_read(
			    &e, statuses[i], NULL, body, strlen(body));
			assert_true(e.refused);
			(void)snprintf(body, sizeof body,
			    "{\"__type\":\"x#%s\"}", others[k]);
			sqs_error_read(
			    &e, statuses[i], NULL, body, strlen(body));
			assert_false(e.refused);
		}
		sqs_error_entry(&e, known[k], "x", false);
		assert_true(e.refused);
		sqs_error_entry(&e, others[k], "x", false);
		assert_false(e.refused);
		assert_int_equal(e.remedy, SQS_REMEDY_RETRY_UNSURE);
		sqs_error_entry(&e, others[k], "x", true);
		assert_true(e.refused);
		assert_int_equal(e.remedy, SQS_REMEDY_NONE);
	}
}

/* Of a text both ends are kept, of a page the beginning. */
static void long_texts_of_errors_lose_their_middle(void **state)
{
	char body[4096] = "{\"__type\":\"", long_header[600];
	struct sqs_error e;

	(void)state;
	memset(body + strlen(body), 'T', 300);
	strcat(body, "\",\"message\":\"who");
	for (int i = 0; i < 900; i++)
		strcat(body, "\xc3\xa9");
	strcat(body, "why\"}");
	sqs_error_read(&e, 400, NULL, body, strlen(body));
	assert_int_equal(strlen(e.name), SQS_ERROR_CODE_MAX - 1);
	assert_in_range(
	    strlen(e.text), SQS_ERROR_TEXT_MAX - 8, SQS_ERROR_TEXT_MAX - 1);
	assert_memory_equal(e.text, "who\xc3\xa9", 5);
	assert_string_equal(e.text + strlen(e.text) - 5, "\xc3\xa9why");
	memset(long_header, '.', sizeof long_header);
	long_header[sizeof long_header - 1] = '\0';
	sqs_error_read(&e, 400, long_header, "{}", 2);
	assert_string_equal(e.name, "");
	memset(body, ' ', sizeof body);
	sqs_error_read(&e, 400, NULL, body, sizeof body);
	assert_string_equal(e.text, "");
	memset(body, 'p', sizeof body);
	sqs_error_read(&e, 400, NULL, body, sizeof body);
	assert_int_equal(strlen(e.text), 199);
	(void)snprintf(body, sizeof body,
	    "<Message>who %*swhich policy</Message>", 3000, "x");
	sqs_error_read(&e, 400, NULL, body, strlen(body));
	assert_string_equal(e.text, "who xwhich policy");
	(void)snprintf(body, sizeof body,
	    "<Message>who %0*d which policy</Message>", 3000, 0);
	sqs_error_read(&e, 400, NULL, body, strlen(body));
	assert_memory_equal(e.text, "who 000", 7);
	assert_string_equal(e.text + strlen(e.text) - 13, " which policy");
	(void)snprintf(body, sizeof body,
	    "{\"message\":\"which policy. Encoded authorization failure "
	    "message: %0*d\"}",
	    3000, 0);
	sqs_error_read(&e, 400, NULL, body, strlen(body));
	assert_string_equal(e.text, "which policy.");
}

static void the_error_of_an_entry_has_its_code_and_remedy(void **state)
{
	struct sqs_error e;

	(void)state;
	sqs_error_entry(&e, "InternalError", "oops", false);
	assert_int_equal(e.code, ERR_SERVICE);
	assert_int_equal(e.remedy, SQS_REMEDY_RETRY_UNSURE);
	assert_int_equal(e.status, 0);
	sqs_error_entry(&e, "InvalidMessageContents", NULL, true);
	assert_int_equal(e.remedy, SQS_REMEDY_NONE);
	sqs_error_entry(&e, "AWS.SimpleQueueService.InternalError", "", false);
	assert_string_equal(e.name, "InternalError");
	sqs_error_entry(&e, NULL, NULL, false);
	assert_int_equal(e.remedy, SQS_REMEDY_RETRY_UNSURE);
	sqs_error_entry(&e, "KMS.ThrottlingException", "x", false);
	assert_int_equal(e.remedy, SQS_REMEDY_RETRY);
	sqs_error_entry(&e, "OverLimit", "x", false);
	assert_int_equal(e.remedy, SQS_REMEDY_NONE);
	sqs_error_entry(&e, "ThrottlingException", "x", true);
	assert_int_equal(e.remedy, SQS_REMEDY_NONE);
	assert_int_equal(e.code, ERR_THROTTLED);
}

#define ENTROPY                                                                \
	"v=1;key=0011223344556677;seq=1;time=1700000000000;bits=4096;"         \
	"seal=none"

/* Digests by Python's hashlib. */
static void digests_match_exactly_what_they_are_of(void **state)
{
	struct sqs_attribute list[] = {
	    {"b", "Number.int", "42", 2},
	    {"a", "Binary.png", "\0\1", 2},
	    {"Entropy", "String", ENTROPY, strlen(ENTROPY)},
	};
	struct sqs_attribute many[SQS_MD5_ATTRIBUTES_MAX + 1];

	(void)state;
	assert_true(sqs_md5_body("", 0, "d41d8cd98f00b204e9800998ecf8427e"));
	assert_true(
	    sqs_md5_body("AAAA", 4, "098890DDE069e9abad63f19a0d9e1f32"));
	assert_false(
	    sqs_md5_body("AAAB", 4, "098890dde069e9abad63f19a0d9e1f32"));
	assert_false(
	    sqs_md5_body("AAAA", 4, "098890dde069e9abad63f19a0d9e1f3"));
	assert_false(sqs_md5_body("AAAA", 4, NULL));
	assert_false(sqs_md5_body("AAAA", 4, ""));
	assert_true(
	    sqs_md5_attributes(list, 3, "8347a49040f8b7ef74c7aec7430e3e4b"));
	assert_true(sqs_md5_attributes(
	    &list[0], 1, "c96e64691051b6cca1bb6779930f2dfb"));
	assert_true(sqs_md5_attributes(NULL, 0, NULL));
	assert_false(sqs_md5_attributes(list, 3, NULL));
	assert_false(
	    sqs_md5_attributes(NULL, 0, "8347a49040f8b7ef74c7aec7430e3e4b"));
	for (size_t i = 0; i < SQS_MD5_ATTRIBUTES_MAX + 1; i++)
		many[i] = list[0];
	assert_false(sqs_md5_attributes(many, SQS_MD5_ATTRIBUTES_MAX + 1, "x"));
	assert_false(sqs_md5_attributes(many, SQS_MD5_ATTRIBUTES_MAX, "x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_error_answer_has_its_code_and_remedy),
	    cmocka_unit_test(each_name_and_each_status_has_its_meaning),
	    cmocka_unit_test(only_a_name_that_is_known_is_a_refusal),
	    cmocka_unit_test(long_texts_of_errors_lose_their_middle),
	    cmocka_unit_test(the_error_of_an_entry_has_its_code_and_remedy),
	    cmocka_unit_test(digests_match_exactly_what_they_are_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Permissions that are asked for without an act, and a queue's attributes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "aid/sqs.h"
#include "sqs/probe.h"
#include "sqs/queue.h"

#define ERROR(type, text) "{\"__type\":\"" type "\",\"message\":\"" text "\"}"

static const struct {
	enum sqs_probe what;
	const char *target, *member;
} requests[] = {
    {SQS_PROBE_RECEIVE, "AmazonSQS.ReceiveMessage",
	"\"MaxNumberOfMessages\":0,\"VisibilityTimeout\":0"},
    {SQS_PROBE_DELETE, "AmazonSQS.DeleteMessage", "\"ReceiptHandle\":\"none\""},
    {SQS_PROBE_SEND, "AmazonSQS.SendMessageBatch", "\"Entries\":[]"},
};

static void a_probe_cannot_act(void **state)
{
	const struct loopback_step step = aid_answer(
	    "400 Bad Request", "", ERROR("EmptyBatchRequest", "none"));
	struct aid_sqs *a = aid_open(&step, 1);
	enum sqs_fault fault;
	char target[64];

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sqs_probe(a->sqs, requests[i].what, AID_QUEUE,
				     aid_deadline(a), &fault, &a->err),
		    0);
		assert_int_equal(a->err.code, 0);
		aid_header(a, i, "X-Amz-Target", target, sizeof target);
		assert_string_equal(target, requests[i].target);
		assert_non_null(strstr(
		    loopback_request(a->loopback, i), requests[i].member));
	}
	assert_int_equal(loopback_requests(a->loopback), 3);
	aid_close(a);
}

/* What is answered, and what that says. */
static const struct {
	const char *status, *body;
	int rc;
	enum sqs_fault fault;
} answers[] = {
    {"200 OK", "{}", 0, SQS_FAULT_OTHER},
    {"404 Not Found", ERROR("ReceiptHandleIsInvalid", "x"), 0, SQS_FAULT_OTHER},
    {"400 Bad Request", ERROR("a#ReadCountOutOfRange", "x"), 0,
	SQS_FAULT_OTHER},
    {"403 Forbidden", ERROR("AccessDeniedException", "x"), ERR_DENIED,
	SQS_FAULT_PERMISSION},
    {"403 Forbidden", "", ERR_DENIED, SQS_FAULT_PERMISSION},
    {"400 Bad Request", ERROR("KMS.AccessDeniedException", "x"), ERR_DENIED,
	SQS_FAULT_KEY},
    {"400 Bad Request", ERROR("KmsDisabled", "x"), ERR_CONFIG, SQS_FAULT_KEY},
    {"403 Forbidden", ERROR("UnrecognizedClientException", "x"), ERR_DENIED,
	SQS_FAULT_CREDENTIALS},
    {"403 Forbidden", ERROR("ExpiredTokenException", "x"), ERR_DENIED,
	SQS_FAULT_CREDENTIALS},
    {"403 Forbidden",
	ERROR("InvalidSignatureException", "Signature expired: 1"), ERR_DENIED,
	SQS_FAULT_CLOCK},
    {"403 Forbidden",
	ERROR("InvalidSignatureException",
	    "Credential should be scoped to a valid region."),
	ERR_CONFIG, SQS_FAULT_REGION},
    {"400 Bad Request", ERROR("QueueDoesNotExist", "x"), ERR_NOQUEUE,
	SQS_FAULT_QUEUE},
    /* A proxy's page, and a service that has lost its mind, say nothing. */
    {"400 Bad Request", "<html>no</html>", ERR_SERVICE, SQS_FAULT_OTHER},
    {"500 X", ERROR("InternalError", "x"), ERR_SERVICE, SQS_FAULT_OTHER},
    {"400 Bad Request", ERROR("RequestThrottled", "x"), ERR_THROTTLED,
	SQS_FAULT_OTHER},
};

static void only_a_refusal_of_the_request_is_a_yes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		const struct loopback_step step =
		    aid_answer(answers[i].status, "", answers[i].body);
		struct aid_sqs *a = aid_open(&step, 1);
		enum sqs_fault fault;
		const int rc = sqs_probe(a->sqs, SQS_PROBE_DELETE, AID_QUEUE,
		    aid_deadline(a), &fault, &a->err);

		if (rc != answers[i].rc || a->err.code != rc ||
		    (rc != 0 && fault != answers[i].fault))
			fail_msg("%s %s: %d, about %d", answers[i].status,
			    answers[i].body, rc, (int)fault);
		aid_close(a);
	}
}

/* The answer before says nothing about a call that got none. */
static void without_an_answer_it_is_about_something_else(void **state)
{
	const struct loopback_step steps[] = {
	    aid_answer("403 X", "", ERROR("AccessDenied", "x")),
	    aid_answer("403 X", "", ERROR("AccessDenied", "x")),
	    {.answer = NULL}};
	struct aid_sqs *a = aid_open(steps, 3);
	enum sqs_fault fault;

	(void)state;
	assert_int_equal(sqs_probe(a->sqs, SQS_PROBE_SEND, AID_QUEUE,
			     aid_deadline(a), &fault, &a->err),
	    ERR_DENIED);
	assert_int_equal(fault, SQS_FAULT_PERMISSION);
	assert_int_equal(sqs_probe(a->sqs, SQS_PROBE_RECEIVE, AID_QUEUE,
			     aid_deadline(a), &fault, &a->err),
	    ERR_NET);
	assert_int_equal(fault, SQS_FAULT_OTHER);
	assert_int_equal(
	    sqs_fault_of(a->sqs, ERR_NOCRED), SQS_FAULT_CREDENTIALS);
	aid_close(a);
}

static void attributes_are_read_where_they_are_told(void **state)
{
	const struct loopback_step steps[] = {
	    aid_ok("{\"Attributes\":{\"ApproximateNumberOfMessages\":\"12\","
		   "\"ApproximateNumberOfMessagesNotVisible\":\"3\","
		   "\"VisibilityTimeout\":\"30\",\"FifoQueue\":\"true\","
		   "\"MessageRetentionPeriod\":\"345600\","
		   "\"MaximumMessageSize\":\"1048576\","
		   "\"KmsMasterKeyId\":\"alias/k\",\"RedrivePolicy\":\"{}\","
		   "\"SqsManagedSseEnabled\":\"false\"}}"),
	    aid_ok("{\"Attributes\":{\"VisibilityTimeout\":\"-5\"}}"),
	    aid_ok("{}")};
	struct aid_sqs *a = aid_open(steps, 3);
	struct sqs_attributes is;

	(void)state;
	assert_int_equal(sqs_queue_attributes(
			     a->sqs, AID_QUEUE, &is, aid_deadline(a), &a->err),
	    0);
	assert_int_equal(is.depth.visible, 12);
	assert_int_equal(is.depth.in_flight, 3);
	assert_int_equal(is.visibility_s, 30);
	assert_int_equal(is.retention_s, 345600);
	assert_int_equal(is.bytes_max, 1048576);
	assert_true(is.fifo);
	assert_int_equal(is.encrypted, 0);
	assert_string_equal(is.kms_key, "alias/k");
	assert_string_equal(is.redrive, "{}");
	assert_int_equal(sqs_queue_attributes(
			     a->sqs, AID_QUEUE, &is, aid_deadline(a), &a->err),
	    0);
	assert_int_equal(is.visibility_s, -1);
	assert_int_equal(is.depth.visible, -1);
	assert_int_equal(is.encrypted, -1);
	assert_false(is.fifo);
	assert_string_equal(is.kms_key, "");
	assert_int_equal(sqs_queue_attributes(
			     a->sqs, AID_QUEUE, &is, aid_deadline(a), &a->err),
	    ERR_FORMAT);
	aid_close(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_probe_cannot_act),
	    cmocka_unit_test(only_a_refusal_of_the_request_is_a_yes),
	    cmocka_unit_test(without_an_answer_it_is_about_something_else),
	    cmocka_unit_test(attributes_are_read_where_they_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

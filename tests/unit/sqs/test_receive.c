/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving and deleting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "aid/sqs.h"
#include "sqs/messages.h"

#define MD5_A "098890dde069e9abad63f19a0d9e1f32" /* of "AAAA" */
#define BODY_B                                                                 \
	"BBBBBBBBBBBBBBBBBBBBBB"                                               \
	"BBBBBBBBBBBBBBBBBBBBBB"
#define MD5_B "d4f1807d5a331844c4bc0401a6a80156"
#define HEAD_OF(id, body)                                                      \
	"{\"MessageId\":\"" id "\",\"ReceiptHandle\":\"r" id "\","             \
	"\"Body\":\"" body "\""
#define HEAD(id)  HEAD_OF(id, "AAAA")
#define PLAIN(id) HEAD(id) ",\"MD5OfBody\":\"" MD5_A "\"}"
#define ENTROPY                                                                \
	"v=1;key=0011223344556677;seq=1;time=1700000000000;bits=4096;"         \
	"seal=none"
#define ENTROPY_ATTRIBUTE                                                      \
	"\"Entropy\":{\"DataType\":\"String\",\"StringValue\":\"" ENTROPY "\"}"
#define SIGNATURE                                                              \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMD"   \
	"EyMzQ1Njc4OTo7PD0+Pw=="

/* Receive from a service that answers body once; the caller closes. */
static struct aid_sqs *receive(
    const char *body, int max, struct sqs_messages *m)
{
	static struct loopback_step step;
	struct aid_sqs *a;

	step = aid_ok(body);
	a = aid_open(&step, 1);
	assert_int_equal(
	    sqs_receive(a->sqs, AID_QUEUE, max, 0, m, aid_deadline(a), &a->err),
	    0);
	return a;
}

static void a_receive_asks_for_all_attributes_of_messages(void **state)
{
	const struct loopback_step step = aid_ok("{}");
	struct aid_sqs *a = aid_open(&step, 1);
	struct sqs_messages m;
	struct json *request;
	char target[64];
	int64_t n;

	(void)state;
	assert_int_equal(sqs_receive(a->sqs, AID_QUEUE, 10, 20, &m,
			     aid_deadline(a), &a->err),
	    0);
	assert_int_equal(m.n, 0);
	sqs_messages_free(&m);
	aid_header(a, 0, "X-Amz-Target", target, sizeof target);
	assert_string_equal(target, "AmazonSQS.ReceiveMessage");
	request = aid_request(a, 0);
	assert_int_equal(
	    json_integer(json_get(request, "MaxNumberOfMessages"), &n), 0);
	assert_int_equal(n, 10);
	assert_int_equal(
	    json_integer(json_get(request, "WaitTimeSeconds"), &n), 0);
	assert_int_equal(n, 20);
	assert_string_equal(
	    json_string(
		json_at(json_get(request, "MessageSystemAttributeNames"), 0)),
	    "SentTimestamp");
	assert_string_equal(
	    json_string(json_at(json_get(request, "MessageAttributeNames"), 0)),
	    "All");
	assert_null(json_get(request, "AttributeNames"));
	json_free(request);
	aid_close(a);
}

/* What it would wait at the service is reckoned from its first attempt. */
static void a_look_is_tried_again_and_a_wait_is_not(void **state)
{
	(void)state;
	for (int wait_s = 0; wait_s <= SQS_WAIT_MAX_S; wait_s++) {
		const struct loopback_step steps[] = {
		    aid_answer("503 X", "", ""), aid_ok("{}")};
		const bool again = wait_s <= SQS_LOOK_S;
		struct aid_sqs *a = aid_open(steps, 2);
		struct sqs_messages m;

		assert_int_equal(sqs_receive(a->sqs, AID_QUEUE, 1, wait_s, &m,
				     aid_deadline(a), &a->err),
		    again ? 0 : ERR_SERVICE);
		assert_int_equal(loopback_requests(a->loopback), again ? 2 : 1);
		assert_int_equal(a->sleeps, again ? 1 : 0);
		if (again)
			sqs_messages_free(&m);
		aid_close(a);
	}
}

/* A refusal by name comes before any waiting. */
static void a_wait_is_signed_anew(void **state)
{
	const struct loopback_step steps[] = {
	    aid_answer("403 X", "x-amzn-query-error: ExpiredToken;Sender\r\n",
		"{\"__type\":\"com.amazon.coral.service#"
		"ExpiredTokenException\",\"message\":\"x\"}"),
	    aid_ok("{}")};
	struct aid_sqs *a = aid_open(steps, 2);
	struct sqs_messages m;

	(void)state;
	assert_int_equal(sqs_receive(a->sqs, AID_QUEUE, 1, SQS_WAIT_MAX_S, &m,
			     aid_deadline(a), &a->err),
	    0);
	assert_int_equal(loopback_requests(a->loopback), 2);
	sqs_messages_free(&m);
	aid_close(a);
}

static void a_message_is_received_with_its_claim_and_signature(void **state)
{
	static const char body[] = "{\"Messages\":[" HEAD_OF("a",
	    BODY_B) ",\"MD5OfBody\":\"" MD5_B "\","
		    "\"Attributes\":{\"SentTimestamp\":\"1700000000123\","
		    "\"ApproximateReceiveCount\":\"1\"},"
		    "\"MD5OfMessageAttributes\":\"5552abacc7c83b9f100563e5a2d449ef\","
		    "\"MessageAttributes\":{" ENTROPY_ATTRIBUTE
		    ",\"Signature\":{"
		    "\"DataType\":\"Binary\",\"BinaryValue\":\"" SIGNATURE
		    "\"}}}]}";
	const struct message *at;
	struct sqs_messages m;
	struct aid_sqs *a = receive(body, 10, &m);

	(void)state;
	at = &m.at[0];
	assert_int_equal(m.n, 1);
	assert_string_equal(m.receipts[0].id, "a");
	assert_string_equal(m.receipts[0].handle, "ra");
	assert_int_equal(m.receipts[0].body, 0);
	assert_int_equal(at->payload_len, 33);
	for (size_t i = 0; i < 33; i++)
		assert_int_equal(at->payload[i], "\x04\x10\x41"[i % 3]);
	assert_int_equal(at->sent, 1700000000123);
	assert_int_equal(at->receive_count, 1);
	assert_string_equal(at->entropy, ENTROPY);
	assert_int_equal(at->signature_len, MESSAGE_SIGNATURE_LEN);
	for (size_t i = 0; i < MESSAGE_SIGNATURE_LEN; i++)
		assert_int_equal(at->signature[i], i);
	assert_true(m.receipts[0].intact);
	sqs_messages_free(&m);
	assert_null(m.at);
	assert_int_equal(m.n, 0);
	sqs_messages_free(&m);
	aid_close(a);
}

/* What other programs send beside our attributes counts in the digest. */
static void attributes_of_others_count_in_the_digest(void **state)
{
	static const char body[] = "{\"Messages\":[" HEAD(
	    "a") ",\"MD5OfBody\":\"" MD5_A "\","
		 "\"MD5OfMessageAttributes\":\"8347a49040f8b7ef74c7aec7430e3e4b\","
		 "\"MessageAttributes\":{" ENTROPY_ATTRIBUTE ","
		 "\"b\":{\"DataType\":\"Number.int\",\"StringValue\":\"42\"},"
		 "\"a\":{\"DataType\":\"Binary.png\",\"BinaryValue\":\"AAE=\"}}}]}";
	struct sqs_messages m;
	struct aid_sqs *a = receive(body, 10, &m);

	(void)state;
	assert_int_equal(m.n, 1);
	/* Three bytes are no payload. */
	assert_int_equal(m.receipts[0].body, ERR_LIMIT);
	assert_int_equal(m.at[0].payload_len, 0);
	assert_true(m.receipts[0].intact);
	assert_int_equal(m.at[0].signature_len, 0);
	sqs_messages_free(&m);
	aid_close(a);
}

/* Each is taken, but not as intact. */
static void a_damaged_message_is_taken_but_not_as_intact(void **state)
{
	static const char *const tails[] = {
	    "",
	    ",\"MD5OfBody\":\"" MD5_A "0\"",
	    ",\"MD5OfBody\":\"f50881ced34c7d9e6bce100bf33dec60\"",
	    ",\"MD5OfBody\":12",
	    /* attributes without a digest, a digest without attributes */
	    ",\"MD5OfBody\":\"" MD5_A
	    "\",\"MessageAttributes\":{" ENTROPY_ATTRIBUTE "}",
	    ",\"MD5OfBody\":\"" MD5_A
	    "\",\"MD5OfMessageAttributes\":\"c96e64691051b6cca1bb6779930f2dfb"
	    "\"",
	    /* other bytes, no type, no value, not base64 */
	    ",\"MD5OfBody\":\"" MD5_A
	    "\",\"MD5OfMessageAttributes\":\"c96e64691051b6cca1bb6779930f2dfc"
	    "\",\"MessageAttributes\":{" ENTROPY_ATTRIBUTE "}",
	    ",\"MD5OfBody\":\"" MD5_A
	    "\",\"MD5OfMessageAttributes\":\"c96e64691051b6cca1bb6779930f2dfb"
	    "\",\"MessageAttributes\":{\"Entropy\":{\"StringValue\":\"x\"}}",
	    ",\"MD5OfBody\":\"" MD5_A
	    "\",\"MD5OfMessageAttributes\":\"c96e64691051b6cca1bb6779930f2dfb"
	    "\",\"MessageAttributes\":{\"Entropy\":{\"DataType\":\"String\"}}",
	    ",\"MD5OfBody\":\"" MD5_A
	    "\",\"MD5OfMessageAttributes\":\"c96e64691051b6cca1bb6779930f2dfb"
	    "\",\"MessageAttributes\":{\"Signature\":{\"DataType\":\"Binary\","
	    "\"BinaryValue\":\"A===\"}}",
	    ",\"MD5OfBody\":\"" MD5_A
	    "\",\"MD5OfMessageAttributes\":\"c96e64691051b6cca1bb6779930f2dfb"
	    "\",\"MessageAttributes\":{\"a\":1,\"b\":[],\"c\":{}}",
	};
	struct sqs_messages m;
	struct aid_sqs *a;
	char body[1024];

	(void)state;
	for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
		(void)snprintf(body, sizeof body,
		    "{\"Messages\":[" HEAD("a") "%s}]}", tails[i]);
		a = receive(body, 10, &m);
		assert_int_equal(m.n, 1);
		assert_false(m.receipts[0].intact);
		assert_int_equal(m.at[0].signature_len, 0);
		sqs_messages_free(&m);
		aid_close(a);
	}
}

static void a_message_with_too_many_attributes_is_not_intact(void **state)
{
	char body[2048];
	struct sqs_messages m;
	struct aid_sqs *a;
	size_t len;

	(void)state;
	len = (size_t)snprintf(body, sizeof body,
	    "{\"Messages\":[" HEAD(
		"a") ",\"MD5OfBody\":\"" MD5_A "\","
		     "\"MD5OfMessageAttributes\":\"8347a49040f8b7ef74c7aec7430e3e4b\","
		     "\"MessageAttributes\":{");
	for (int i = 0; i < 11; i++)
		len += (size_t)snprintf(body + len, sizeof body - len,
		    "%s\"k%d\":{\"DataType\":\"String\",\"StringValue\":\"v\"}",
		    i > 0 ? "," : "", i);
	(void)snprintf(body + len, sizeof body - len, "}}]}");
	a = receive(body, 10, &m);
	assert_int_equal(m.n, 1);
	assert_false(m.receipts[0].intact);
	sqs_messages_free(&m);
	aid_close(a);
}

#define FIVE(a, b, c, d, e)                                                    \
	PLAIN(a) "," PLAIN(b) "," PLAIN(c) "," PLAIN(d) "," PLAIN(e)

/* What is not a message is passed over, what is too much is not taken. */
static void only_messages_are_taken_and_no_more_than_asked_for(void **state)
{
	static const char body[] =
	    "{\"Messages\":[7,null,{},[],\"x\",{\"MessageId\":\"a\"},"
	    "{\"MessageId\":\"a\",\"ReceiptHandle\":\"b\"},"
	    "{\"MessageId\":\"a\",\"ReceiptHandle\":5,\"Body\":\"\"}," FIVE("1",
		"2", "3", "4",
		"5") "," FIVE("6", "7", "8", "9", "10") "," PLAIN("11") "]}";
	static const char *const none[] = {
	    "{}", "{\"Messages\":[]}", "{\"Messages\":null}", ""};
	struct sqs_messages m;
	struct aid_sqs *a = receive(body, 10, &m);

	(void)state;
	assert_int_equal(m.n, 10);
	assert_string_equal(m.receipts[0].id, "1");
	assert_string_equal(m.receipts[9].id, "10");
	assert_true(m.receipts[9].intact);
	sqs_messages_free(&m);
	aid_close(a);
	a = receive(body, 2, &m);
	assert_int_equal(m.n, 2);
	sqs_messages_free(&m);
	aid_close(a);
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		a = receive(none[i], 10, &m);
		assert_int_equal(m.n, 0);
		sqs_messages_free(&m);
		aid_close(a);
	}
}

static void numbers_that_cannot_be_count_as_zero(void **state)
{
	static const char body[] = "{\"Messages\":[" HEAD(
	    "a") ",\"Attributes\":{"
		 "\"SentTimestamp\":\"-5\",\"ApproximateReceiveCount\":"
		 "\"99999999999999999999\"}}," HEAD(
		     "b") ",\"Attributes\":{"
			  "\"SentTimestamp\":-5,\"ApproximateReceiveCount\":2}}]}";
	struct sqs_messages m;
	struct aid_sqs *a = receive(body, 10, &m);

	(void)state;
	assert_int_equal(m.n, 2);
	assert_int_equal(m.at[0].sent, 0);
	assert_int_equal(m.at[0].receive_count, 0);
	assert_int_equal(m.at[1].sent, 0);
	assert_int_equal(m.at[1].receive_count, 2);
	sqs_messages_free(&m);
	aid_close(a);
}

static void a_receive_that_fails_gives_no_messages(void **state)
{
	const struct loopback_step step = aid_answer("400 X",
	    "x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;"
	    "Sender\r\n",
	    "{}");
	struct aid_sqs *a = aid_open(&step, 1);
	struct sqs_messages m;

	(void)state;
	memset(&m, 0xff, sizeof m);
	assert_int_equal(
	    sqs_receive(a->sqs, AID_QUEUE, 1, 0, &m, aid_deadline(a), &a->err),
	    ERR_NOQUEUE);
	assert_int_equal(m.n, 0);
	sqs_messages_free(&m);
	for (int i = 0; i < 4; i++) {
		static const int limits[][2] = {
		    {0, 0}, {11, 0}, {1, -1}, {1, 21}};

		assert_int_equal(
		    sqs_receive(a->sqs, AID_QUEUE, limits[i][0], limits[i][1],
			&m, aid_deadline(a), &a->err),
		    ERR_LIMIT);
		sqs_messages_free(&m);
	}
	assert_int_equal(loopback_requests(a->loopback), 1);
	aid_close(a);
}

static void a_message_listed_twice_is_taken_once(void **state)
{
	static const char body[] = "{\"Messages\":[" HEAD(
	    "1") ",\"MD5OfBody\":\"" MD5_A
		 "\",\"Attributes\":{\"ApproximateReceiveCount\":\"1\"}}," PLAIN(
		     "2") ",{\"MessageId\":\"1\",\"ReceiptHandle\":\"later\",\"Body\":"
			  "\"AAAA\",\"Attributes\":{\"ApproximateReceiveCount\":\"2\"}}]}";
	struct sqs_messages m;
	struct aid_sqs *a = receive(body, 10, &m);

	(void)state;
	assert_int_equal(m.n, 2);
	assert_string_equal(m.receipts[0].id, "1");
	assert_string_equal(m.receipts[0].handle, "later");
	assert_int_equal(m.at[0].receive_count, 2);
	assert_string_equal(m.receipts[1].id, "2");
	sqs_messages_free(&m);
	aid_close(a);
}

/* An endpoint that talks rubbish must not pass for an empty queue. */
static void rubbish_does_not_pass_for_an_empty_queue(void **state)
{
	static const char *const bodies[] = {"{\"Messages\":{}}", " ",
	    "{\"Messages\":\"\"}", "{\"Messages\":[{}]}",
	    "{\"Messages\":[null]}",
	    "{\"__type\":\"com.amazonaws.sqs#InternalError\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		const struct loopback_step step = aid_ok(bodies[i]);
		struct aid_sqs *a = aid_open(&step, 1);
		struct sqs_messages m;

		assert_int_not_equal(sqs_receive(a->sqs, AID_QUEUE, 10, 0, &m,
					 aid_deadline(a), &a->err),
		    0);
		assert_non_null(strstr(a->err.text, "ReceiveMessage"));
		assert_int_equal(m.n, 0);
		assert_null(m.at);
		assert_int_equal(loopback_requests(a->loopback), 1);
		aid_close(a);
	}
}

static const struct sqs_messages some = {
    .n = 3, .receipts = {{.handle = "r0"}, {.handle = "r1"}, {.handle = "r2"}}};

/* Delete those that want names of three; the caller closes. */
static struct aid_sqs *drop(const struct loopback_step *steps, int n,
    const char *want, const char *deleted, int rc)
{
	struct aid_sqs *a = aid_open(steps, n);
	bool wanted[3], got[3] = {true, true, true};

	for (int i = 0; i < 3; i++)
		wanted[i] = want[i] == '1';
	a->err.code = 77;
	assert_int_equal(sqs_delete(a->sqs, AID_QUEUE, &some, wanted, got,
			     aid_deadline(a), &a->err),
	    rc);
	for (int i = 0; i < 3; i++)
		assert_int_equal(got[i], deleted[i] == '1');
	return a;
}

#define DONE "{\"Id\":\"0\"},{\"Id\":\"2\"}"

static void a_delete_names_the_wanted_messages_alone(void **state)
{
	const struct loopback_step step =
	    aid_ok("{\"Successful\":[" DONE ",{\"Id\":\"1\"}]}");
	struct aid_sqs *a = drop(&step, 1, "101", "101", 0);
	const struct json *entries;
	struct json *request;
	char target[64];

	(void)state;
	assert_int_equal(a->err.code, 0);
	aid_header(a, 0, "X-Amz-Target", target, sizeof target);
	assert_string_equal(target, "AmazonSQS.DeleteMessageBatch");
	request = aid_request(a, 0);
	entries = json_get(request, "Entries");
	assert_int_equal(json_count(entries), 2);
	assert_string_equal(
	    json_string(json_get(json_at(entries, 1), "Id")), "2");
	assert_string_equal(
	    json_string(json_get(json_at(entries, 1), "ReceiptHandle")), "r2");
	json_free(request);
	aid_close(a);
}

static void nothing_to_delete_sends_no_request(void **state)
{
	const struct loopback_step step = aid_ok("{}");
	struct aid_sqs *a = drop(&step, 1, "000", "000", 0);

	(void)state;
	assert_int_equal(a->err.code, 0);
	assert_int_equal(loopback_requests(a->loopback), 0);
	aid_close(a);
}

/* Only what was confirmed counts; what the service failed at is tried
 * again, what was asked wrongly is not. */
static void what_the_service_failed_to_delete_is_tried_again(void **state)
{
	const struct loopback_step steps[] = {
	    aid_ok("{\"Successful\":[{\"Id\":\"0\"}],\"Failed\":["
		   "{\"Id\":\"1\",\"SenderFault\":true,"
		   "\"Code\":\"ReceiptHandleIsInvalid\"},"
		   "{\"Id\":\"2\",\"SenderFault\":false,"
		   "\"Code\":\"InternalError\"}]}"),
	    aid_ok("{\"Successful\":[{\"Id\":\"2\"}]}")};
	struct aid_sqs *a = drop(steps, 2, "111", "101", 0);

	(void)state;
	assert_int_equal(a->err.code, ERR_SERVICE);
	assert_non_null(strstr(a->err.text, "ReceiptHandleIsInvalid"));
	assert_int_equal(loopback_requests(a->loopback), 2);
	assert_int_equal(a->sleep[0], 25);
	aid_close(a);
}

static void one_throttled_entry_slows_down_all(void **state)
{
	const struct loopback_step steps[] = {
	    aid_ok("{\"Successful\":[{\"Id\":\"0\"}],\"Failed\":["
		   "{\"Id\":\"1\",\"Code\":\"RequestThrottled\"},"
		   "{\"Id\":\"2\",\"Code\":\"InternalError\"}]}"),
	    aid_ok("{\"Successful\":[{\"Id\":\"1\"},{\"Id\":\"2\"}]}")};
	struct aid_sqs *a = drop(steps, 2, "111", "111", 0);

	(void)state;
	assert_int_equal(a->err.code, 0);
	assert_int_equal(a->sleeps, 1);
	assert_int_equal(a->sleep[0], 500);
	aid_close(a);
}

static void a_deletion_that_is_not_confirmed_is_none(void **state)
{
	static const char *const bodies[] = {"{}", "{\"Successful\":[]}",
	    "{\"Successful\":[{\"Id\":0}]}",
	    "{\"Successful\":[{\"Id\":\"3\"}]}",
	    ("{\"Failed\":[{\"Id\":\"0\",\"SenderFault\":true}],"
	     "\"Successful\":[{\"Id\":\"0\"}]}")};
	struct loopback_step step;
	struct aid_sqs *a;

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		step = aid_ok(bodies[i]);
		a = drop(&step, 1, "100", "000", 0);
		assert_int_not_equal(a->err.code, 0);
		aid_close(a);
	}
}

static void a_failed_delete_is_explained_or_tried_again(void **state)
{
	struct loopback_step step =
	    aid_answer("403 X", "", "{\"__type\":\"AccessDeniedException\"}");
	struct aid_sqs *a = drop(&step, 1, "111", "000", ERR_DENIED);

	(void)state;
	assert_non_null(strstr(a->err.text, "allow sqs:DeleteMessage on"));
	aid_close(a);
	step = (struct loopback_step){.answer = NULL};
	a = drop(&step, 1, "111", "000", ERR_NET);
	/* Deleting twice does no harm. */
	assert_int_equal(loopback_requests(a->loopback), SQS_ATTEMPTS);
	aid_close(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_receive_asks_for_all_attributes_of_messages),
	    cmocka_unit_test(a_look_is_tried_again_and_a_wait_is_not),
	    cmocka_unit_test(a_wait_is_signed_anew),
	    cmocka_unit_test(
		a_message_is_received_with_its_claim_and_signature),
	    cmocka_unit_test(attributes_of_others_count_in_the_digest),
	    cmocka_unit_test(a_damaged_message_is_taken_but_not_as_intact),
	    cmocka_unit_test(a_message_with_too_many_attributes_is_not_intact),
	    cmocka_unit_test(
		only_messages_are_taken_and_no_more_than_asked_for),
	    cmocka_unit_test(numbers_that_cannot_be_count_as_zero),
	    cmocka_unit_test(a_receive_that_fails_gives_no_messages),
	    cmocka_unit_test(a_message_listed_twice_is_taken_once),
	    cmocka_unit_test(rubbish_does_not_pass_for_an_empty_queue),
	    cmocka_unit_test(a_delete_names_the_wanted_messages_alone),
	    cmocka_unit_test(nothing_to_delete_sends_no_request),
	    cmocka_unit_test(what_the_service_failed_to_delete_is_tried_again),
	    cmocka_unit_test(one_throttled_entry_slows_down_all),
	    cmocka_unit_test(a_deletion_that_is_not_confirmed_is_none),
	    cmocka_unit_test(a_failed_delete_is_explained_or_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

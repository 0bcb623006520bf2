/* SPDX-License-Identifier: Apache-2.0 */
/* Sending: what is put into a request, and that nothing goes out twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "aid/sqs.h"
#include "sqs/messages.h"

/* MD5s of 44 times "A", "B", "C": bodies of 33 bytes each. */
#define MD5_A "23005536dba2c412a23bbe1041e007ca"
#define MD5_B "d4f1807d5a331844c4bc0401a6a80156"
#define MD5_C "97428edd33410cc946847b05de62338e"
#define BODY_B                                                                 \
	"BBBBBBBBBBBBBBBBBBBBBB"                                               \
	"BBBBBBBBBBBBBBBBBBBBBB"
#define BODY_C                                                                 \
	"CCCCCCCCCCCCCCCCCCCCCC"                                               \
	"CCCCCCCCCCCCCCCCCCCCCC"
#define SENT(id, md5)                                                          \
	"{\"Id\":\"" id "\",\"MessageId\":\"m\",\"MD5OfMessageBody\":\"" md5   \
	"\"}"
#define FAILED(id, code, sender)                                               \
	"{\"Id\":\"" id "\",\"Code\":\"" code "\",\"SenderFault\":" sender     \
	",\"Message\":\"why\"}"
#define ANSWER(sent, failed)                                                   \
	"{\"Successful\":[" sent "],\"Failed\":[" failed "]}"
#define ALL                                                                    \
	ANSWER(SENT("0", MD5_A) "," SENT("1", MD5_B) "," SENT("2", MD5_C), "")

static struct message messages[LIMIT_BATCH + 1];
static const struct message *list[LIMIT_BATCH + 1];

/* Whose body is that letter, 44 times. */
static void make_message(struct message *m, char letter)
{
	char body[44];

	memset(m, 0, sizeof *m);
	memset(body, letter, sizeof body);
	assert_int_equal(message_from_body(m, body, sizeof body), 0);
}

static void make_messages(void)
{
	for (size_t k = 0; k <= LIMIT_BATCH; k++) {
		make_message(&messages[k], (char)('A' + k));
		list[k] = &messages[k];
	}
}

struct result {
	int rc;
	int requests;
	bool sent[LIMIT_BATCH];
	struct err err;
};

static int send_three(struct aid_sqs *a, const char *queue, struct result *r)
{
	memset(r, 0, sizeof *r);
	memset(r->sent, 1, sizeof r->sent);
	r->err.code = 77;
	make_messages();
	r->rc =
	    sqs_send(a->sqs, queue, list, 3, r->sent, aid_deadline(a), &r->err);
	r->requests = loopback_requests(a->loopback);
	return r->rc;
}

/* "110" in sent for the first two of three. */
static void assert_sends(const struct loopback_step *steps, int n, int rc,
    int requests, const char *sent, const char *word)
{
	struct aid_sqs *a = aid_open(steps, n);
	char got[4] = "";
	struct result r;

	(void)send_three(a, AID_QUEUE, &r);
	for (int i = 0; i < 3; i++)
		got[i] = r.sent[i] ? '1' : '0';
	if (r.rc != rc || r.requests != requests || strcmp(got, sent) != 0 ||
	    (word == NULL) != (r.err.code == 0) ||
	    (word != NULL && strstr(r.err.text, word) == NULL))
		fail_msg("%d after %d, %s: %d %s", r.rc, r.requests, got,
		    r.err.code, r.err.text);
	aid_close(a);
}

static void assert_one(struct loopback_step step, int rc, int requests,
    const char *sent, const char *word)
{
	assert_sends(&step, 1, rc, requests, sent, word);
}

static const struct json *entry(const struct json *request, size_t k)
{
	return json_at(json_get(request, "Entries"), k);
}

static void a_send_is_one_batch_of_bodies(void **state)
{
	const struct loopback_step step = aid_ok(ALL);
	struct aid_sqs *a = aid_open(&step, 1);
	struct json *request;
	char target[64];
	struct result r;

	(void)state;
	assert_int_equal(send_three(a, AID_QUEUE, &r), 0);
	assert_int_equal(r.err.code, 0);
	assert_true(r.sent[0] && r.sent[1] && r.sent[2]);
	aid_header(a, 0, "X-Amz-Target", target, sizeof target);
	assert_string_equal(target, "AmazonSQS.SendMessageBatch");
	request = aid_request(a, 0);
	assert_string_equal(
	    json_string(json_get(request, "QueueUrl")), AID_QUEUE);
	assert_int_equal(json_count(json_get(request, "Entries")), 3);
	assert_string_equal(
	    json_string(json_get(entry(request, 2), "Id")), "2");
	assert_string_equal(
	    json_string(json_get(entry(request, 2), "MessageBody")), BODY_C);
	assert_null(json_get(entry(request, 2), "MessageAttributes"));
	assert_null(json_get(entry(request, 2), "MessageGroupId"));
	json_free(request);
	aid_close(a);
}

static void a_fifo_queue_gets_a_group_and_an_id_of_each_body(void **state)
{
	const struct loopback_step step = aid_ok(ALL);
	struct aid_sqs *a = aid_open(&step, 1);
	struct json *request;
	struct result r;

	(void)state;
	assert_int_equal(send_three(a, AID_QUEUE ".fifo", &r), 0);
	request = aid_request(a, 0);
	assert_string_equal(
	    json_string(json_get(entry(request, 0), "MessageGroupId")),
	    "sqs-entropy");
	assert_string_equal(
	    json_string(json_get(entry(request, 0), "MessageDeduplicationId")),
	    "b06b3f20c246db70a136e3ae4787d0df");
	assert_string_equal(
	    json_string(json_get(entry(request, 1), "MessageDeduplicationId")),
	    "d5074cf3f88bd6d44f5a3eef6b5ce6c7");
	json_free(request);
	aid_close(a);
}

#define ENTROPY                                                                \
	"v=1;key=0011223344556677;seq=1;time=1700000000000;bits=4096;"         \
	"seal=none"

static int send_signed(const char *attributes_md5, struct json **request)
{
	struct message *m = &messages[0];
	struct loopback_step step;
	struct aid_sqs *a;
	bool sent = false;
	char body[512];
	int rc;

	make_messages();
	message_set_claim(m, ENTROPY);
	m->signature_len = MESSAGE_SIGNATURE_LEN;
	for (size_t i = 0; i < MESSAGE_SIGNATURE_LEN; i++)
		m->signature[i] = (uint8_t)i;
	(void)snprintf(body, sizeof body,
	    "{\"Successful\":[{\"Id\":\"0\",\"MD5OfMessageBody\":\"" MD5_A
	    "\"%s}]}",
	    attributes_md5);
	step = aid_ok(body);
	a = aid_open(&step, 1);
	rc = sqs_send(
	    a->sqs, AID_QUEUE, list, 1, &sent, aid_deadline(a), &a->err);
	assert_int_equal(sent, rc == 0);
	*request = aid_request(a, 0);
	aid_close(a);
	return rc;
}

static void claim_and_signature_are_sent_and_their_digest_checked(void **state)
{
	const struct json *attributes, *one;
	struct json *request;

	(void)state;
	assert_int_equal(send_signed(",\"MD5OfMessageAttributes\":"
				     "\"5552abacc7c83b9f100563e5a2d449ef\"",
			     &request),
	    0);
	attributes = json_get(entry(request, 0), "MessageAttributes");
	one = json_get(attributes, "Entropy");
	assert_string_equal(json_string(json_get(one, "DataType")), "String");
	assert_string_equal(json_string(json_get(one, "StringValue")), ENTROPY);
	one = json_get(attributes, "Signature");
	assert_string_equal(json_string(json_get(one, "DataType")), "Binary");
	assert_string_equal(json_string(json_get(one, "BinaryValue")),
	    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4"
	    "vMDEyMzQ1Njc4OTo7PD0+Pw==");
	json_free(request);
	assert_int_equal(send_signed(",\"MD5OfMessageAttributes\":"
				     "\"0000abacc7c83b9f100563e5a2d449ef\"",
			     &request),
	    ERR_FORMAT);
	json_free(request);
	assert_int_equal(send_signed("", &request), ERR_FORMAT);
	json_free(request);
}

/* What the service may have done is not done again. */
static void a_send_of_unknown_outcome_is_not_repeated(void **state)
{
	(void)state;
	assert_one((struct loopback_step){.answer = NULL}, ERR_NET, 1, "000",
	    "SendMessageBatch");
	assert_one((struct loopback_step){.answer = "HTTP/1.1 200 OK\r\n"
						    "Content-Length: 99\r\n"
						    "\r\n{\"Succ",
		       .close = 1},
	    ERR_NET, 1, "000", "SendMessageBatch");
	assert_one(aid_answer("500 X", "", ""), ERR_SERVICE, 1, "000", "500");
	assert_one(aid_answer("502 X", "", ""), ERR_SERVICE, 1, "000", "502");
	assert_one(aid_answer("504 X", "", ""), ERR_SERVICE, 1, "000", "504");
	assert_one(aid_answer("500 X", "",
		       "{\"__type\":\"com.amazonaws.sqs#InternalFailure\"}"),
	    ERR_SERVICE, 1, "000", "InternalFailure");
	assert_one(aid_ok("<html>"), ERR_FORMAT, 1, "000", "not an answer");
	assert_one(aid_ok("{}"), ERR_FORMAT, 1, "000", "does not mention");
}

static void a_send_that_was_refused_for_now_is_repeated(void **state)
{
	const struct loopback_step steps[] = {aid_answer("503 X", "", ""),
	    aid_answer("400 X", "", "{\"__type\":\"RequestThrottled\"}"),
	    aid_ok(ALL)};

	(void)state;
	assert_sends(steps, 3, 0, 3, "111", NULL);
	assert_one(aid_answer("503 X", "", ""), ERR_SERVICE, SQS_ATTEMPTS,
	    "000", "503");
	assert_one(
	    aid_answer("403 X", "", "{\"__type\":\"AccessDeniedException\"}"),
	    ERR_DENIED, 1, "000", "allow sqs:SendMessage on");
	assert_one(aid_answer("413 X", "", ""), ERR_LIMIT, 1, "000", "413");
}

static void a_send_with_a_bad_date_or_token_is_signed_anew(void **state)
{
	const struct loopback_step steps[] = {
	    aid_answer("403 X", "Date: Sun, 22 Nov 2026 08:00:00 GMT\r\n",
		"{\"__type\":\"InvalidSignatureException\",\"message\":"
		"\"Signature not yet current: x\"}"),
	    aid_answer("403 X", "", "{\"__type\":\"ExpiredTokenException\"}"),
	    aid_ok(ALL)};

	(void)state;
	assert_sends(steps, 3, 0, 3, "111", NULL);
}

/* Their own date is as wrong as the signature's was. */
static void dated_messages_are_not_signed_anew(void **state)
{
	const struct loopback_step steps[] = {
	    aid_answer("403 X", "Date: Sun, 22 Nov 2026 08:00:00 GMT\r\n",
		"{\"__type\":\"InvalidSignatureException\",\"message\":"
		"\"Signature expired: x\"}"),
	    aid_ok(ALL)};
	struct aid_sqs *a = aid_open(steps, 2);
	bool sent = true;

	(void)state;
	make_messages();
	message_set_claim(&messages[0], "v=1;time=1");
	assert_int_equal(sqs_send(a->sqs, AID_QUEUE, list, 1, &sent,
			     aid_deadline(a), &a->err),
	    ERR_DENIED);
	assert_false(sent);
	assert_int_equal(loopback_requests(a->loopback), 1);
	assert_true(sqs_clock_behind(a->sqs) == 28108800000);
	aid_close(a);
}

static void only_the_part_that_failed_is_sent_again(void **state)
{
	const struct loopback_step steps[] = {
	    aid_ok(ANSWER(SENT("0", MD5_A) "," SENT("2", MD5_C),
		FAILED("1", "InternalError", "false"))),
	    aid_ok(ANSWER(SENT("1", MD5_B), ""))};
	struct aid_sqs *a = aid_open(steps, 2);
	struct json *request;
	struct result r;

	(void)state;
	assert_int_equal(send_three(a, AID_QUEUE, &r), 0);
	assert_int_equal(r.err.code, 0);
	assert_true(r.sent[0] && r.sent[1] && r.sent[2]);
	assert_int_equal(a->sleeps, 1);
	request = aid_request(a, 1);
	assert_int_equal(json_count(json_get(request, "Entries")), 1);
	assert_string_equal(
	    json_string(json_get(entry(request, 0), "MessageBody")), BODY_B);
	json_free(request);
	aid_close(a);
}

static void a_part_that_fails_for_good_is_told_as_not_sent(void **state)
{
	const struct loopback_step broken[] = {
	    aid_ok(ANSWER(SENT("0", MD5_A),
		FAILED("1", "InternalError", "false") "," FAILED(
		    "2", "InternalError", "false"))),
	    {.answer = NULL}};

	(void)state;
	/* The second call has no known outcome: no third. */
	assert_sends(broken, 2, 0, 2, "100", "SendMessageBatch");
	/* The sender's own fault is not cured by time. */
	assert_one(aid_ok(ANSWER(SENT("0", MD5_A) "," SENT("2", MD5_C),
		       FAILED("1", "InvalidMessageContents", "true"))),
	    0, 1, "101", "InvalidMessageContents: why");
	/* The last refusal stands. */
	assert_one(
	    aid_ok(ANSWER("", FAILED("0", "InternalError", "false") "," FAILED(
				  "1", "InternalError", "false") "," FAILED("2",
				  "InternalError", "false"))),
	    ERR_SERVICE, SQS_ATTEMPTS, "000", "InternalError: why");
	assert_one(
	    aid_ok(ANSWER("", FAILED("0", "AccessDenied", "true") "," FAILED(
				  "1", "AccessDenied", "true") "," FAILED("2",
				  "AccessDenied", "true"))),
	    ERR_DENIED, 1, "000", "allow sqs:SendMessage");
}

static void only_what_is_confirmed_with_its_digest_was_sent(void **state)
{
	(void)state;
	/* Other bytes arrived. */
	assert_one(aid_ok(ANSWER(SENT("0", MD5_A) "," SENT("1", MD5_A) "," SENT(
				     "2", MD5_C),
		       "")),
	    0, 1, "101", "MD5");
	assert_one(aid_ok(ANSWER("{\"Id\":\"0\"},{\"Id\":\"1\","
				 "\"MD5OfMessageBody\":7}," SENT("2", ""),
		       "")),
	    ERR_FORMAT, 1, "000", "MD5");
	/* Not mentioned: nobody knows. */
	assert_one(aid_ok(ANSWER(SENT("0", MD5_A) "," SENT("1", MD5_B), "")), 0,
	    1, "110", "does not mention entry 2");
	/* Ids that were not sent, twice, in both lists, or no ids. */
	assert_one(
	    aid_ok(ANSWER(SENT("3", MD5_A) "," SENT("-1", MD5_A) "," SENT(
			      "00", MD5_A) "," SENT("",
			      MD5_A) ",7,null," SENT("0", MD5_A) "," SENT("0",
			      MD5_B) "," SENT("1", MD5_B) "," SENT("2", MD5_C),
		FAILED("9", "X", "false") ",[]," FAILED("x", "", "1"))),
	    0, 1, "111", NULL);
	assert_one(aid_ok(ANSWER(SENT("0", MD5_A) "," SENT("1", MD5_B) "," SENT(
				     "2", MD5_C),
		       FAILED("1", "InvalidX", "true"))),
	    0, 1, "101", "InvalidX");
	assert_one(aid_ok("{\"Successful\":{},\"Failed\":\"x\"}"), ERR_FORMAT,
	    1, "000", "does not mention");
}

static void a_batch_beyond_the_limits_is_not_sent(void **state)
{
	const struct loopback_step step = aid_ok(ALL);
	struct aid_sqs *a = aid_open(&step, 1);
	bool sent[LIMIT_BATCH + 1];

	(void)state;
	make_messages();
	assert_int_equal(
	    sqs_send(a->sqs, AID_QUEUE, list, 0, sent, 0, &a->err), ERR_LIMIT);
	assert_int_equal(sqs_send(a->sqs, AID_QUEUE, list, LIMIT_BATCH + 1,
			     sent, 0, &a->err),
	    ERR_LIMIT);
	messages[0].payload_len = MESSAGE_PAYLOAD_MIN - 1;
	assert_int_equal(sqs_send(a->sqs, AID_QUEUE, list, 1, sent,
			     aid_deadline(a), &a->err),
	    ERR_LIMIT);
	messages[0].payload_len = MESSAGE_PAYLOAD_MAX + 1;
	assert_int_equal(sqs_send(a->sqs, AID_QUEUE, list, 1, sent,
			     aid_deadline(a), &a->err),
	    ERR_LIMIT);
	make_messages();
	messages[0].signature_len = MESSAGE_SIGNATURE_LEN + 100;
	assert_int_equal(sqs_send(a->sqs, AID_QUEUE, list, 1, sent,
			     aid_deadline(a), &a->err),
	    ERR_LIMIT);
	assert_int_equal(loopback_requests(a->loopback), 0);
	aid_close(a);
}

/* Ten messages of the largest payload fit into a request. */
static void ten_of_the_largest_messages_fit_a_request(void **state)
{
	const struct loopback_step step = aid_ok("{}");
	struct aid_sqs *a = aid_open(&step, 1);
	bool sent[LIMIT_BATCH];
	struct json *request;

	(void)state;
	make_messages();
	for (size_t k = 0; k < LIMIT_BATCH; k++)
		messages[k].payload_len = MESSAGE_PAYLOAD_MAX;
	assert_int_equal(sqs_send(a->sqs, AID_QUEUE, list, LIMIT_BATCH, sent,
			     aid_deadline(a), &a->err),
	    ERR_FORMAT);
	request = aid_request(a, 0);
	assert_int_equal(
	    strlen(json_string(json_get(entry(request, 9), "MessageBody"))),
	    MESSAGE_BODY_MAX);
	json_free(request);
	aid_close(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_send_is_one_batch_of_bodies),
	    cmocka_unit_test(a_fifo_queue_gets_a_group_and_an_id_of_each_body),
	    cmocka_unit_test(
		claim_and_signature_are_sent_and_their_digest_checked),
	    cmocka_unit_test(a_send_of_unknown_outcome_is_not_repeated),
	    cmocka_unit_test(a_send_that_was_refused_for_now_is_repeated),
	    cmocka_unit_test(a_send_with_a_bad_date_or_token_is_signed_anew),
	    cmocka_unit_test(dated_messages_are_not_signed_anew),
	    cmocka_unit_test(only_the_part_that_failed_is_sent_again),
	    cmocka_unit_test(a_part_that_fails_for_good_is_told_as_not_sent),
	    cmocka_unit_test(only_what_is_confirmed_with_its_digest_was_sent),
	    cmocka_unit_test(a_batch_beyond_the_limits_is_not_sent),
	    cmocka_unit_test(ten_of_the_largest_messages_fit_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

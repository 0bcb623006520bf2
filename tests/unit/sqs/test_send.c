/* SPDX-License-Identifier: Apache-2.0 */
/* Sending: what is put into a request, and what confirms it. */
#include "aid/send_bench.h"

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

/* Both from the body, so that a second copy is one wherever it is looked for.
 */
static void a_fifo_queue_gets_a_group_of_its_own_for_each_body(void **state)
{
	static const char *const ids[] = {"b06b3f20c246db70a136e3ae4787d0df",
	    "d5074cf3f88bd6d44f5a3eef6b5ce6c7"};
	const struct loopback_step step = aid_ok(ALL);
	struct aid_sqs *a = aid_open(&step, 1);
	struct json *request;
	struct result r;

	(void)state;
	assert_int_equal(send_three(a, AID_QUEUE ".fifo", &r), 0);
	request = aid_request(a, 0);
	for (size_t k = 0; k < 2; k++) {
		const struct json *one = entry(request, k);

		assert_string_equal(
		    json_string(json_get(one, "MessageGroupId")), ids[k]);
		assert_string_equal(
		    json_string(json_get(one, "MessageDeduplicationId")),
		    ids[k]);
	}
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
	size_t unsure;
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
	rc = sqs_send(a->sqs, AID_QUEUE, list, 1, &sent, &unsure,
	    aid_deadline(a), &a->err);
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

/* A producer reckons with it, as with what may be there. */
static void what_is_there_with_other_bytes_is_unsure(void **state)
{
	const struct loopback_step step = aid_ok("{\"Successful\":[" SENT(
	    "0", MD5_A) "," SENT("1", MD5_A) "],\"Failed\":[]}");
	struct aid_sqs *a = aid_open(&step, 1);
	struct result r;

	(void)state;
	assert_int_equal(send_three(a, AID_QUEUE, &r), 0);
	assert_true(r.sent[0] && !r.sent[1] && !r.sent[2]);
	/* One was altered, and one not mentioned. */
	assert_int_equal(r.unsure, 2);
	assert_non_null(
	    strstr(r.err.text, "the outcome is unknown for 1 of 3 messages"));
	aid_close(a);
}

static void a_batch_beyond_the_limits_is_not_sent(void **state)
{
	const struct loopback_step step = aid_ok(ALL);
	struct aid_sqs *a = aid_open(&step, 1);
	bool sent[LIMIT_BATCH + 1];
	size_t unsure;

	(void)state;
	make_messages();
	assert_int_equal(
	    sqs_send(a->sqs, AID_QUEUE, list, 0, sent, &unsure, 0, &a->err),
	    ERR_LIMIT);
	assert_int_equal(sqs_send(a->sqs, AID_QUEUE, list, LIMIT_BATCH + 1,
			     sent, &unsure, 0, &a->err),
	    ERR_LIMIT);
	messages[0].payload_len = MESSAGE_PAYLOAD_MIN - 1;
	assert_int_equal(sqs_send(a->sqs, AID_QUEUE, list, 1, sent, &unsure,
			     aid_deadline(a), &a->err),
	    ERR_LIMIT);
	messages[0].payload_len = MESSAGE_PAYLOAD_MAX + 1;
	assert_int_equal(sqs_send(a->sqs, AID_QUEUE, list, 1, sent, &unsure,
			     aid_deadline(a), &a->err),
	    ERR_LIMIT);
	make_messages();
	messages[0].signature_len = MESSAGE_SIGNATURE_LEN + 100;
	assert_int_equal(sqs_send(a->sqs, AID_QUEUE, list, 1, sent, &unsure,
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
	size_t unsure;
	struct json *request;

	(void)state;
	make_messages();
	for (size_t k = 0; k < LIMIT_BATCH; k++)
		messages[k].payload_len = MESSAGE_PAYLOAD_MAX;
	assert_int_equal(sqs_send(a->sqs, AID_QUEUE, list, LIMIT_BATCH, sent,
			     &unsure, aid_deadline(a), &a->err),
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
	    cmocka_unit_test(
		a_fifo_queue_gets_a_group_of_its_own_for_each_body),
	    cmocka_unit_test(
		claim_and_signature_are_sent_and_their_digest_checked),
	    cmocka_unit_test(only_what_is_confirmed_with_its_digest_was_sent),
	    cmocka_unit_test(what_is_there_with_other_bytes_is_unsure),
	    cmocka_unit_test(a_batch_beyond_the_limits_is_not_sent),
	    cmocka_unit_test(ten_of_the_largest_messages_fit_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

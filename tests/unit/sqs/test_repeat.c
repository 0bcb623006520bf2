/* SPDX-License-Identifier: Apache-2.0 */
/* Sending again: only what certainly was not done. */
#include "aid/send_bench.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_send_of_unknown_outcome_is_not_repeated),
	    cmocka_unit_test(a_send_that_was_refused_for_now_is_repeated),
	    cmocka_unit_test(a_send_with_a_bad_date_or_token_is_signed_anew),
	    cmocka_unit_test(dated_messages_are_not_signed_anew),
	    cmocka_unit_test(only_the_part_that_failed_is_sent_again),
	    cmocka_unit_test(a_part_that_fails_for_good_is_told_as_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

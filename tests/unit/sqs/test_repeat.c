/* SPDX-License-Identifier: Apache-2.0 */
/* Sending again: only what certainly was not done. */
#include "aid/send_bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aid/virtual.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define NAMED(name)  "{\"__type\":\"com.amazonaws.sqs#" name "\"}"
#define HEADED(name) "x-amzn-query-error: " name "\r\n"

/* One request, nothing confirmed, and all three are said to be in doubt. */
static void assert_unknown(struct loopback_step step, int rc, const char *word)
{
	struct aid_sqs *a = aid_open(&step, 1);
	struct result r;

	(void)send_three(a, AID_QUEUE, &r);
	if (r.rc != rc || r.requests != 1 || a->sleeps != 0 || r.sent[0] ||
	    r.unsure != 3 || strstr(r.err.text, word) == NULL ||
	    strstr(r.err.text, "the outcome is unknown for 3 of 3 messages") ==
		NULL)
		fail_msg("%d after %d: %s", r.rc, r.requests, r.err.text);
	aid_close(a);
}

static const struct {
	const char *status, *headers, *body;
	int rc;
	const char *word;
} doubtful[] = {
    {"500 X", "", "", ERR_SERVICE, "500"},
    {"500 X", "", NAMED("InternalFailure"), ERR_SERVICE, "Internal"},
    {"502 X", "", "<html>Bad Gateway</html>", ERR_SERVICE, "502"},
    {"503 X", "", "", ERR_SERVICE, "503"},
    {"503 X", "", NAMED("ServiceUnavailable"), ERR_SERVICE, "Unavail"},
    {"503 X", HEADED("ServiceUnavailable;Receiver"), NAMED("RequestThrottled"),
	ERR_SERVICE, "Unavail"},
    {"503 X", "x-amz-retry-after: 10\r\nRetry-After: 1\r\n", "", ERR_SERVICE,
	"503"},
    {"504 X", "", "", ERR_SERVICE, "504"},
    {"505 X", "", "", ERR_SERVICE, "505"},
    {"400 X", "", NAMED("SomethingNew"), ERR_SERVICE, "SomethingNew"},
    {"400 X", "", NAMED("RequestTimeout"), ERR_SERVICE, "Timeout"},
    {"408 X", "", "", ERR_SERVICE, "408; try later"},
    {"413 X", "", "", ERR_LIMIT, "413"},
    {"417 X", "", "", ERR_SERVICE, "417"},
    {"429 X", "", "slow down", ERR_THROTTLED, "429"},
    {"301 X", "Location: http://127.0.0.1:1/\r\n", "", ERR_SERVICE, "301"},
    {"307 X", "Location: /\r\n", "", ERR_SERVICE, "307"},
    {"401 X", "WWW-Authenticate: Basic realm=x\r\n", "", ERR_DENIED, "401"},
    {"407 X", "Proxy-Authenticate: Basic realm=x\r\n", "", ERR_SERVICE, "407"},
    {"403 X", "Date: Sun, 22 Nov 2026 08:00:00 GMT\r\n",
	"{\"message\":\"Signature expired: x\"}", ERR_DENIED, "expired"},
    {"200 OK", "", NAMED("InternalError"), ERR_SERVICE, "Internal"},
    {"200 OK", "", "<html>", ERR_FORMAT, "not an answer"},
    {"200 OK", "", "", ERR_FORMAT, "does not mention"},
    {"200 OK", "", "{}", ERR_FORMAT, "does not mention"},
    {"204 X", "", "", ERR_SERVICE, "204"},
};

/* What the service may have done is not done again, and is counted. */
static void a_send_of_unknown_outcome_is_not_repeated(void **state)
{
	static const char *const raw[] = {NULL,
	    "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"Succ",
	    "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 503", "no HTTP\r\n"};

	(void)state;
	for (size_t i = 0; i < COUNT(doubtful); i++)
		assert_unknown(aid_answer(doubtful[i].status,
				   doubtful[i].headers, doubtful[i].body),
		    doubtful[i].rc, doubtful[i].word);
	for (size_t i = 0; i < COUNT(raw); i++)
		assert_unknown(
		    (struct loopback_step){.answer = raw[i], .close = 1},
		    ERR_NET, "SendMessageBatch");
}

static void a_send_with_too_large_an_answer_is_in_doubt(void **state)
{
	char *body = malloc(SQS_ANSWER_MAX + 1024);

	(void)state;
	assert_non_null(body);
	memset(body, ' ', SQS_ANSWER_MAX + 1);
	strcpy(body + SQS_ANSWER_MAX + 1, ALL);
	assert_unknown(aid_ok(body), ERR_LIMIT, "too large");
	free(body);
}

static void a_send_without_an_answer_in_time_is_in_doubt(void **state)
{
	const struct loopback_step step = {.answer = "x", .delay_ms = 90000};
	struct aid_sqs *a = aid_open(&step, 1);
	bool sent[3] = {true, true, true};
	size_t unsure = 0;
	int rc;

	(void)state;
	make_messages();
	virtual_begin(a->loopback, 1);
	rc = sqs_send(a->sqs, AID_QUEUE, list, 3, sent, &unsure,
	    clock_mono(&a->clock) + 300, &a->err);
	virtual_end();
	assert_int_equal(rc, ERR_TIMEOUT);
	assert_int_equal(unsure, 3);
	assert_int_equal(loopback_requests(a->loopback), 1);
	assert_non_null(strstr(a->err.text, "unknown for 3 of 3 messages"));
	aid_close(a);
}

/* No connection, no request: nothing is in doubt. */
static void a_send_that_never_began_is_repeated(void **state)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof sin;
	bool sent[3] = {true, true, true};
	size_t unsure = 3;
	struct aid_sqs *a;
	char url[64];

	(void)state;
	/* Bound, so that nobody else can listen there meanwhile. */
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	(void)snprintf(
	    url, sizeof url, "http://127.0.0.1:%d", ntohs(sin.sin_port));
	a = aid_open_at(url, false);
	make_messages();
	assert_int_equal(sqs_send(a->sqs, AID_QUEUE, list, 3, sent, &unsure,
			     aid_deadline(a), &a->err),
	    ERR_CONNECT);
	assert_int_equal(unsure, 0);
	assert_false(sent[0] || sent[1] || sent[2]);
	assert_int_equal(a->sleeps, SQS_ATTEMPTS - 1);
	assert_int_equal(a->sleep[0], 25);
	assert_null(strstr(a->err.text, "unknown"));
	aid_close(a);
	(void)close(fd);
}

/* By a name: the service has looked at the request, and done nothing. */
static void a_send_that_was_refused_for_now_is_repeated(void **state)
{
	static const struct {
		const char *status, *headers, *body;
	} answers[] = {
	    {"400 X", "", NAMED("RequestThrottled")},
	    {"403 X", HEADED("RequestThrottled;Sender"), ""},
	    {"400 X", "", "{\"__type\":\"ThrottlingException\"}"},
	    {"429 X", "", NAMED("ThrottlingException")},
	    {"503 X", "", NAMED("SlowDown")},
	    {"503 X", "", "<Error><Code>Throttling</Code></Error>"},
	    {"200 OK", "", NAMED("RequestThrottled")},
	    {"403 X", "", NAMED("ExpiredTokenException")},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		const struct loopback_step steps[] = {
		    aid_answer(
			answers[i].status, answers[i].headers, answers[i].body),
		    aid_ok(ALL)};

		assert_sends(steps, 2, 0, 2, "111", NULL);
	}
}

/* Nothing was done, and there is nothing to be unsure of. */
static void a_send_that_was_refused_for_good_is_known_as_not_sent(void **state)
{
	static const struct {
		const char *status, *body;
		int rc, requests;
	} answers[] = {
	    {"400 X", NAMED("RequestThrottled"), ERR_THROTTLED, SQS_ATTEMPTS},
	    {"403 X", NAMED("ExpiredToken"), ERR_DENIED, 2},
	    {"403 X", NAMED("AccessDeniedException"), ERR_DENIED, 2},
	    {"403 X", NAMED("InvalidSignatureException"), ERR_DENIED, 2},
	    {"403 X", NAMED("RequestExpired"), ERR_DENIED, 1},
	    {"400 X", NAMED("QueueDoesNotExist"), ERR_NOQUEUE, 1},
	    {"400 X", NAMED("BatchRequestTooLong"), ERR_LIMIT, 1},
	    {"400 X", NAMED("UnsupportedOperation"), ERR_SERVICE, 1},
	    {"400 X", NAMED("OverLimit"), ERR_THROTTLED, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		const struct loopback_step step =
		    aid_answer(answers[i].status, "", answers[i].body);
		struct aid_sqs *a = aid_open(&step, 1);
		struct result r;

		assert_int_equal(send_three(a, AID_QUEUE, &r), answers[i].rc);
		assert_int_equal(r.requests, answers[i].requests);
		assert_null(strstr(r.err.text, "unknown"));
		aid_close(a);
	}
	assert_one(aid_answer("403 X", "", NAMED("AccessDenied")), ERR_DENIED,
	    2, "000", "allow sqs:SendMessage on");
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
	size_t unsure;

	(void)state;
	make_messages();
	message_set_claim(&messages[0], "v=1;time=1");
	assert_int_equal(sqs_send(a->sqs, AID_QUEUE, list, 1, &sent, &unsure,
			     aid_deadline(a), &a->err),
	    ERR_DENIED);
	assert_false(sent);
	assert_int_equal(loopback_requests(a->loopback), 1);
	assert_true(sqs_clock_behind(a->sqs) == 28108800000);
	aid_close(a);
}

/* The others of a batch are confirmed, refused, or in doubt. */
static void only_entries_that_were_throttled_are_sent_again(void **state)
{
	const struct loopback_step steps[] = {
	    aid_ok(ANSWER(SENT("0", MD5_A),
		FAILED("1", "RequestThrottled", "false") "," FAILED(
		    "2", "InternalError", "false"))),
	    aid_ok(ANSWER(SENT("1", MD5_B), ""))};
	struct aid_sqs *a = aid_open(steps, 2);
	struct json *request;
	struct result r;

	(void)state;
	assert_int_equal(send_three(a, AID_QUEUE, &r), 0);
	assert_int_equal(r.requests, 2);
	assert_true(r.sent[0] && r.sent[1] && !r.sent[2]);
	assert_non_null(strstr(r.err.text, "InternalError: why"));
	assert_non_null(strstr(r.err.text, "unknown for 1 of 3 messages"));
	assert_int_equal(a->sleeps, 1);
	assert_int_equal(a->sleep[0], 500);
	request = aid_request(a, 1);
	assert_int_equal(json_count(json_get(request, "Entries")), 1);
	assert_string_equal(
	    json_string(json_get(entry(request, 0), "MessageBody")), BODY_B);
	json_free(request);
	aid_close(a);
}

/* Entry 0 is confirmed; 1 and 2 fail with that code. */
static void assert_entries(const char *code, const char *sender, int requests,
    const char *word, size_t unknown)
{
	char body[512], count[64];
	struct loopback_step step;
	struct aid_sqs *a;
	struct result r;

	(void)snprintf(body, sizeof body,
	    ANSWER(SENT("0", MD5_A),
		FAILED("1", "%s", "%s") "," FAILED("2", "%s", "%s")),
	    code, sender, code, sender);
	(void)snprintf(
	    count, sizeof count, "unknown for %zu of 3 messages", unknown);
	step = aid_ok(body);
	a = aid_open(&step, 1);
	assert_int_equal(send_three(a, AID_QUEUE, &r), 0);
	if (r.requests != requests || !r.sent[0] || r.sent[1] || r.sent[2] ||
	    strstr(r.err.text, word) == NULL ||
	    (strstr(r.err.text, count) != NULL) != (unknown > 0) ||
	    (strstr(r.err.text, "unknown") != NULL) != (unknown > 0))
		fail_msg("%s: %d requests, %s", code, r.requests, r.err.text);
	aid_close(a);
}

static void an_entry_is_repeated_by_the_name_of_its_error_only(void **state)
{
	(void)state;
	assert_entries("InternalError", "false", 1, "InternalError: why", 2);
	assert_entries("ServiceUnavailable", "false", 1, "Unavailable", 2);
	assert_entries("SomethingNew", "false", 1, "SomethingNew", 2);
	assert_entries("RequestTimeout", "false", 1, "RequestTimeout", 2);
	assert_entries("", "false", 1, "SendMessageBatch: ", 2);
	assert_entries("ThrottlingException", "false", SQS_ATTEMPTS, "try", 0);
	assert_entries("KMS.ThrottlingException", "false", SQS_ATTEMPTS, "", 0);
	assert_entries("KmsThrottled", "false", SQS_ATTEMPTS, "", 0);
	assert_entries("AccessDenied", "false", 1, "allow sqs:SendMessage", 0);
	/* The sender's own fault is not cured by time. */
	assert_entries("InvalidMessageContents", "true", 1, "Contents: why", 0);
	assert_entries("SomethingNew", "true", 1, "SomethingNew: why", 0);
	assert_entries("InternalError", "true", 1, "InternalError: why", 0);
}

/* After 0.5, 1, 2, 4 ... s. */
static void at_boot_a_throttled_entry_is_tried_to_the_deadline(void **state)
{
	const struct loopback_step step = aid_ok(ANSWER(
	    SENT("0", MD5_A), FAILED("1", "Throttling", "false") "," FAILED(
				  "2", "Throttling", "false")));
	struct loopback *l = loopback_new(&step, 1);
	struct aid_sqs *a = aid_open_at(loopback_url(l), true);
	struct result r;

	(void)state;
	a->loopback = l;
	assert_int_equal(send_three(a, AID_QUEUE, &r), 0);
	assert_true(r.requests > SQS_ATTEMPTS);
	assert_true(r.sent[0] && !r.sent[1] && !r.sent[2]);
	assert_null(strstr(r.err.text, "unknown"));
	aid_close(a);
}

static void an_entry_that_is_mentioned_twice_is_in_doubt(void **state)
{
	static const char *const answers[] = {
	    ANSWER(SENT("0", MD5_A) "," SENT("1", MD5_B) "," SENT("2", MD5_C),
		FAILED("1", "RequestThrottled", "false")),
	    ANSWER(SENT("0", MD5_A) "," SENT("2", MD5_C),
		FAILED("1", "RequestThrottled", "false") "," FAILED(
		    "1", "InternalError", "false"))};

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++)
		assert_one(aid_ok(answers[i]), 0, 1, "101",
		    "unknown for 1 of 3 messages");
}

static void a_part_that_fails_for_good_is_told_as_not_sent(void **state)
{
	const struct loopback_step broken[] = {
	    aid_ok(ANSWER(
		SENT("0", MD5_A), FAILED("1", "Throttling", "false") "," FAILED(
				      "2", "Throttling", "false"))),
	    {.answer = NULL}};

	(void)state;
	/* The second call has no known outcome: no third. */
	assert_sends(broken, 2, 0, 2, "100", "unknown for 2 of 3 messages");
	assert_one(
	    aid_ok(ANSWER("", FAILED("0", "InternalError", "false") "," FAILED(
				  "1", "InternalError", "false") "," FAILED("2",
				  "InternalError", "false"))),
	    ERR_SERVICE, 1, "000", "unknown for 3 of 3 messages");
	/* The last refusal stands. */
	assert_one(
	    aid_ok(ANSWER("",
		FAILED("0", "Throttling", "false") "," FAILED("1", "Throttling",
		    "false") "," FAILED("2", "Throttling", "false"))),
	    ERR_THROTTLED, SQS_ATTEMPTS, "000", "Throttling: why");
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
	    cmocka_unit_test(a_send_with_too_large_an_answer_is_in_doubt),
	    cmocka_unit_test(a_send_without_an_answer_in_time_is_in_doubt),
	    cmocka_unit_test(a_send_that_never_began_is_repeated),
	    cmocka_unit_test(a_send_that_was_refused_for_now_is_repeated),
	    cmocka_unit_test(
		a_send_that_was_refused_for_good_is_known_as_not_sent),
	    cmocka_unit_test(a_send_with_a_bad_date_or_token_is_signed_anew),
	    cmocka_unit_test(dated_messages_are_not_signed_anew),
	    cmocka_unit_test(only_entries_that_were_throttled_are_sent_again),
	    cmocka_unit_test(
		an_entry_is_repeated_by_the_name_of_its_error_only),
	    cmocka_unit_test(
		at_boot_a_throttled_entry_is_tried_to_the_deadline),
	    cmocka_unit_test(an_entry_that_is_mentioned_twice_is_in_doubt),
	    cmocka_unit_test(a_part_that_fails_for_good_is_told_as_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

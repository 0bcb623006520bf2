/* SPDX-License-Identifier: Apache-2.0 */
/* One call: how it is signed and sent, tried again and explained. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aid/sqs.h"
#include "aid/virtual.h"
#include "sqs/client.h"
#include "sqs/messages.h"
#include "sqs/queue.h"

#define DEPTH                                                                  \
	"{\"Attributes\":{\"ApproximateNumberOfMessages\":\"12\","             \
	"\"ApproximateNumberOfMessagesNotVisible\":\"3\","                     \
	"\"ApproximateNumberOfMessagesDelayed\":\"7\"}}"
#define THROTTLED "{\"__type\":\"com.amazonaws.sqs#RequestThrottled\"}"
#define EXPIRED                                                                \
	"{\"__type\":\"com.amazon.coral.service#ExpiredTokenException\","      \
	"\"message\":\"The security token included in the request is "         \
	"expired\"}"
#define SKEWED                                                                 \
	"{\"__type\":\"com.amazon.coral.service#InvalidSignatureException\","  \
	"\"message\":\"Signature expired: 20260101T000000Z is now earlier "    \
	"than 20261122T074500Z\"}"
/* 325 days and 8 hours after AID_WALL */
#define TRUE_DATE "Date: Sun, 22 Nov 2026 08:00:00 GMT\r\n"

/* libcurl's look-ups come here: no name is found, and nobody is asked. */
int getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	(void)node;
	(void)service;
	(void)hints;
	(void)res;
	return EAI_AGAIN;
}

static int depth(struct aid_sqs *a, struct sqs_depth *d)
{
	memset(&a->err, 0, sizeof a->err);
	return sqs_queue_depth(a->sqs, AID_QUEUE, d, aid_deadline(a), &a->err);
}

/* One step that repeats: the call ends with rc after so many requests and
 * says all of the words. */
static void assert_ends(struct loopback_step step, int rc, int requests,
    const char *word, const char *another)
{
	struct aid_sqs *a = aid_open(&step, 1);
	struct sqs_depth d = {-1, -1, -1};
	int got = depth(a, &d);

	if (got != rc || a->err.code != rc ||
	    loopback_requests(a->loopback) != requests ||
	    strstr(a->err.text, word) == NULL ||
	    strstr(a->err.text, another) == NULL)
		fail_msg("%d after %d: %s", got, loopback_requests(a->loopback),
		    a->err.text);
	assert_int_equal(d.visible, -1);
	aid_close(a);
}

static void a_call_is_a_signed_post_of_json(void **state)
{
	const struct loopback_step step = aid_ok(DEPTH);
	struct aid_sqs *a = aid_open(&step, 1);
	const struct json *names;
	struct json *request;
	struct sqs_depth d;
	char text[1024];

	(void)state;
	assert_int_equal(depth(a, &d), 0);
	assert_int_equal(a->err.code, 0);
	assert_int_equal(d.visible, 12);
	assert_int_equal(d.in_flight, 3);
	assert_int_equal(d.delayed, 7);
	assert_memory_equal(
	    loopback_request(a->loopback, 0), "POST / HTTP/1.1\r\n", 17);
	aid_header(a, 0, "Content-Type", text, sizeof text);
	assert_string_equal(text, "application/x-amz-json-1.0");
	aid_header(a, 0, "X-Amz-Target", text, sizeof text);
	assert_string_equal(text, "AmazonSQS.GetQueueAttributes");
	aid_header(a, 0, "x-amzn-query-mode", text, sizeof text);
	assert_string_equal(text, "true");
	aid_header(a, 0, "X-Amz-Date", text, sizeof text);
	assert_string_equal(text, "20260101T000000Z");
	aid_header(a, 0, "X-Amz-Security-Token", text, sizeof text);
	assert_string_equal(text, "token/+=");
	aid_header(a, 0, "Host", text, sizeof text);
	assert_string_equal(text, strstr(loopback_url(a->loopback), "//") + 2);
	aid_header(a, 0, "Authorization", text, sizeof text);
	assert_non_null(strstr(text, "AWS4-HMAC-SHA256 Credential=AKIDTEST1/"
				     "20260101/eu-west-1/sqs/aws4_request"));
	assert_non_null(strstr(text, "content-type;host;x-amz-date;"
				     "x-amz-security-token;x-amz-target;"
				     "x-amzn-query-mode,"));
	request = aid_request(a, 0);
	assert_string_equal(
	    json_string(json_get(request, "QueueUrl")), AID_QUEUE);
	names = json_get(request, "AttributeNames");
	assert_int_equal(json_count(names), 3);
	json_free(request);
	aid_close(a);
}

static void the_url_of_a_queue_is_asked_for_by_its_name(void **state)
{
	const struct loopback_step step =
	    aid_ok("{\"QueueUrl\":\"" AID_QUEUE "\"}");
	struct aid_sqs *a = aid_open(&step, 1);
	char url[LIMIT_URL], text[64];
	struct json *request;

	(void)state;
	assert_int_equal(
	    sqs_queue_url(a->sqs, "entropy", url, aid_deadline(a), &a->err), 0);
	assert_string_equal(url, AID_QUEUE);
	aid_header(a, 0, "X-Amz-Target", text, sizeof text);
	assert_string_equal(text, "AmazonSQS.GetQueueUrl");
	request = aid_request(a, 0);
	assert_string_equal(
	    json_string(json_get(request, "QueueName")), "entropy");
	json_free(request);
	aid_close(a);
}

static void a_malformed_queue_url_is_refused(void **state)
{
	struct loopback_step steps[6];
	char url[LIMIT_URL] = "kept", body[LIMIT_URL + 64];
	struct aid_sqs *a;

	(void)state;
	(void)snprintf(body, sizeof body, "{\"QueueUrl\":\"https://h/%0*d\"}",
	    LIMIT_URL, 0);
	steps[0] = aid_ok("{}");
	steps[1] = aid_ok("{\"QueueUrl\":7}");
	steps[2] = aid_ok("{\"QueueUrl\":\"\"}");
	steps[3] = aid_ok("{\"QueueUrl\":\"file:///etc/passwd\"}");
	steps[4] = aid_ok("{\"QueueUrl\":\"https://h/1/q\\r\\nX: y\"}");
	steps[5] = aid_ok(body);
	a = aid_open(steps, 6);
	for (int i = 0; i < 6; i++)
		assert_int_equal(sqs_queue_url(a->sqs, "entropy", url,
				     aid_deadline(a), &a->err),
		    ERR_FORMAT);
	assert_string_equal(url, "kept");
	assert_int_equal(loopback_requests(a->loopback), 6);
	aid_close(a);
}

static void a_malformed_depth_is_refused(void **state)
{
	static const char *const bodies[] = {"", "{}", "{\"Attributes\":{}}",
	    "{\"Attributes\":null}",
	    "{\"Attributes\":{\"ApproximateNumberOfMessages\":\"1\"}}",
	    "{\"Attributes\":{\"ApproximateNumberOfMessages\":\"-1\"}}",
	    ("{\"Attributes\":{\"ApproximateNumberOfMessages\":-1,"
	     "\"ApproximateNumberOfMessagesNotVisible\":0}}"),
	    ("{\"Attributes\":{\"ApproximateNumberOfMessages\":1,"
	     "\"ApproximateNumberOfMessagesNotVisible\":0,"
	     "\"ApproximateNumberOfMessagesDelayed\":-1}}"),
	    "{\"Attributes\":[]}"};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
		assert_ends(aid_ok(bodies[i]), ERR_FORMAT, 1,
		    "GetQueueAttributes", "is the endpoint one of SQS?");
}

static void an_answer_that_is_not_json_is_refused(void **state)
{
	static const char *const bodies[] = {" ", "<html>log in</html>", "[]",
	    "null", "\"x\"", "{\"a\":1", "{}{}", "{\"a\":1,\"a\":1}"};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
		assert_ends(aid_ok(bodies[i]), ERR_FORMAT, 1,
		    "GetQueueAttributes", "proxy or a login page");
}

static void an_error_says_what_to_do_about_it(void **state)
{
	(void)state;
	assert_ends(aid_answer("400 Bad Request",
			"x-amzn-query-error: AWS.SimpleQueueService."
			"NonExistentQueue;Sender\r\n",
			"{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}"),
	    ERR_NOQUEUE, 1, AID_QUEUE, "region eu-west-1");
	assert_ends(aid_answer("403 Forbidden", "",
			"{\"__type\":\"com.amazon.coral.service#"
			"AccessDeniedException\",\"Message\":\"User: arn:x\"}"),
	    ERR_DENIED, 2, "User: arn:x", "allow sqs:GetQueueAttributes");
	assert_ends(aid_answer("403 Forbidden", "",
			"{\"__type\":\"com.amazon.coral.service#"
			"UnrecognizedClientException\"}"),
	    ERR_DENIED, 2, "HTTP 403 UnrecognizedClientException",
	    "check the access key (test)");
	assert_ends(aid_answer("403 Forbidden", "",
			"{\"__type\":\"InvalidSignatureException\"}"),
	    ERR_DENIED, 2, "InvalidSignature", "check the secret key (test)");
	assert_ends(aid_answer("413 Too Large", "", ""), ERR_LIMIT, 1,
	    "HTTP 413; is the endpoint one of SQS?", "");
	assert_ends(
	    aid_answer("403 Forbidden", "", "{\"__type\":\"OverLimit\"}"),
	    ERR_THROTTLED, 1, "OverLimit", "in flight");
	assert_ends(aid_answer("302 Found", "Location: http://x/\r\n", ""),
	    ERR_SERVICE, 1, "HTTP 302", "");
	assert_ends(aid_answer("418 Teapot", "", "short\r\nand stout"),
	    ERR_SERVICE, 1, "HTTP 418: short and stout", "");
}

static void a_call_that_may_succeed_later_is_tried_again(void **state)
{
	static const char *const statuses[] = {
	    "500 X", "502 X", "503 X", "504 X", "429 X"};

	(void)state;
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
		assert_ends(aid_answer(statuses[i], "", ""),
		    i == 4 ? ERR_THROTTLED : ERR_SERVICE, SQS_ATTEMPTS, "HTTP ",
		    "");
	assert_ends(aid_answer("400 X", "", THROTTLED), ERR_THROTTLED,
	    SQS_ATTEMPTS, "RequestThrottled", "try later");
	/* Reading may be done twice. */
	assert_ends((struct loopback_step){.answer = NULL}, ERR_NET,
	    SQS_ATTEMPTS, "GetQueueAttributes", "");
}

#define ASKS(ms) "x-amz-retry-after: " ms "\r\n"

/* Two answers that are asked again, what chance says, and the two pauses. */
static const struct {
	const char *status[2], *headers[2], *body[2];
	double chance;
	int64_t pauses[2];
} pauses[] = {
    /* Up to 50 ms, doubled by each attempt. */
    {{"503 X", "500 X"}, {"", ""}, {"", ""}, 0.99, {49, 99}},
    {{"502 X", "504 X"}, {"", ""}, {"", ""}, 0.0, {0, 0}},
    {{"408 X", "400 X"}, {"", ""}, {"", "{\"__type\":\"RequestTimeout\"}"}, 0.5,
	{25, 50}},
    /* Up to 1 s when throttled, by name or by status. */
    {{"400 X", "429 X"}, {"", ""}, {THROTTLED, ""}, 0.999, {999, 1998}},
    {{"503 X", "403 X"}, {"", ""}, {"", THROTTLED}, 0.5, {25, 1000}},
    {{"503 X", "503 X"}, {"", ""}, {"{\"__type\":\"SlowDown\"}", ""}, 0.5,
	{500, 50}},
    /* As long as is asked for, but neither shorter nor 5 s longer. */
    {{"503 X", "503 X"}, {ASKS("700"), ""}, {"", ""}, 0.5, {700, 50}},
    {{"503 X", "503 X"}, {ASKS("9"), ASKS("5051")}, {"", ""}, 0.5, {25, 5050}},
    {{"400 X", "503 X"}, {ASKS("900000000000"), ASKS("0")}, {THROTTLED, ""},
	0.5, {5500, 50}},
    {{"503 X", "503 X"}, {ASKS("soon"), ASKS("-9")}, {"", ""}, 0.5, {25, 50}},
    {{"503 X", "503 X"}, {ASKS("9.5"), ASKS("")}, {"", ""}, 0.5, {25, 50}},
};

static void a_call_pauses_as_the_sdks_do_before_each_attempt(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
		struct loopback_step steps[3] = {{.answer = NULL}};
		struct aid_sqs *a;
		struct sqs_depth d;

		for (int k = 0; k < 2; k++)
			steps[k] = aid_answer(pauses[i].status[k],
			    pauses[i].headers[k], pauses[i].body[k]);
		steps[2] = aid_ok(DEPTH);
		a = aid_open(steps, 3);
		a->chance = pauses[i].chance;
		assert_int_equal(depth(a, &d), 0);
		assert_int_equal(a->sleeps, 2);
		for (int k = 0; k < 2; k++)
			assert_int_equal(a->sleep[k], pauses[i].pauses[k]);
		aid_close(a);
	}
}

/* A sleep that would pass the deadline is not begun. */
static void a_pause_that_would_pass_the_deadline_is_not_begun(void **state)
{
	static const char *const headers[] = {"", ASKS("900")};
	struct sqs_depth d;

	(void)state;
	for (int k = 0; k < 2; k++) {
		const struct loopback_step step =
		    aid_answer(k == 0 ? "429 Many" : "503 Unavailable",
			headers[k], "busy");
		struct aid_sqs *a = aid_open(&step, 1);

		a->chance = 0.9;
		assert_int_equal(sqs_queue_depth(a->sqs, AID_QUEUE, &d,
				     clock_mono(&a->clock) + 800, &a->err),
		    k == 0 ? ERR_THROTTLED : ERR_SERVICE);
		assert_int_equal(loopback_requests(a->loopback), 1);
		assert_int_equal(a->sleeps, 0);
		assert_non_null(strstr(a->err.text, "busy"));
		aid_close(a);
	}
}

static void a_silent_service_is_given_up_at_the_deadline(void **state)
{
	const struct loopback_step step = {.answer = "x", .delay_ms = 90000};
	struct aid_sqs *a = aid_open(&step, 1);
	struct sqs_depth d;
	int64_t begun;

	(void)state;
	virtual_begin(a->loopback, 1);
	begun = clock_mono(&a->clock);
	assert_int_equal(
	    sqs_queue_depth(a->sqs, AID_QUEUE, &d, begun + 300, &a->err),
	    ERR_TIMEOUT);
	assert_int_equal(clock_mono(&a->clock) - begun, 300);
	virtual_end();
	assert_int_equal(loopback_requests(a->loopback), 1);
	aid_close(a);
}

static void a_cancel_ends_a_pause(void **state)
{
	const struct loopback_step step = aid_answer("503 X", "", "");
	struct aid_sqs *a = aid_open(&step, 1);
	struct sqs_depth d;

	(void)state;
	a->sleep_rc = ERR_CANCELED;
	assert_int_equal(depth(a, &d), ERR_CANCELED);
	assert_int_equal(a->err.code, ERR_CANCELED);
	assert_int_equal(loopback_requests(a->loopback), 1);
	aid_close(a);
}

static void the_clock_is_corrected_once_for_all_calls(void **state)
{
	const struct loopback_step steps[] = {
	    aid_answer("403 Forbidden", TRUE_DATE, SKEWED), aid_ok(DEPTH)};
	struct aid_sqs *a = aid_open(steps, 2);
	struct sqs_depth d;
	char date[32];

	(void)state;
	assert_int_equal(depth(a, &d), 0);
	assert_int_equal(depth(a, &d), 0);
	assert_int_equal(loopback_requests(a->loopback), 3);
	assert_int_equal(a->sleeps, 0);
	aid_header(a, 0, "X-Amz-Date", date, sizeof date);
	assert_string_equal(date, "20260101T000000Z");
	for (int k = 1; k < 3; k++) {
		aid_header(a, k, "X-Amz-Date", date, sizeof date);
		assert_string_equal(date, "20261122T080000Z");
	}
	aid_close(a);
}

static void a_date_that_does_not_help_corrects_no_clock(void **state)
{
	(void)state;
	/* Twice: the service's Date itself is wrong. */
	assert_ends(aid_answer("403 Forbidden", TRUE_DATE, SKEWED), ERR_DENIED,
	    2, "Signature expired", "set this machine's clock");
	/* No Date, or none that helps. */
	assert_ends(aid_answer("403 Forbidden", "", SKEWED), ERR_DENIED, 1,
	    "Signature expired", "clock");
	assert_ends(aid_answer("403 Forbidden", "Date: yesterday\r\n", SKEWED),
	    ERR_DENIED, 1, "Signature expired", "clock");
	assert_ends(aid_answer("403 Forbidden",
			"Date: Thu, 01 Jan 2026 00:05:00 GMT\r\n", SKEWED),
	    ERR_DENIED, 1, "Signature expired", "clock");
}

static void a_clock_that_is_ahead_is_corrected_too(void **state)
{
	const struct loopback_step steps[] = {
	    aid_answer("400 X", "Date: Wed, 31 Dec 2025 23:54:59 GMT\r\n",
		"{\"__type\":\"RequestTimeTooSkewed\"}"),
	    aid_ok(DEPTH)};
	struct aid_sqs *a = aid_open(steps, 2);
	struct sqs_depth d;
	char date[32];

	(void)state;
	assert_int_equal(depth(a, &d), 0);
	aid_header(a, 1, "X-Amz-Date", date, sizeof date);
	assert_string_equal(date, "20251231T235459Z");
	aid_close(a);
}

static void expired_credentials_are_renewed_once(void **state)
{
	const struct loopback_step steps[] = {
	    aid_answer("403 Forbidden", "", EXPIRED), aid_ok(DEPTH)};
	struct aid_sqs *a = aid_open(steps, 2);
	struct sqs_depth d;
	char text[512];

	(void)state;
	assert_int_equal(depth(a, &d), 0);
	assert_int_equal(a->loads, 2);
	assert_int_equal(a->sleeps, 0);
	aid_header(a, 1, "Authorization", text, sizeof text);
	assert_non_null(strstr(text, "AKIDTEST2/"));
	aid_close(a);
	assert_ends(aid_answer("403 Forbidden", "", EXPIRED), ERR_DENIED, 2,
	    "ExpiredTokenException", "renew the credentials (test)");
}

/* Keys that were taken away are refused by many names, and by none. */
static void whatever_refuses_the_keys_has_them_renewed(void **state)
{
	static const char *const names[] = {"AccessDenied",
	    "AccessDeniedException", "InvalidAccessKeyId",
	    "InvalidClientTokenId", "InvalidSecurity",
	    "InvalidSignatureException", "MissingAuthenticationToken",
	    "NotAuthorized", "OptInRequired", "SignatureDoesNotMatch",
	    "UnrecognizedClientException", "OfAnotherYear"};
	struct sqs_depth d;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char body[64];
		struct loopback_step steps[3];
		struct aid_sqs *a;

		(void)snprintf(
		    body, sizeof body, "{\"__type\":\"%s\"}", names[i]);
		steps[0] = steps[1] = aid_answer("403 X", "", body);
		steps[2] = aid_ok(DEPTH);
		/* The source still has the old ones: asked again, and no
		 * second request. */
		a = aid_open(steps, 3);
		a->same = true;
		assert_int_equal(depth(a, &d), ERR_DENIED);
		assert_int_equal(a->loads, 2);
		assert_int_equal(loopback_requests(a->loopback), 1);
		/* New ones are taken in the next call. */
		a->same = false;
		assert_int_equal(depth(a, &d), 0);
		assert_int_equal(a->loads, 3);
		assert_int_equal(loopback_requests(a->loopback), 3);
		assert_int_equal(a->sleeps, 0);
		aid_close(a);
	}
}

static void without_credentials_nothing_is_sent(void **state)
{
	const struct loopback_step step = aid_ok(DEPTH);
	struct aid_sqs *a = aid_open(&step, 1);
	struct sqs_depth d;

	(void)state;
	a->load_rc = ERR_ABSENT;
	assert_int_equal(depth(a, &d), ERR_NOCRED);
	a->load_rc = ERR_CONFIG;
	assert_int_equal(depth(a, &d), ERR_CONFIG);
	assert_non_null(strstr(a->err.text, "the test says so"));
	/* The transport's codes do not become retries either. */
	a->load_rc = ERR_CONNECT;
	assert_int_equal(depth(a, &d), ERR_CONNECT);
	assert_int_equal(a->loads, 3);
	assert_int_equal(a->sleeps, 0);
	assert_int_equal(loopback_requests(a->loopback), 0);
	aid_close(a);
}

static void a_refused_connection_is_tried_again(void **state)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof sin;
	struct sqs_depth d;
	struct aid_sqs *a;
	char url[64];

	(void)state;
	/* Bound, so that nobody else can listen there meanwhile. */
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	(void)snprintf(
	    url, sizeof url, "http://127.0.0.1:%d", ntohs(sin.sin_port));
	a = aid_open_at(url, true);
	assert_int_equal(depth(a, &d), ERR_CONNECT);
	assert_int_equal(a->sleeps, SQS_ATTEMPTS - 1);
	assert_non_null(strstr(a->err.text, "GetQueueAttributes: "));
	aid_close(a);
	(void)close(fd);
}

static int64_t fail_briefly(struct aid_sqs *a, const char *endpoint, int rc)
{
	const struct sqs_config cfg = {
	    .endpoint = endpoint, .region = "eu-west-1", .brief = true};
	const int64_t begun = clock_mono(&a->clock);
	struct sqs_depth d;

	sqs_free(a->sqs);
	assert_int_equal(
	    sqs_new(a->http, a->chain, &a->clock, &cfg, &a->sqs, &a->err), 0);
	assert_int_equal(
	    sqs_queue_depth(a->sqs, AID_QUEUE, &d, begun + 30000, &a->err), rc);
	assert_int_equal(a->sleeps, 0);
	return clock_mono(&a->clock) - begun;
}

/* One that cannot be connected to costs the others 2 s, a silent one 5 s. */
static void a_brief_client_does_not_keep_others_waiting(void **state)
{
	const struct loopback_step silent = {.answer = "x", .delay_ms = 90000};
	struct aid_sqs *a = aid_open(&silent, 1);
	struct loopback_step busy;
	char url[64];

	(void)state;
	virtual_begin(a->loopback, 1);
	assert_int_equal(
	    fail_briefly(a, loopback_url(a->loopback), ERR_TIMEOUT),
	    SQS_BRIEF_SILENCE_MS);
	virtual_end();
	/* No TLS handshake comes of it. */
	(void)snprintf(
	    url, sizeof url, "https%s", loopback_url(a->loopback) + 4);
	virtual_begin(NULL, 0);
	assert_int_equal(
	    fail_briefly(a, url, ERR_TIMEOUT), SQS_BRIEF_CONNECT_MS);
	virtual_end();
	aid_close(a);
	busy = aid_answer("503 X", "", "");
	a = aid_open(&busy, 1);
	(void)fail_briefly(a, loopback_url(a->loopback), ERR_SERVICE);
	assert_int_equal(loopback_requests(a->loopback), 1);
	aid_close(a);
}

/* At boot there is no route and no name: it goes on until the deadline. */
static void an_unreachable_service_is_tried_to_the_deadline(void **state)
{
	struct aid_sqs *a = aid_open_at("https://nowhere.invalid", true);
	struct sqs_depth d;
	int rc;

	(void)state;
	virtual_begin(NULL, VIRTUAL_STILL);
	rc = sqs_queue_depth(
	    a->sqs, AID_QUEUE, &d, clock_mono(&a->clock) + 1900, &a->err);
	virtual_end();
	assert_int_equal(rc, ERR_UNREACHABLE);
	assert_int_equal(a->sleeps, 9);
	assert_int_equal(a->slept, 1800);
	aid_close(a);
}

/* The pauses double: 0.5, 1, 2 and 4 s; the next one, 8 s, is too long. */
static void at_boot_a_throttled_service_is_tried_to_the_deadline(void **state)
{
	const struct loopback_step step =
	    aid_answer("400 X", "", "{\"__type\":\"ThrottlingException\"}");
	struct loopback *l = loopback_new(&step, 1);
	struct aid_sqs *a = aid_open_at(loopback_url(l), true);
	struct sqs_depth d;
	int rc;

	(void)state;
	a->loopback = l;
	rc = sqs_queue_depth(
	    a->sqs, AID_QUEUE, &d, clock_mono(&a->clock) + 15000, &a->err);
	assert_int_equal(rc, ERR_THROTTLED);
	assert_int_equal(loopback_requests(l), 5);
	assert_int_equal(a->slept, 7500);
	aid_close(a);
}

static int oversleep(void *ctx, int64_t ms)
{
	return virtual_sleep(ctx, ms + 130);
}

/* An attempt that the deadline cuts off says less than the one before. */
static void the_end_of_time_hides_no_missing_route(void **state)
{
	struct aid_sqs *a = aid_open_at("https://nowhere.invalid", true);

	(void)state;
	a->clock.sleep = oversleep;
	virtual_begin(NULL, VIRTUAL_STILL);
	for (int64_t ms = 1000; ms < 1400; ms += 20) {
		const int64_t deadline = clock_mono(&a->clock) + ms;
		struct sqs_depth d;
		int rc =
		    sqs_queue_depth(a->sqs, AID_QUEUE, &d, deadline, &a->err);

		assert_int_equal(rc, ERR_UNREACHABLE);
		assert_non_null(strstr(a->err.text, "no address"));
	}
	virtual_end();
	aid_close(a);
}

static void an_answer_that_is_too_large_is_refused(void **state)
{
	char *body = malloc(SQS_ANSWER_MAX + 64);

	(void)state;
	assert_non_null(body);
	memset(body, ' ', SQS_ANSWER_MAX + 1);
	strcpy(body + SQS_ANSWER_MAX + 1, "{}");
	assert_ends(aid_ok(body), ERR_LIMIT, 1, "GetQueueAttributes", "");
	free(body);
}

static void calls_share_one_connection(void **state)
{
	const struct loopback_step step = aid_ok(DEPTH);
	struct aid_sqs *a = aid_open(&step, 1);
	struct sqs_depth d;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(depth(a, &d), 0);
	assert_int_equal(loopback_connections(a->loopback), 1);
	assert_int_equal(a->loads, 1);
	aid_close(a);
}

static void an_endpoint_or_region_that_cannot_be_is_refused(void **state)
{
	static const char *const bad[] = {"", "sqs.eu-west-1.amazonaws.com",
	    "https://h/path", "https://h//", "ftp://h", "https://u@h"};
	struct sqs_config cfg = {.region = "eu-west-1"};
	char region[LIMIT_REGION + 1];
	struct err err = {0};
	struct sqs *s;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cfg.endpoint = bad[i];
		assert_int_equal(
		    sqs_new(NULL, NULL, NULL, &cfg, &s, &err), ERR_CONFIG);
		assert_null(s);
		assert_non_null(strstr(err.text, "endpoint"));
	}
	memset(region, 'r', sizeof region);
	region[LIMIT_REGION] = '\0';
	cfg = (struct sqs_config){.endpoint = "https://h", .region = region};
	assert_int_equal(sqs_new(NULL, NULL, NULL, &cfg, &s, &err), ERR_CONFIG);
	region[LIMIT_REGION - 1] = '\0';
	assert_int_equal(sqs_new(NULL, NULL, NULL, &cfg, &s, &err), 0);
	sqs_free(s);
	sqs_free(NULL);
}

/* By every answer, not only by one that refuses. */
static void every_answer_tells_how_far_the_clock_is_off(void **state)
{
	const struct loopback_step steps[] = {
	    aid_answer("200 OK", TRUE_DATE, DEPTH),
	    aid_answer(
		"200 OK", "Date: Wed, 31 Dec 2025 23:54:59 GMT\r\n", DEPTH),
	    aid_answer(
		"200 OK", "Date: Thu, 01 Jan 2026 00:00:01 GMT\r\n", DEPTH),
	    aid_answer("403 Forbidden", TRUE_DATE, SKEWED), aid_ok(DEPTH),
	    aid_answer("503 X", "Date: yesterday\r\n", "")};
	static const int64_t behind[] = {
	    28108800000, -301000, 1000, 28108800000, 28108800000};
	struct aid_sqs *a = aid_open(steps, 6);
	struct sqs_depth d;

	(void)state;
	assert_int_equal(sqs_clock_behind(a->sqs), 0);
	for (int k = 0; k < 5; k++) {
		assert_int_equal(depth(a, &d), k < 4 ? 0 : ERR_SERVICE);
		assert_true(sqs_clock_behind(a->sqs) == behind[k]);
	}
	aid_close(a);
}

/* The correction does not outlive what it corrects. */
static void a_correction_ends_when_the_clock_is_set(void **state)
{
	const struct loopback_step steps[] = {
	    aid_answer("403 Forbidden", TRUE_DATE, SKEWED),
	    aid_answer("200 OK", TRUE_DATE, DEPTH),
	    aid_answer("403 Forbidden", TRUE_DATE, SKEWED),
	    aid_answer("200 OK", TRUE_DATE, DEPTH)};
	struct aid_sqs *a = aid_open(steps, 4);
	struct sqs_depth d;
	char date[32];

	(void)state;
	assert_int_equal(depth(a, &d), 0);
	a->wall += sqs_clock_behind(a->sqs);
	assert_int_equal(depth(a, &d), 0);
	assert_int_equal(loopback_requests(a->loopback), 4);
	aid_header(a, 3, "X-Amz-Date", date, sizeof date);
	assert_string_equal(date, "20261122T080000Z");
	assert_int_equal(sqs_clock_behind(a->sqs), 0);
	aid_close(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_call_is_a_signed_post_of_json),
	    cmocka_unit_test(the_url_of_a_queue_is_asked_for_by_its_name),
	    cmocka_unit_test(a_malformed_queue_url_is_refused),
	    cmocka_unit_test(a_malformed_depth_is_refused),
	    cmocka_unit_test(an_answer_that_is_not_json_is_refused),
	    cmocka_unit_test(an_error_says_what_to_do_about_it),
	    cmocka_unit_test(a_call_that_may_succeed_later_is_tried_again),
	    cmocka_unit_test(a_call_pauses_as_the_sdks_do_before_each_attempt),
	    cmocka_unit_test(a_pause_that_would_pass_the_deadline_is_not_begun),
	    cmocka_unit_test(a_silent_service_is_given_up_at_the_deadline),
	    cmocka_unit_test(a_cancel_ends_a_pause),
	    cmocka_unit_test(the_clock_is_corrected_once_for_all_calls),
	    cmocka_unit_test(a_date_that_does_not_help_corrects_no_clock),
	    cmocka_unit_test(a_clock_that_is_ahead_is_corrected_too),
	    cmocka_unit_test(every_answer_tells_how_far_the_clock_is_off),
	    cmocka_unit_test(a_correction_ends_when_the_clock_is_set),
	    cmocka_unit_test(expired_credentials_are_renewed_once),
	    cmocka_unit_test(whatever_refuses_the_keys_has_them_renewed),
	    cmocka_unit_test(without_credentials_nothing_is_sent),
	    cmocka_unit_test(a_refused_connection_is_tried_again),
	    cmocka_unit_test(a_brief_client_does_not_keep_others_waiting),
	    cmocka_unit_test(an_unreachable_service_is_tried_to_the_deadline),
	    cmocka_unit_test(
		at_boot_a_throttled_service_is_tried_to_the_deadline),
	    cmocka_unit_test(the_end_of_time_hides_no_missing_route),
	    cmocka_unit_test(an_answer_that_is_too_large_is_refused),
	    cmocka_unit_test(calls_share_one_connection),
	    cmocka_unit_test(an_endpoint_or_region_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

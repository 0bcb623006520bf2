/* SPDX-License-Identifier: Apache-2.0 */
/* What answers may be, and when they must have come. */
#include "aid/http.h"
#include "aid/loopback.h"
#include "aid/virtual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void the_final_answer_counts_and_is_not_followed(void **state)
{
	const struct loopback_step steps[] = {
	    {.answer = "HTTP/1.1 100 Continue\r\nX-A: early\r\n\r\n"
		       "HTTP/1.1 103 Early Hints\r\nX-B: early\r\n\r\n"
		       "HTTP/1.1 403 Forbidden\r\nX-A: 1\r\nx-c:\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n"
		       "3\r\nabc\r\n0\r\nX-T: trailer\r\n\r\n",
		.close = 1},
	    {.answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/"
		       "\r\nContent-Length: 0\r\n\r\n"}};
	struct loopback *l = loopback_new(steps, 2);
	struct http_request req = http_aid_get(loopback_url(l));
	struct http *h = http_aid_client(-1);
	struct http_transfer *t;
	struct err err;

	(void)state;
	assert_int_equal(http_do(h, &req, &t, &err), 0);
	assert_int_equal(http_status(t), 403);
	assert_string_equal(buf_str(http_body(t)), "abc");
	assert_string_equal(http_header(t, "X-a"), "1");
	assert_string_equal(http_header(t, "X-C"), "");
	assert_null(http_header(t, "X-B"));
	assert_null(http_header(t, "X-T"));
	http_transfer_free(t);
	assert_int_equal(http_do(h, &req, &t, &err), 0);
	assert_int_equal(http_status(t), 302); /* and not followed */
	http_transfer_free(t);
	http_free(h);
	loopback_free(l);
}

static void expect_answer(const char *answer, int rc, const char *text)
{
	const struct loopback_step steps[] = {{.answer = answer, .close = 1}};
	struct loopback *l = loopback_new(steps, 1);
	struct http_request req = http_aid_get(loopback_url(l));
	struct http *h = http_aid_client(-1);

	req.answer_max = 4;
	http_aid_expect(h, &req, rc, true, text);
	http_free(h);
	loopback_free(l);
}

/* What take() got, and what it is to say after how many bytes. */
struct taker {
	char text[64];
	size_t len, most;
	int rc;
};

static int take(void *ctx, const void *data, size_t len)
{
	struct taker *k = ctx;

	assert_true(len <= sizeof k->text - k->len);
	memcpy(k->text + k->len, data, len);
	k->len += len;
	return k->len > k->most ? k->rc : 0;
}

/* Ask with a taker: the end is rc and text, and got what it took; of an answer
 * that is too large it is the most. */
static void expect_taken(struct taker k, size_t answer_max, const char *answer,
    int rc, const char *text, const char *got)
{
	const struct loopback_step steps[] = {{.answer = answer, .close = 1}};
	struct loopback *l = loopback_new(steps, 1);
	struct http_request req = http_aid_get(loopback_url(l));
	struct http *h = http_aid_client(-1);

	req.take = take;
	req.take_ctx = &k;
	req.answer_max = answer_max;
	http_aid_expect(h, &req, rc, true, text);
	if (rc != ERR_LIMIT || k.rc == ERR_LIMIT)
		assert_int_equal(k.len, strlen(got));
	assert_true(k.len <= strlen(got));
	assert_memory_equal(k.text, got, k.len);
	http_free(h);
	loopback_free(l);
}

static void the_body_of_a_200_is_taken_as_it_comes(void **state)
{
	static const char chunked[] =
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
	static const char error[] =
	    "HTTP/1.1 500 X\r\nContent-Length: 3\r\n\r\nabc";
	const struct taker all = {.most = 64};

	(void)state;
	expect_taken(all, 5, chunked, 0, "", "abcde");
	expect_taken(all, 5, error, 0, "", "");
	expect_taken((struct taker){.rc = ERR_FORMAT}, 5, chunked, ERR_FORMAT,
	    "not what was asked for", "abc");
	expect_taken((struct taker){.rc = ERR_LIMIT}, 5, chunked, ERR_LIMIT,
	    "not what was asked for", "abc");
	/* The ceiling counts what was taken, too. */
	expect_taken(all, 4, "HTTP/1.1 200 OK\r\n\r\nabcde", ERR_LIMIT,
	    "too large", "abcd");
}

static void the_body_of_an_error_has_a_ceiling_of_its_own(void **state)
{
	const size_t len = HTTP_KEPT_MAX + 1;
	char *answer = malloc(len + 64);
	int head;

	(void)state;
	assert_non_null(answer);
	head = sprintf(answer, "HTTP/1.1 500 X\r\n\r\n");
	memset(answer + head, 'a', len);
	answer[(size_t)head + len] = '\0';
	expect_taken((struct taker){.most = 64}, 2 * len, answer, ERR_LIMIT,
	    "too large", "");
	answer[(size_t)head + len - 1] = '\0';
	expect_taken((struct taker){.most = 64}, 2 * len, answer, 0, "", "");
	free(answer);
}

static void an_answer_beyond_its_ceiling_is_refused(void **state)
{
	static char big[300000];

	(void)state;
	expect_answer(
	    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", 0, "");
	expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
	    ERR_LIMIT, "too large");
	expect_answer("HTTP/1.1 200 OK\r\n\r\nabcde", ERR_LIMIT, "too large");
	expect_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
	    ERR_LIMIT, "too large");
	expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n"
		      "\r\nx",
	    ERR_LIMIT, "too large");
	memset(big, 'a', 20000);
	memcpy(big, "HTTP/1.1 200 OK\r\nX:", 19);
	memcpy(big + 20000, "\r\n\r\n", 5);
	expect_answer(big, ERR_LIMIT, "too large");
	memset(big, 0, sizeof big);
	(void)strcpy(big, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 2000; i++)
		(void)strcpy(big + 17 + i * 16, "X-Header: 45678\n");
	(void)strcpy(big + 17 + 2000 * 16, "\r\n");
	expect_answer(big, ERR_LIMIT, "too large");
}

/* One header line beyond what libcurl itself gathers. */
static void a_header_that_does_not_end_is_refused(void **state)
{
	static char big[300000];

	(void)state;
	memset(big, 'a', sizeof big - 1);
	memcpy(big, "HTTP/1.1 200 OK\r\nX:", 19);
	expect_answer(big, ERR_LIMIT, "headers are too large");
}

static void an_answer_that_is_not_proper_http_is_an_error(void **state)
{
	(void)state;
	expect_answer(NULL, ERR_NET, "unanswered");
	expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", ERR_NET,
	    "in the answer");
	expect_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		      "2\r\nab\r\n",
	    ERR_NET, "");
	expect_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		      "zz\r\nab\r\n",
	    ERR_NET, "");
	expect_answer("HTTP/1.1 200 OK\r\nContent-", ERR_NET, "");
	expect_answer("HTTP/1.1 100 Continue\r\n\r\n", ERR_NET, "");
	expect_answer("garbage\r\n\r\n", ERR_NET, "");
	expect_answer("SSH-2.0-OpenSSH\r\n", ERR_NET, "");
	expect_answer("HTTP/1.1 200 OK\r\nBad Name : x\r\n\r\n", ERR_NET,
	    "not proper HTTP");
}

/* ---- time */

static void a_request_ends_at_its_deadline(void **state)
{
	const struct loopback_step steps[] = {{.delay_ms = 60000}};
	struct loopback *l = loopback_new(steps, 1);
	struct http_request req = http_aid_get(loopback_url(l));
	struct http *h = http_aid_client(-1);

	(void)state;
	virtual_begin(l, 1);
	req.deadline = http_aid_now() + 150;
	http_aid_expect_timeout(h, &req, 150, true);
	virtual_begin(l, 2);
	req.deadline = http_aid_now() + 30;
	http_aid_expect_timeout(h, &req, 30, true);
	assert_int_equal(loopback_requests(l), 2);
	req.deadline = http_aid_now() - 1;
	http_aid_expect_timeout(h, &req, 0, false);
	req.deadline = 0;
	http_aid_expect_timeout(h, &req, 0, false);
	req.deadline = -1;
	http_aid_expect_timeout(h, &req, 0, false);
	assert_int_equal(loopback_requests(l), 2);
	virtual_end();
	http_free(h);
	loopback_free(l);
}

static void a_silent_server_is_given_up_and_a_slow_one_not(void **state)
{
	const struct loopback_step steps[] = {
	    {.answer = HTTP_AID_OK, .trickle_ms = 5}, {.delay_ms = 60000}};
	struct loopback *l = loopback_new(steps, 2);
	struct http_request req = http_aid_get(loopback_url(l));
	struct http *h = http_aid_client(-1);

	(void)state;
	/* Slow, yet never silent for a second: the whole takes longer. */
	req.silence_ms = 1000;
	virtual_begin(l, VIRTUAL_STILL);
	virtual_pace(40);
	http_aid_expect(h, &req, 0, true, "");
	virtual_end();
	virtual_begin(l, 2);
	http_aid_expect_timeout(h, &req, 1000, true);
	virtual_end();
	http_free(h);
	loopback_free(l);
}

static void an_answer_that_trickles_in_ends_at_the_deadline(void **state)
{
	const struct loopback_step steps[] = {
	    {.answer = HTTP_AID_OK, .trickle_ms = 100}};
	struct loopback *l = loopback_new(steps, 1);
	struct http_request req = http_aid_get(loopback_url(l));
	struct http *h = http_aid_client(-1);

	(void)state;
	/* The whole takes four seconds; libcurl's own limit is a second
	 * later, and has other words. */
	req.deadline = http_aid_now() + 1000;
	http_aid_expect(
	    h, &req, ERR_TIMEOUT, true, "no answer in time: check the network");
	assert_true(http_aid_now() >= req.deadline);
	http_free(h);
	loopback_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_final_answer_counts_and_is_not_followed),
	    cmocka_unit_test(the_body_of_a_200_is_taken_as_it_comes),
	    cmocka_unit_test(the_body_of_an_error_has_a_ceiling_of_its_own),
	    cmocka_unit_test(an_answer_beyond_its_ceiling_is_refused),
	    cmocka_unit_test(a_header_that_does_not_end_is_refused),
	    cmocka_unit_test(an_answer_that_is_not_proper_http_is_an_error),
	    cmocka_unit_test(a_request_ends_at_its_deadline),
	    cmocka_unit_test(a_silent_server_is_given_up_and_a_slow_one_not),
	    cmocka_unit_test(an_answer_that_trickles_in_ends_at_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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
	    cmocka_unit_test(an_answer_beyond_its_ceiling_is_refused),
	    cmocka_unit_test(a_header_that_does_not_end_is_refused),
	    cmocka_unit_test(an_answer_that_is_not_proper_http_is_an_error),
	    cmocka_unit_test(a_request_ends_at_its_deadline),
	    cmocka_unit_test(a_silent_server_is_given_up_and_a_slow_one_not),
	    cmocka_unit_test(an_answer_that_trickles_in_ends_at_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The token, refusals, silence and waiting. */
#include "aid/imds.h"
#include "aid/virtual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One shows what a single answer leads to, however slow this machine is; "" is
 * the patience of everyday. */
static void set_attempts(const char *n)
{
	const char *seconds = n[0] != '\0' ? "60" : "";

	assert_int_equal(setenv("AWS_METADATA_SERVICE_TIMEOUT", seconds, 1), 0);
	assert_int_equal(setenv("AWS_METADATA_SERVICE_NUM_ATTEMPTS", n, 1), 0);
}

/* ---- the token */

static void one_token_serves_several_requests(void **state)
{
	OPEN(b, TOKEN, TEXT("i-0123\n"), TEXT("i-0456"));
	assert_false(imds_answers(b.imds));
	imds_aid_expect(&b, 0, "i-0123");
	assert_true(imds_answers(b.imds));
	imds_aid_expect(&b, 0, "i-0456");
	assert_int_equal(loopback_requests(b.l), 3);
	imds_aid_request(&b, 0, "PUT /latest/api/token HTTP/1.1\r\n");
	assert_non_null(strstr(loopback_request(b.l, 0),
	    "\r\nX-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"));
	imds_aid_request(
	    &b, 1, "GET /latest/meta-data/instance-id HTTP/1.1\r\n");
	assert_non_null(strstr(loopback_request(b.l, 1),
	    "\r\nX-aws-ec2-metadata-token: AQAEtoken==\r\n"));
	assert_null(strstr(loopback_request(b.l, 1), "X-Forwarded-For"));
	imds_aid_close(&b);
}

static void a_token_that_is_refused_is_renewed_once(void **state)
{
	OPEN(b, TOKEN, STATUS("401 Unauthorized"), TEXT("second"), TEXT("i-1"),
	    STATUS("401 Unauthorized"), TEXT("third"),
	    STATUS("401 Unauthorized"));
	imds_aid_expect(&b, 0, "i-1");
	assert_non_null(strstr(loopback_request(b.l, 3), "token: second\r\n"));
	imds_aid_expect(&b, ERR_SERVICE, "answered 401");
	assert_int_equal(loopback_requests(b.l), 7);
	imds_aid_close(&b);
}

static void expect_bad_token(const struct loopback_step *step, int rc)
{
	struct imds_aid b;

	imds_aid_open(&b, step, 1, false);
	imds_aid_expect(&b, rc, "");
	assert_int_equal(loopback_requests(b.l), 1);
	assert_false(imds_answers(b.imds));
	imds_aid_close(&b);
}

static void a_malformed_token_is_not_sent(void **state)
{
	static char big[3000];
	const struct loopback_step steps[] = {TEXT(""), TEXT("a b"),
	    TEXT("a\nX-Injected: 1"), TEXT("caf\xc3\xa9"), {.answer = big}};
	int n = sizeof steps / sizeof steps[0];

	(void)state;
	(void)snprintf(big, sizeof big,
	    "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n%02000d", 1);
	for (int k = 0; k < n; k++)
		expect_bad_token(
		    &steps[k], k == n - 1 ? ERR_LIMIT : ERR_FORMAT);
}

static void imds_that_gives_no_token_counts_as_absent(void **state)
{
	const struct loopback_step steps[] = {STATUS("400 Bad Request"),
	    STATUS("404 Not Found"), STATUS("302 Found")};

	(void)state;
	for (size_t k = 0; k < 3; k++)
		expect_bad_token(&steps[k], ERR_ABSENT);
}

/* ---- statuses */

static void imds_that_forbids_the_token_is_off(void **state)
{
	OPEN(b, STATUS("403 Forbidden"));
	imds_aid_expect(&b, ERR_DENIED, "or a proxy added X-Forwarded-For");
	imds_aid_close(&b);
}

static void imds_that_forbids_a_value_is_off(void **state)
{
	OPEN(b, TOKEN, STATUS("403 Forbidden"));
	imds_aid_expect(&b, ERR_DENIED, "IMDS at 127.0.0.1");
	imds_aid_close(&b);
}

/* The one with what is wrong on the wire; test_imds_patience.c has the rest. */
static void a_busy_imds_is_asked_again(void **state)
{
	OPEN(b, STATUS("503 Service Unavailable"), TOKEN,
	    STATUS("429 Too Many Requests"), {.answer = NULL},
	    {.answer = HEAD("200 OK") "Content-Length: 9\r\n\r\ni-",
		.close = 1},
	    TEXT("i-1"));
	set_attempts("5");
	imds_aid_expect(&b, 0, "i-1");
	assert_int_equal(loopback_requests(b.l), 6);
	set_attempts("1");
	imds_aid_close(&b);
}

static void imds_is_not_asked_when_a_variable_disables_it(void **state)
{
	static const char *const yes[] = {"true", "TRUE", "True"};

	for (size_t k = 0; k < 3; k++) {
		assert_int_equal(
		    setenv("AWS_EC2_METADATA_DISABLED", yes[k], 1), 0);
		OPEN(b, TOKEN);
		imds_aid_expect(&b, ERR_ABSENT, "AWS_EC2_METADATA_DISABLED");
		assert_int_equal(loopback_connections(b.l), 0);
		imds_aid_close(&b);
	}
	assert_int_equal(setenv("AWS_EC2_METADATA_DISABLED", "false", 1), 0);
	OPEN(b, TOKEN, TEXT("i-1"));
	imds_aid_expect(&b, 0, "i-1");
	imds_aid_close(&b);
	assert_int_equal(unsetenv("AWS_EC2_METADATA_DISABLED"), 0);
}

/* ---- silence */

static void a_silent_imds_is_asked_until_the_deadline(void **state)
{
	OPEN(b, SILENT);
	set_attempts("");
	virtual_begin(NULL, 0);
	b.deadline = http_aid_now() + 10000;
	imds_aid_expect(&b, ERR_TIMEOUT, "--http-put-response-hop-limit 2");
	assert_int_equal(http_aid_now(), b.deadline);
	virtual_end();
	/* After 0, 1, 3 and 7 seconds. */
	loopback_expect_requests(b.l, 4);
	set_attempts("1");
	imds_aid_close(&b);
}

static void an_imds_that_cannot_be_reached_is_an_error(void **state)
{
	OPEN(b, TOKEN);
	imds_aid_again(&b, "http://127.0.0.1:1/", IMDS_MACHINE_UNKNOWN);
	imds_aid_expect(
	    &b, ERR_CONNECT, "IMDS at 127.0.0.1:1 cannot be reached");
	imds_aid_again(&b, "http://127.0.0.1:1/", IMDS_MACHINE_EC2);
	b.deadline = http_aid_now() + 100;
	imds_aid_expect(&b, ERR_CONNECT,
	    "IMDS at 127.0.0.1:1 cannot be reached: look for a firewall rule "
	    "of this machine that forbids it, and at its routes");
	imds_aid_close(&b);
}

static void a_cancel_ends_a_request_to_imds(void **state)
{
	int fd[2];

	OPEN(b, TOKEN);
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "", 1), 1);
	http_free(b.http);
	b.http = http_aid_client(fd[0]);
	imds_aid_again(&b, loopback_url(b.l), IMDS_MACHINE_UNKNOWN);
	imds_aid_expect(&b, ERR_CANCELED, "told to stop");
	imds_aid_close(&b);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

/* ---- no route yet */

static int no_route; /* connections to fail that way */

int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	int (*real)(int, __CONST_SOCKADDR_ARG, socklen_t);

	if (no_route > 0) {
		no_route--;
		errno = ENETUNREACH;
		return -1;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "connect");
	return real(fd, addr, len);
}

static void without_a_route_imds_is_unreachable_at_once(void **state)
{
	OPEN(b, TOKEN, TEXT("i-1"));
	no_route = 1;
	imds_aid_expect(&b, ERR_UNREACHABLE, "cannot be reached");
	assert_int_equal(no_route, 0);
	imds_aid_close(&b);
}

static void a_route_that_comes_late_is_waited_for(void **state)
{
	const struct loopback_step steps[] = {TOKEN, TEXT("i-1")};
	struct imds_aid b;
	int64_t start;

	(void)state;
	imds_aid_open(&b, steps, 2, true);
	b.clock.sleep = virtual_sleep;
	no_route = 5;
	virtual_begin(b.l, VIRTUAL_STILL);
	start = http_aid_now();
	imds_aid_expect(&b, 0, "i-1");
	assert_in_range(http_aid_now() - start, 500, 1250);
	virtual_end();
	imds_aid_close(&b);
}

static void a_route_that_never_comes_ends_at_the_deadline(void **state)
{
	const struct loopback_step steps[] = {TOKEN};
	struct imds_aid b;

	(void)state;
	imds_aid_open(&b, steps, 1, true);
	b.clock.sleep = virtual_sleep;
	virtual_begin(NULL, 0);
	b.deadline = http_aid_now() + 400;
	no_route = 1000;
	imds_aid_expect(&b, ERR_UNREACHABLE, "there is no route");
	assert_int_equal(http_aid_now(), b.deadline);
	virtual_end();
	no_route = 0;
	imds_aid_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_token_serves_several_requests),
	    cmocka_unit_test(a_token_that_is_refused_is_renewed_once),
	    cmocka_unit_test(a_malformed_token_is_not_sent),
	    cmocka_unit_test(imds_that_gives_no_token_counts_as_absent),
	    cmocka_unit_test(imds_that_forbids_the_token_is_off),
	    cmocka_unit_test(imds_that_forbids_a_value_is_off),
	    cmocka_unit_test(a_busy_imds_is_asked_again),
	    cmocka_unit_test(imds_is_not_asked_when_a_variable_disables_it),
	    cmocka_unit_test(a_silent_imds_is_asked_until_the_deadline),
	    cmocka_unit_test(an_imds_that_cannot_be_reached_is_an_error),
	    cmocka_unit_test(a_cancel_ends_a_request_to_imds),
	    cmocka_unit_test(without_a_route_imds_is_unreachable_at_once),
	    cmocka_unit_test(a_route_that_comes_late_is_waited_for),
	    cmocka_unit_test(a_route_that_never_comes_ends_at_the_deadline),
	};

	(void)unsetenv("AWS_EC2_METADATA_DISABLED");
	(void)unsetenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	set_attempts("1");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

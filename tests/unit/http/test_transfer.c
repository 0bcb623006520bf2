/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, connections and who gets to know what. */
#include "aid/http.h"
#include "aid/loopback.h"
#include "aid/virtual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void requests_share_one_connection(void **state)
{
	const struct loopback_step steps[] = {{.answer = HTTP_AID_OK}};
	const char *const headers[] = {
	    "Content-Type: application/x-amz-json-1.0", "X-One: 1", NULL};
	struct loopback *l = loopback_new(steps, 1);
	struct http_request req = http_aid_post(loopback_url(l), "{\"a\":1}");
	struct http *h = http_aid_client(-1);
	struct http_transfer *t;
	struct err err;

	(void)state;
	req.headers = headers;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(http_do(h, &req, &t, &err), 0);
		assert_int_equal(http_status(t), 200);
		assert_string_equal(buf_str(http_body(t)), "ok");
		assert_true(http_was_sent(t));
		http_transfer_free(t);
	}
	assert_int_equal(loopback_requests(l), 3);
	assert_int_equal(loopback_connections(l), 1);
	http_free(h);
	loopback_free(l);
}

static void a_request_is_sent_as_it_was_given(void **state)
{
	const struct loopback_step steps[] = {{.answer = HTTP_AID_OK}};
	const char *const headers[] = {
	    "Content-Type: application/x-amz-json-1.0", "X-One: 1", NULL};
	struct loopback *l = loopback_new(steps, 1);
	struct http_request req;
	struct http *h = http_aid_client(-1);
	const char *seen;
	char url[128];

	(void)state;
	(void)snprintf(
	    url, sizeof url, "%s/a/../b%%2Fc?x=%%20&y", loopback_url(l));
	req = http_aid_post(url, "{\"a\":1}");
	req.headers = headers;
	http_aid_expect(h, &req, 0, true, "");
	seen = loopback_request(l, 0);
	assert_ptr_equal(
	    strstr(seen, "POST /a/../b%2Fc?x=%20&y HTTP/1.1\r\n"), seen);
	assert_non_null(strstr(seen, "\r\nHost: 127.0.0.1:"));
	assert_non_null(strstr(seen, "\r\nUser-Agent: sqs-entropy-test/1\r\n"));
	assert_non_null(strstr(seen, "\r\nX-One: 1\r\n"));
	assert_non_null(strstr(seen, "\r\nContent-Length: 7\r\n"));
	assert_non_null(strstr(seen, "\r\n\r\n{\"a\":1}"));
	assert_non_null(strstr(seen, "Type: application/x-amz-json-1.0\r\n"));
	assert_null(strstr(seen, "Expect"));
	assert_null(strstr(seen, "Accept-Encoding"));
	assert_null(strstr(seen, "Upgrade"));
	assert_null(strstr(seen, "Transfer-Encoding"));
	http_free(h);
	loopback_free(l);
}

static void get_put_and_head_are_sent_without_a_body(void **state)
{
	const struct loopback_step steps[] = {{.answer = HTTP_AID_OK},
	    {.answer = HTTP_AID_OK},
	    {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"}};
	struct loopback *l = loopback_new(steps, 3);
	struct http_request req = http_aid_get(loopback_url(l));
	struct http *h = http_aid_client(-1);

	(void)state;
	http_aid_expect(h, &req, 0, true, "");
	req.method = "PUT";
	http_aid_expect(h, &req, 0, true, "");
	req.method = "HEAD";
	http_aid_expect(h, &req, 0, true, "");
	assert_int_equal(strncmp(loopback_request(l, 0), "GET / ", 6), 0);
	assert_null(strstr(loopback_request(l, 0), "Content-Length"));
	assert_int_equal(strncmp(loopback_request(l, 1), "PUT / ", 6), 0);
	assert_non_null(
	    strstr(loopback_request(l, 1), "\r\nContent-Length: 0\r\n"));
	assert_null(strstr(loopback_request(l, 1), "Content-Type"));
	assert_int_equal(strncmp(loopback_request(l, 2), "HEAD / ", 7), 0);
	http_free(h);
	loopback_free(l);
}

static void a_large_body_arrives_whole(void **state)
{
	const struct loopback_step steps[] = {{.answer = HTTP_AID_OK}};
	const size_t len = 1500000;
	struct loopback *l = loopback_new(steps, 1);
	struct http *h = http_aid_client(-1);
	char *body = malloc(len + 1);
	struct http_request req;
	const char *seen;

	(void)state;
	assert_non_null(body);
	memset(body, 'x', len);
	body[len] = '\0';
	req = http_aid_post(loopback_url(l), body);
	http_aid_expect(h, &req, 0, true, "");
	seen = strstr(loopback_request(l, 0), "\r\n\r\n");
	assert_non_null(seen);
	assert_string_equal(seen + 4, body);
	free(body);
	http_free(h);
	loopback_free(l);
}

static void two_requests_run_at_once(void **state)
{
	const struct loopback_step steps[] = {
	    {.answer = HTTP_AID_OK, .delay_ms = 2000}};
	struct loopback *l = loopback_new(steps, 1);
	struct http_request req = http_aid_get(loopback_url(l));
	struct http *h = http_aid_client(-1);
	struct http_transfer *a, *b;
	struct err err;

	(void)state;
	assert_int_equal(http_start(h, &req, &a, &err), 0);
	assert_int_equal(http_start(h, &req, &b, &err), 0);
	assert_int_equal(http_wait(h, a, &err), 0);
	/* The second did not wait for the answer to the first. */
	assert_int_equal(loopback_requests(l), 2);
	assert_int_equal(http_wait(h, b, &err), 0);
	assert_int_equal(loopback_connections(l), 2);
	assert_int_equal(http_wait(h, a, &err), 0); /* again: the same */
	http_transfer_free(b);
	http_transfer_free(a);
	http_free(h);
	loopback_free(l);
}

static void a_held_request_leaves_when_it_is_released(void **state)
{
	const struct loopback_step steps[] = {{.answer = HTTP_AID_OK}};
	const char *const first[] = {"X-First: 1", NULL};
	const char *const last[] = {"X-Last: 2", NULL};
	const char *const bad[] = {"X-Last: 2\r\nX-More: 3", NULL};
	struct loopback *l = loopback_new(steps, 1);
	struct http_request req = http_aid_post(loopback_url(l), "{}");
	struct http *h = http_aid_client(-1);
	struct http_transfer *held, *t;
	struct err err;

	(void)state;
	req.headers = first;
	req.held = true;
	assert_int_equal(http_start(h, &req, &held, &err), 0);
	req.held = false;
	assert_int_equal(http_do(h, &req, &t, &err), 0);
	assert_int_equal(loopback_requests(l), 1);
	assert_int_equal(http_release(held, bad, &err), ERR_FORMAT);
	assert_int_equal(http_release(held, last, &err), 0);
	assert_int_equal(http_wait(h, held, &err), 0);
	assert_non_null(
	    strstr(loopback_request(l, 1), "X-First: 1\r\nX-Last: 2\r\n"));
	assert_int_equal(loopback_connections(l), 1);
	http_transfer_free(held);
	http_transfer_free(t);
	http_free(h);
	loopback_free(l);
}

static void a_held_request_ends_at_its_deadline(void **state)
{
	struct http_request req = http_aid_post("https://127.0.0.1:1/", "{}");
	struct http *h = http_aid_client(-1);
	struct http_transfer *t;
	struct err err;

	(void)state;
	req.deadline = http_aid_now();
	req.held = true;
	assert_int_equal(http_start(h, &req, &t, &err), 0);
	assert_int_equal(http_release(t, NULL, &err), 0);
	assert_int_equal(http_wait(h, t, &err), ERR_TIMEOUT);
	assert_false(http_was_sent(t));
	http_transfer_free(t);
	http_free(h);
}

/* The second goes on, and ends by its own deadline, while the first is waited
 * for; a third is freed while under way. */
static void a_request_ends_by_its_own_deadline_beside_others(void **state)
{
	const struct loopback_step steps[] = {
	    {.answer = HTTP_AID_OK, .delay_ms = 400}};
	struct loopback *l = loopback_new(steps, 1);
	struct http_request req = http_aid_get(loopback_url(l));
	struct http *h = http_aid_client(-1);
	struct http_transfer *a, *b, *c;
	int64_t start = http_aid_now();
	struct err err;

	(void)state;
	assert_int_equal(http_start(h, &req, &a, &err), 0);
	req.deadline = start + 100;
	assert_int_equal(http_start(h, &req, &b, &err), 0);
	assert_int_equal(http_start(h, &req, &c, &err), 0);
	assert_int_equal(http_wait(h, b, &err), ERR_TIMEOUT);
	http_transfer_free(c);
	assert_int_equal(http_wait(h, a, &err), 0);
	assert_int_equal(http_wait(h, b, &err), ERR_TIMEOUT);
	http_transfer_free(a);
	http_transfer_free(b);
	http_free(h);
	loopback_free(l);
}

/* Whichever of several ends is told, the one that is not waited for too. */
static void the_first_of_several_to_end_is_found(void **state)
{
	const struct loopback_step steps[] = {
	    {.delay_ms = 60000}, {.answer = HTTP_AID_OK}, {.delay_ms = 60000}};
	struct loopback *l = loopback_new(steps, 3);
	struct http_request req = http_aid_get(loopback_url(l));
	struct http *h = http_aid_client(-1);
	struct http_transfer *all[2];
	int64_t start;
	struct err err;

	(void)state;
	virtual_begin(l, 1);
	start = http_aid_now();
	assert_int_equal(http_start(h, &req, &all[0], &err), 0);
	assert_int_equal(http_wait_any(h, all, 1, start + 1000), 1);
	assert_int_equal(http_aid_now(), start + 1000);
	virtual_begin(l, VIRTUAL_STILL);
	assert_int_equal(http_start(h, &req, &all[1], &err), 0);
	assert_int_equal(http_wait_any(h, all, 2, req.deadline), 1);
	assert_int_equal(http_wait(h, all[1], &err), 0);
	http_transfer_free(all[1]);
	virtual_begin(l, 3);
	req.deadline = start + 2000;
	assert_int_equal(http_start(h, &req, &all[1], &err), 0);
	assert_int_equal(http_wait_any(h, all, 2, start + 5000), 1);
	assert_int_equal(http_aid_now(), start + 2000);
	assert_int_equal(http_wait(h, all[1], &err), ERR_TIMEOUT);
	virtual_end();
	http_transfer_free(all[0]);
	http_transfer_free(all[1]);
	http_free(h);
	loopback_free(l);
}

struct stop {
	struct loopback *l;
	int fd;
};

/* Once the server has been asked. */
static void *cancel(void *arg)
{
	const struct stop *stop = arg;

	loopback_expect_requests(stop->l, 1);
	assert_int_equal(write(stop->fd, "", 1), 1);
	return NULL;
}

static void a_cancel_ends_a_request_and_lets_none_begin(void **state)
{
	const struct loopback_step steps[] = {{.delay_ms = 90000}};
	struct loopback *l = loopback_new(steps, 1);
	struct http_request req = http_aid_get(loopback_url(l));
	struct stop stop = {.l = l};
	pthread_t thread;
	struct http *h;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	h = http_aid_client(fd[0]);
	stop.fd = fd[1];
	assert_int_equal(pthread_create(&thread, NULL, cancel, &stop), 0);
	/* The deadline, a minute later, would be ERR_TIMEOUT. */
	http_aid_expect(h, &req, ERR_CANCELED, true, "told to stop");
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* Once told, nothing is sent any more. */
	http_aid_expect(h, &req, ERR_CANCELED, false, "told to stop");
	assert_int_equal(loopback_requests(l), 1);
	http_free(h);
	loopback_free(l);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static void a_header_with_a_line_end_or_a_long_url_is_refused(void **state)
{
	const char *const headers[] = {"X-A: 1\r\nX-B: 2", NULL};
	static char url[4000];
	struct http_request req = http_aid_get("http://127.0.0.1:1/");
	struct http *h = http_aid_client(-1);
	struct http_transfer *t;
	struct err err;

	(void)state;
	req.headers = headers;
	assert_int_equal(http_start(h, &req, &t, &err), ERR_FORMAT);
	memset(url, 'a', sizeof url - 1);
	memcpy(url, "http://127.0.0.1:1/", 19);
	req = http_aid_get(url);
	assert_int_equal(http_start(h, &req, &t, &err), ERR_CONFIG);
	http_transfer_free(NULL);
	http_free(NULL);
	http_free(h);
}

/* ---- a kept connection that has died */

static void a_post_is_never_sent_twice(void **state)
{
	const struct loopback_step steps[] = {
	    {.answer = HTTP_AID_OK}, {.answer = NULL}, {.answer = HTTP_AID_OK}};
	struct loopback *l = loopback_new(steps, 3);
	struct http_request req = http_aid_post(loopback_url(l), "once");
	struct http *h = http_aid_client(-1);

	(void)state;
	http_aid_expect(h, &req, 0, true, "");
	http_aid_expect(h, &req, ERR_NET, true, "");
	assert_int_equal(loopback_requests(l), 2);
	http_aid_expect(h, &req, 0, true, "");
	assert_int_equal(loopback_requests(l), 3);
	http_free(h);
	loopback_free(l);
}

static void a_get_is_sent_again_when_its_connection_died(void **state)
{
	const struct loopback_step steps[] = {
	    {.answer = HTTP_AID_OK}, {.answer = NULL}, {.answer = HTTP_AID_OK}};
	struct loopback *l = loopback_new(steps, 3);
	struct http_request req = http_aid_get(loopback_url(l));
	struct http *h = http_aid_client(-1);

	(void)state;
	http_aid_expect(h, &req, 0, true, "");
	http_aid_expect(h, &req, 0, true, "");
	assert_int_equal(loopback_requests(l), 3);
	http_free(h);
	loopback_free(l);
}

/* Closed while idle: nothing was lost, and nobody need know.  A recent
 * libcurl looks at a connection again after a second only. */
static void a_connection_closed_while_idle_is_made_anew(void **state)
{
	const struct loopback_step steps[] = {
	    {.answer = HTTP_AID_OK, .close = 1}};
	const struct timespec ts = {1, 100000000};
	struct loopback *l = loopback_new(steps, 1);
	struct http_request req = http_aid_post(loopback_url(l), "a");
	struct http *h = http_aid_client(-1);

	(void)state;
	http_aid_expect(h, &req, 0, true, "");
	(void)nanosleep(&ts, NULL);
	http_aid_expect(h, &req, 0, true, "");
	assert_int_equal(loopback_connections(l), 2);
	http_free(h);
	loopback_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_share_one_connection),
	    cmocka_unit_test(a_request_is_sent_as_it_was_given),
	    cmocka_unit_test(get_put_and_head_are_sent_without_a_body),
	    cmocka_unit_test(a_large_body_arrives_whole),
	    cmocka_unit_test(two_requests_run_at_once),
	    cmocka_unit_test(a_held_request_leaves_when_it_is_released),
	    cmocka_unit_test(a_held_request_ends_at_its_deadline),
	    cmocka_unit_test(a_request_ends_by_its_own_deadline_beside_others),
	    cmocka_unit_test(the_first_of_several_to_end_is_found),
	    cmocka_unit_test(a_cancel_ends_a_request_and_lets_none_begin),
	    cmocka_unit_test(a_header_with_a_line_end_or_a_long_url_is_refused),
	    cmocka_unit_test(a_post_is_never_sent_twice),
	    cmocka_unit_test(a_get_is_sent_again_when_its_connection_died),
	    cmocka_unit_test(a_connection_closed_while_idle_is_made_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

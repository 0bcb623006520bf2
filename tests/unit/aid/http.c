/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

int64_t http_aid_now(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct http *http_aid_client(int cancel_fd)
{
	const struct http_config cfg = {
	    .agent = "sqs-entropy-test/1", .cancel_fd = cancel_fd};
	struct http *h = NULL;
	struct err err;

	assert_int_equal(http_new(&cfg, &h, &err), 0);
	return h;
}

struct http_request http_aid_get(const char *url)
{
	return (struct http_request){.kind = HTTP_SERVICE,
	    .method = "GET",
	    .url = url,
	    .answer_max = 1024,
	    .deadline = http_aid_now() + 60000};
}

struct http_request http_aid_post(const char *url, const char *body)
{
	struct http_request req = http_aid_get(url);

	req.method = "POST";
	req.body = body;
	req.body_len = strlen(body);
	return req;
}

void http_aid_expect(struct http *h, const struct http_request *req, int rc,
    bool sent, const char *text)
{
	struct http_transfer *t;
	struct err err = {0};
	int got;

	assert_int_equal(http_start(h, req, &t, &err), 0);
	got = http_wait(h, t, &err);
	if (got != rc || http_was_sent(t) != sent ||
	    strstr(err.text, text) == NULL)
		fail_msg("%d, sent %d, %s", got, http_was_sent(t), err.text);
	assert_int_equal(err.code, rc);
	http_transfer_free(t);
}

void http_aid_expect_timeout(
    struct http *h, const struct http_request *req, int64_t ms, bool sent)
{
	const int64_t start = http_aid_now();

	/* "check the network" is ours; libcurl's own time-outs are later. */
	http_aid_expect(
	    h, req, ERR_TIMEOUT, sent, "in time: check the network");
	assert_in_range(http_aid_now() - start, ms, ms + 1);
}

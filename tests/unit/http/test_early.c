/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that is begun before its request may leave. */
#include "aid/http.h"
#include "aid/loopback.h"
#include "aid/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "http/internal.h"

/* A client that trusts bundle, and its request to url, which is held. */
struct early {
	struct http *h;
	struct http_transfer *held, *other;
	struct loopback *l;
};

static struct early begin_early(const char *url, const char *bundle)
{
	static const struct loopback_step silence[] = {{.delay_ms = 600000}};
	const struct http_config cfg = {.ca_bundle = bundle, .cancel_fd = -1};
	struct http_request req = http_aid_get(url);
	struct early e = {.l = loopback_new(silence, 1)};
	struct err err;

	req.answer_max = 65536;
	req.held = true;
	assert_int_equal(http_new(&cfg, &e.h, &err), 0);
	assert_int_equal(http_start(e.h, &req, &e.held, &err), 0);
	assert_true(e.held->early);
	req = http_aid_get(loopback_url(e.l));
	assert_int_equal(http_start(e.h, &req, &e.other, &err), 0);
	return e;
}

/* Drive the other request, which is not answered. */
static void drive_other(struct early *e)
{
	assert_int_equal(
	    http_wait_any(e->h, &e->other, 1, http_aid_now() + 5), 1);
}

static void end_early(struct early *e)
{
	http_transfer_free(e->held);
	http_transfer_free(e->other);
	http_free(e->h);
	loopback_free(e->l);
}

static void expect_released(struct early *e, int rc, const char *text)
{
	static const char *const headers[] = {"X-Late: 1", NULL};
	struct err err = {.text = ""};

	assert_int_equal(http_release(e->held, headers, &err), 0);
	assert_int_equal(http_wait(e->h, e->held, &err), rc);
	assert_int_equal(http_was_sent(e->held), rc == 0);
	if (rc != 0)
		assert_non_null(strstr(err.text, text));
}

static void tls_begins_while_another_request_is_waited_for(void **state)
{
	struct tls_server s = tls_server_start(NULL);
	struct early e = begin_early(s.url, tls_aid_cert);

	(void)state;
	while (!e.held->stands)
		drive_other(&e);
	drive_other(&e);
	assert_true(e.held->early && !http_was_sent(e.held));
	expect_released(&e, 0, "");
	assert_true(e.held->early); /* it was not made anew */
	assert_int_equal(http_status(e.held), 200);
	end_early(&e);
	tls_server_stop(&s);
}

/* As with a curl that does not wait where it is expected to. */
static void what_is_held_is_not_sent_even_if_it_could_be(void **state)
{
	struct tls_server s = tls_server_start(NULL);
	struct early e = begin_early(s.url, tls_aid_cert);

	(void)state;
	while (e.held->early) {
		e.held->stands = false;
		drive_other(&e);
	}
	assert_false(http_was_sent(e.held));
	expect_released(&e, 0, "");
	end_early(&e);
	tls_server_stop(&s);
}

static void what_fails_early_is_told_when_it_fails_again(void **state)
{
	struct tls_server s = tls_server_start(NULL);
	struct early e = begin_early(s.url, tls_aid_other);

	(void)state;
	while (!e.held->stands)
		drive_other(&e);
	expect_released(&e, ERR_CONNECT, "cannot verify its certificate");
	assert_true(http_distrusts(e.h));
	end_early(&e);
	tls_server_stop(&s);
	e = begin_early(s.url, tls_aid_cert);
	while (e.held->early)
		drive_other(&e);
	assert_false(http_distrusts(e.h));
	expect_released(&e, ERR_CONNECT, "cannot connect");
	end_early(&e);
}

/* Such a request cannot be begun, and is judged when it is released. */
static void what_cannot_be_begun_early_is_told_at_the_release(void **state)
{
	const struct http_config cfg = {.cancel_fd = -1};
	struct http_request req = http_aid_get("https://user@127.0.0.1/");
	struct http_transfer *t;
	struct err err = {.text = ""};
	struct http *h;

	(void)state;
	req.held = true;
	assert_int_equal(http_new(&cfg, &h, &err), 0);
	assert_int_equal(http_start(h, &req, &t, &err), 0);
	assert_false(t->early);
	assert_int_equal(http_release(t, NULL, &err), ERR_CONFIG);
	assert_non_null(strstr(err.text, "holds a user name"));
	http_transfer_free(t);
	http_free(h);
}

static void what_is_held_may_be_freed_at_any_time(void **state)
{
	struct tls_server s = tls_server_start(NULL);
	struct early e = begin_early(s.url, tls_aid_cert);

	(void)state;
	end_early(&e);
	e = begin_early(s.url, tls_aid_cert);
	while (!e.held->stands)
		drive_other(&e);
	end_early(&e);
	tls_server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tls_begins_while_another_request_is_waited_for),
	    cmocka_unit_test(what_is_held_is_not_sent_even_if_it_could_be),
	    cmocka_unit_test(what_fails_early_is_told_when_it_fails_again),
	    cmocka_unit_test(what_cannot_be_begun_early_is_told_at_the_release),
	    cmocka_unit_test(what_is_held_may_be_freed_at_any_time),
	};

	return cmocka_run_group_tests(tests, tls_aid_set_up, tls_aid_tear_down);
}

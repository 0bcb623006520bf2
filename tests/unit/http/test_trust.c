/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a client trusts, and what of it moves. */
#include "aid/http.h"
#include "aid/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/internal.h"

/* As those do who renew a file: written beside it, renamed over it. */
static void put_bundle(const char *from, const char *to)
{
	char beside[64];

	tls_aid_path(beside, "beside.pem");
	assert_int_equal(link(from, beside), 0);
	assert_int_equal(rename(beside, to), 0);
}

static void a_bundle_that_moves_is_read_again(void **state)
{
	struct tls_server s = tls_server_start(NULL);
	char bundle[64];
	struct http_config cfg = {.ca_bundle = bundle, .cancel_fd = -1};
	struct http_request req = http_aid_get(s.url);
	struct http_transfer *t;
	struct http *h;
	struct err err;

	(void)state;
	tls_aid_path(bundle, "bundle.pem");
	req.answer_max = 65536;
	assert_int_equal(http_new(&cfg, &h, &err), ERR_CONFIG);
	cfg.bundle_may_come = true;
	assert_int_equal(http_new(&cfg, &h, &err), 0);
	for (int k = 0; k < 2; k++) {
		assert_int_equal(http_start(h, &req, &t, &err), ERR_CONFIG);
		assert_non_null(strstr(err.text, "cannot read the CA bundle"));
		put_bundle(tls_aid_other, bundle);
		http_aid_expect(h, &req, ERR_CONNECT, false, "cannot verify");
		assert_true(http_distrusts(h));
		put_bundle(tls_aid_cert, bundle);
		http_aid_expect(h, &req, 0, true, "");
		assert_false(http_distrusts(h));
		assert_int_equal(unlink(bundle), 0);
		/* The last one stays in force. */
		http_aid_expect(h, &req, 0, true, "");
		http_free(h);
		assert_int_equal(http_new(&cfg, &h, &err), 0);
	}
	http_free(h);
	tls_server_stop(&s);
}

/* Nothing of its file's look has changed. */
static void after_distrust_a_bundle_is_read_whatever_it_looks_like(void **state)
{
	struct tls_server s = tls_server_start(NULL);
	const struct http_config cfg = {
	    .ca_bundle = tls_aid_other, .cancel_fd = -1};
	struct http_request req = http_aid_get(s.url);
	struct http *h;
	struct err err;

	(void)state;
	req.answer_max = 65536;
	assert_int_equal(http_new(&cfg, &h, &err), 0);
	http_aid_expect(h, &req, ERR_CONNECT, false, "cannot verify");
	put_bundle(tls_aid_cert, tls_aid_other);
	assert_int_equal(stat(tls_aid_other, &h->ca_file), 0);
	http_aid_expect(h, &req, 0, true, "");
	http_free(h);
	tls_server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_bundle_that_moves_is_read_again),
	    cmocka_unit_test(
		after_distrust_a_bundle_is_read_whatever_it_looks_like),
	};

	return cmocka_run_group_tests(tests, tls_aid_set_up, tls_aid_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* TLS against a server that somebody else wrote: openssl s_server. */
#include "aid/confine.h"
#include "aid/failing.h"
#include "aid/http.h"
#include "aid/memory.h"
#include "aid/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "http/internal.h"

static void expect_tls(
    const char *url, const char *bundle, int rc, const char *text)
{
	const struct http_config cfg = {.ca_bundle = bundle, .cancel_fd = -1};
	struct http_request req = http_aid_get(url);
	struct http *h;
	struct err err;

	req.answer_max = 65536;
	assert_int_equal(http_new(&cfg, &h, &err), 0);
	http_aid_expect(h, &req, rc, rc == 0, text);
	http_free(h);
}

static void only_a_server_certified_by_the_bundle_is_trusted(void **state)
{
	struct tls_server s = tls_server_start(NULL);
	char url[64];

	(void)state;
	expect_tls(s.url, tls_aid_cert, 0, "");
	expect_tls(s.url, NULL, ERR_CONNECT, "cannot verify its certificate");
	expect_tls(
	    s.url, tls_aid_other, ERR_CONNECT, "check the ca-bundle setting");
	(void)snprintf(
	    url, sizeof url, "https://localhost%s", strrchr(s.url, ':'));
	expect_tls(
	    url, tls_aid_cert, ERR_CONNECT, "cannot verify its certificate");
	tls_server_stop(&s);
}

/* What one request came to, with that bundle. */
static struct http_trace trace_tls(const char *url, const char *bundle)
{
	const struct http_config cfg = {.ca_bundle = bundle, .cancel_fd = -1};
	struct http_request req = http_aid_get(url);
	struct http_transfer *t = NULL;
	struct http_trace trace;
	struct http *h;
	struct err err;

	req.answer_max = 65536;
	req.traced = true;
	assert_int_equal(http_new(&cfg, &h, &err), 0);
	(void)!http_do(h, &req, &t, &err);
	assert_non_null(t);
	trace = *http_trace(t);
	http_transfer_free(t);
	http_free(h);
	return trace;
}

static void a_traced_request_tells_how_far_it_came(void **state)
{
	struct tls_server s = tls_server_start(NULL);
	const int64_t tomorrow = ((int64_t)time(NULL) + 86400) * 1000;
	struct http_trace trace = trace_tls(s.url, tls_aid_cert);

	(void)state;
	assert_true(trace.resolved && trace.connected && trace.secured);
	assert_false(trace.proxied);
	assert_ptr_equal(
	    strstr(s.url, trace.address), s.url + strlen("https://"));
	assert_in_range(trace.expires, tomorrow - 600000, tomorrow);
	trace = trace_tls(s.url, tls_aid_other);
	assert_true(trace.resolved && trace.connected && !trace.secured);
	tls_server_stop(&s);
	trace = trace_tls(s.url, tls_aid_cert);
	assert_true(trace.resolved && !trace.connected && !trace.secured);
	trace = trace_tls("https://name.invalid/", tls_aid_cert);
	assert_false(trace.resolved || trace.connected || trace.proxied);
	assert_string_equal(trace.address, "");
}

/* A server that answers this, with so many blanks before it. */
static struct tls_server answer_with(const char *text, int blanks)
{
	char answer[1024];
	struct tls_server s;

	(void)snprintf(answer, sizeof answer,
	    "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%*s%s",
	    (size_t)blanks + strlen(text), blanks, "", text);
	s = tls_server_answer(answer);
	explicit_bzero(answer, sizeof answer);
	return s;
}

/* Where the connection stays open, OpenSSL would have it until the next record.
 * Behind the blanks no other use of that memory covers it. */
static void what_was_decrypted_is_in_the_answer_alone(void **state)
{
	static const char secret[] = "a key that only this test has:)";
	const size_t len = sizeof secret - 1;
	const struct http_config cfg = {
	    .ca_bundle = tls_aid_cert, .cancel_fd = -1};
	struct http_request req;
	struct tls_server s;
	struct http_transfer *t;
	unsigned during, after;
	struct http *h;
	struct err err;

	(void)state;
	SKIP_IF(confine_aid_valgrind(), "valgrind's memory is looked at, too");
	SKIP_IF(strstr(curl_version(), " OpenSSL/3.") == NULL,
	    "this libcurl has another library of TLS");
	s = answer_with(secret, 800);
	req = http_aid_get(s.url);
	assert_int_equal(http_new(&cfg, &h, &err), 0);
	assert_int_equal(http_do(h, &req, &t, &err), 0);
	assert_int_equal(buf_len(http_body(t)), 800 + len);
	during = memory_count(getpid(), secret, len);
	http_transfer_free(t);
	after = memory_count(getpid(), secret, len);
	http_free(h);
	tls_server_stop(&s);
	assert_int_equal(during, 1);
	assert_int_equal(after, 0);
}

static void no_variable_of_curl_adds_trust(void **state)
{
	struct tls_server s = tls_server_start(NULL);

	(void)state;
	assert_int_equal(setenv("CURL_CA_BUNDLE", tls_aid_cert, 1), 0);
	expect_tls(s.url, NULL, ERR_CONNECT, "cannot verify");
	assert_int_equal(unsetenv("CURL_CA_BUNDLE"), 0);
	tls_server_stop(&s);
}

static void a_bundle_without_certificates_is_refused(void **state)
{
	struct tls_server s = tls_server_start(NULL);

	(void)state;
	expect_tls(s.url, tls_aid_key, ERR_CONFIG, "no usable CA certificates");
	tls_server_stop(&s);
}

static void tls_below_1_2_is_refused(void **state)
{
	struct tls_server s = tls_server_start("-tls1_1");

	(void)state;
	expect_tls(s.url, tls_aid_cert, ERR_CONNECT, "TLS failed");
	tls_server_stop(&s);
	s = tls_server_start("-tls1_2");
	expect_tls(s.url, tls_aid_cert, 0, "");
	tls_server_stop(&s);
	s = tls_server_start("-tls1_3");
	expect_tls(s.url, tls_aid_cert, 0, "");
	tls_server_stop(&s);
}

struct identified {
	struct tls_server server;
	const char *bundle;
	struct http_identity identity;
};

/* A request with a certificate of ours, which is traced. */
static int ask_as_somebody(void *state)
{
	const struct identified *i = state;
	const struct http_config cfg = {
	    .ca_bundle = i->bundle, .cancel_fd = -1};
	struct http_request req = http_aid_get(i->server.url);
	struct http_transfer *t = NULL;
	struct http *h = NULL;
	struct err err = {0};
	int rc = http_new(&cfg, &h, &err);

	req.answer_max = 65536;
	req.identity = &i->identity;
	req.traced = true;
	if (rc == 0)
		rc = http_do(h, &req, &t, &err);
	if (rc == 0)
		assert_int_equal(http_status(t), 200);
	assert_int_equal(err.code, rc);
	http_transfer_free(t);
	http_free(h);
	return rc;
}

/* By no failure is a server trusted that another bundle certifies. */
static int is_refused(void *state)
{
	assert_int_not_equal(ask_as_somebody(state), 0);
	return 0;
}

static struct buf *read_whole(const char *path)
{
	struct buf *b = buf_new(65536);
	uint8_t *space;
	size_t len;

	assert_non_null(b);
	assert_int_equal(buf_extend(b, 65536, &space), 0);
	assert_int_equal(file_read(path, space, 65536, &len), 0);
	buf_truncate(b, len);
	return b;
}

static void each_call_of_a_request_may_fail(void **state)
{
	struct buf *certificate = read_whole(tls_aid_cert);
	struct buf *key = read_whole(tls_aid_key);
	struct identified i = {
	    .bundle = tls_aid_cert, .identity = {certificate, key}};

	(void)state;
	i.server = tls_server_start(NULL);
	print_message(
	    "%u calls failed\n", failing_each(ask_as_somebody, &i, true));
	i.bundle = tls_aid_other;
	(void)failing_each(is_refused, &i, true);
	tls_server_stop(&i.server);
	buf_free(certificate);
	buf_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_a_server_certified_by_the_bundle_is_trusted),
	    cmocka_unit_test(a_traced_request_tells_how_far_it_came),
	    cmocka_unit_test(what_was_decrypted_is_in_the_answer_alone),
	    cmocka_unit_test(no_variable_of_curl_adds_trust),
	    cmocka_unit_test(a_bundle_without_certificates_is_refused),
	    cmocka_unit_test(tls_below_1_2_is_refused),
	    cmocka_unit_test(each_call_of_a_request_may_fail),
	};

	return cmocka_run_group_tests(tests, tls_aid_set_up, tls_aid_tear_down);
}

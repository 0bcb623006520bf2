/* SPDX-License-Identifier: Apache-2.0 */
/* Where requests may go, and what happens when they cannot get there. */
#include "aid/http.h"
#include "aid/loopback.h"
#include "aid/virtual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- what libcurl calls, with faults */

/* Look-ups that hang until the test lets them go on. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t change;
	int begun, ended, released;
} lookups = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};

static void hang(void)
{
	(void)pthread_mutex_lock(&lookups.lock);
	const int number = ++lookups.begun;
	while (number > lookups.released)
		(void)pthread_cond_wait(&lookups.change, &lookups.lock);
	lookups.ended++;
	(void)pthread_cond_broadcast(&lookups.change);
	(void)pthread_mutex_unlock(&lookups.lock);
}

/* Let n look-ups in all go on, and wait for their end. */
static void release_lookups(int n)
{
	(void)pthread_mutex_lock(&lookups.lock);
	lookups.released = n;
	(void)pthread_cond_broadcast(&lookups.change);
	while (lookups.ended < n)
		(void)pthread_cond_wait(&lookups.change, &lookups.lock);
	(void)pthread_mutex_unlock(&lookups.lock);
}

int getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);

	if (node != NULL && strstr(node, ".example") != NULL) {
		if (strncmp(node, "hangs", 5) == 0)
			hang();
		return EAI_NONAME;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, res);
}

int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	int (*real)(int, __CONST_SOCKADDR_ARG, socklen_t);
	struct sockaddr_in sin = {0};

	if (len >= sizeof sin)
		memcpy(&sin, addr.__sockaddr__, sizeof sin);
	errno = 0;
	if (sin.sin_family == AF_INET &&
	    sin.sin_addr.s_addr == inet_addr("192.0.2.1"))
		errno = ENETUNREACH;
	if (sin.sin_family == AF_INET &&
	    sin.sin_addr.s_addr == inet_addr("192.0.2.2"))
		errno = EHOSTUNREACH;
	if (sin.sin_family == AF_INET &&
	    sin.sin_addr.s_addr == inet_addr("192.0.2.3"))
		errno = EACCES;
	if (errno != 0)
		return -1;
	*(void **)&real = dlsym(RTLD_NEXT, "connect");
	return real(fd, addr, len);
}

/* ---- URLs */

static void a_url_that_may_not_be_asked_is_refused(void **state)
{
	static const char *const urls[] = {"", "127.0.0.1", "localhost/x",
	    "http://", "http:///x", "ftp://127.0.0.1/", "file:///etc/passwd",
	    "gopher://127.0.0.1/", "http://192.0.2.1/",
	    "http://sqs.eu-west-1.amazonaws.com/", "http://127.0.0.1.example/",
	    "http://localhost.example/", "http://localhost./",
	    "http://sesame@127.0.0.1/", "http://u:sesame@127.0.0.1/",
	    "https://u:sesame@host.example/", "http://127.0.0.1:1@192.0.2.1/",
	    "http://192.0.2.1#@127.0.0.1/", "http://192.0.2.1?@127.0.0.1/",
	    "http://127.0.0.1:99999/", "http://127.0.0.1:x/",
	    "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y",
	    "http://[::1%25lo]/", "http://[::ffff:127.0.0.1]/", "http://[::]/",
	    "http://0.0.0.0/"};
	struct http *h = http_aid_client(-1);
	struct http_transfer *t;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		struct http_request req = http_aid_get(urls[i]);

		if (http_start(h, &req, &t, &err) != ERR_CONFIG)
			fail_msg("%s: %s", urls[i], err.text);
		assert_null(t);
		assert_null(strstr(err.text, "sesame"));
		assert_non_null(strstr(err.text, "https"));
	}
	http_free(h);
}

/* What it cannot do is told when it is used, with the host's name. */
static void a_permitted_url_fails_only_when_it_is_used(void **state)
{
	static const char *const urls[] = {"http://127.0.0.1:1/",
	    "HTTP://LOCALHOST:1/", "http://[::1]:1", "http://127.9.9.9:1/?q"};
	struct http *h = http_aid_client(-1);

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		struct http_request req = http_aid_get(urls[i]);
		struct http_transfer *t;
		struct err err;
		int rc = http_do(h, &req, &t, &err);

		if (rc != ERR_CONNECT && rc != ERR_UNREACHABLE)
			fail_msg("%s: %s", urls[i], err.text);
		assert_false(http_was_sent(t));
		assert_non_null(strstr(err.text, ":1: "));
		http_transfer_free(t);
	}
	http_free(h);
}

/* ---- names and routes */

static void a_name_without_an_address_is_unreachable(void **state)
{
	struct http_request req =
	    http_aid_get("https://missing.example/secret");
	struct http *h = http_aid_client(-1);

	(void)state;
	http_aid_expect(
	    h, &req, ERR_UNREACHABLE, false, "missing.example: no address");
	http_free(h);
}

static void an_address_without_a_route_is_unreachable(void **state)
{
	struct http_request req = http_aid_get("https://192.0.2.1/");
	struct http *h = http_aid_client(-1);

	(void)state;
	http_aid_expect(h, &req, ERR_UNREACHABLE, false, "192.0.2.1: no route");
	req.url = "https://192.0.2.2/";
	http_aid_expect(h, &req, ERR_UNREACHABLE, false, "no route");
	req.url = "https://192.0.2.3/";
	http_aid_expect(h, &req, ERR_CONNECT, false, "cannot connect");
	http_free(h);
}

/* libcurl's threads end behind the look-ups, and are nobody's leak then. */
static void let_threads_end(void)
{
	const struct timespec ts = {.tv_nsec = 100000000};

	(void)nanosleep(&ts, NULL);
}

/* Nobody can interrupt a look-up, yet nobody waits for it either. */
static void a_look_up_that_hangs_holds_nobody_up(void **state)
{
	const struct loopback_step steps[] = {
	    {.answer = HTTP_AID_OK, .delay_ms = 300}};
	struct loopback *l = loopback_new(steps, 1);
	struct http_request slow = http_aid_get("https://hangs.example/");
	struct http_request good = http_aid_get(loopback_url(l));
	struct http *h = http_aid_client(-1);

	(void)state;
	(void)alarm(60); /* a look-up that is waited for would not end */
	virtual_begin(NULL, 0);
	slow.deadline = http_aid_now() + 150;
	http_aid_expect_timeout(h, &slow, 150, false);
	slow.deadline = http_aid_now() + 5000;
	slow.connect_ms = 100;
	http_aid_expect_timeout(h, &slow, 100, false);
	virtual_end();
	/* The client goes on, and gets rid of what was left meanwhile. */
	release_lookups(2);
	http_aid_expect(h, &good, 0, true, "");
	slow.url = "https://hangs-too.example/";
	slow.connect_ms = 50;
	virtual_begin(NULL, 0);
	http_aid_expect_timeout(h, &slow, 50, false);
	virtual_end();
	http_free(h);
	loopback_free(l);
	release_lookups(3);
	(void)alarm(0);
	let_threads_end();
}

static void a_tls_handshake_that_hangs_times_out(void **state)
{
	const struct loopback_step steps[] = {{.answer = HTTP_AID_OK}};
	struct loopback *l = loopback_new(steps, 1);
	struct http_request req = http_aid_get("");
	struct http *h = http_aid_client(-1);
	char url[64];

	(void)state;
	(void)snprintf(url, sizeof url, "https%s", loopback_url(l) + 4);
	req.url = url;
	req.connect_ms = 100;
	virtual_begin(NULL, 0);
	http_aid_expect_timeout(h, &req, 100, false);
	virtual_end();
	http_free(h);
	loopback_free(l);
}

/* ---- proxies */

static void set_proxies(const char *url)
{
	static const char *const names[] = {"http_proxy", "HTTP_PROXY",
	    "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (url != NULL)
			assert_int_equal(setenv(names[i], url, 1), 0);
		else
			assert_int_equal(unsetenv(names[i]), 0);
	assert_int_equal(unsetenv("no_proxy"), 0);
	assert_int_equal(unsetenv("NO_PROXY"), 0);
}

static void metadata_and_loopback_never_go_through_a_proxy(void **state)
{
	const struct loopback_step no[] = {
	    {.answer = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"}};
	const struct loopback_step yes[] = {{.answer = HTTP_AID_OK}};
	struct loopback *proxy = loopback_new(no, 1);
	struct loopback *l = loopback_new(yes, 1);
	struct http_request req = http_aid_get(loopback_url(l));
	struct http *h = http_aid_client(-1);

	(void)state;
	set_proxies(loopback_url(proxy));
	http_aid_expect(h, &req, 0, true, "");
	req.kind = HTTP_METADATA;
	http_aid_expect(h, &req, 0, true, "");
	req.url = "https://missing.example/";
	http_aid_expect(h, &req, ERR_UNREACHABLE, false, "no address");
	assert_int_equal(loopback_connections(proxy), 0);
	set_proxies(NULL);
	http_free(h);
	loopback_free(l);
	loopback_free(proxy);
}

static struct http_trace trace_get(struct http *h, const char *url)
{
	struct http_request req = http_aid_get(url);
	struct http_transfer *t = NULL;
	struct http_trace trace;

	req.traced = true;
	(void)!http_do(h, &req, &t, NULL);
	assert_non_null(t);
	trace = *http_trace(t);
	http_transfer_free(t);
	return trace;
}

static void a_traced_request_tells_of_the_proxy(void **state)
{
	const struct loopback_step no[] = {
	    {.answer = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"}};
	struct loopback *proxy = loopback_new(no, 1);
	struct http *h = http_aid_client(-1);
	struct http_trace trace;

	(void)state;
	set_proxies(loopback_url(proxy));
	trace = trace_get(h, "https://sqs.example/");
	assert_true(trace.proxied && trace.resolved && !trace.secured);
	assert_string_equal(
	    trace.address, loopback_url(proxy) + strlen("http://"));
	set_proxies("http://proxy.example:3128");
	trace = trace_get(h, "https://sqs.example/");
	assert_true(trace.proxied && !trace.resolved && !trace.connected);
	set_proxies(NULL);
	http_free(h);
	loopback_free(proxy);
}

static void the_service_is_asked_through_the_proxy(void **state)
{
	const struct loopback_step no[] = {
	    {.answer = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"}};
	struct loopback *proxy = loopback_new(no, 1);
	struct http_request req =
	    http_aid_post("https://sqs.example/x", "body");
	struct http *h = http_aid_client(-1);

	(void)state;
	set_proxies(loopback_url(proxy));
	http_aid_expect(h, &req, ERR_CONNECT, false,
	    "sqs.example: the proxy refused: check HTTPS_PROXY and NO_PROXY");
	assert_ptr_equal(
	    strstr(loopback_request(proxy, 0), "CONNECT sqs.example:443 "),
	    loopback_request(proxy, 0));
	assert_int_equal(setenv("NO_PROXY", ".example", 1), 0);
	http_aid_expect(h, &req, ERR_UNREACHABLE, false, "no address");
	assert_int_equal(loopback_requests(proxy), 1);
	set_proxies("http://proxy.example:3128");
	http_aid_expect(h, &req, ERR_UNREACHABLE, false,
	    "sqs.example: no address found for the proxy: check HTTPS_PROXY");
	set_proxies(NULL);
	http_free(h);
	loopback_free(proxy);
}

/* The CONNECT that went out is not the request. */
static void a_request_is_unsent_until_tls_to_the_service_stands(void **state)
{
	const struct loopback_step steps[] = {
	    {.answer = "HTTP/1.1 200 Yes\r\n\r\n", .close = 1},
	    {.answer = "HTTP/1.1 200 Yes\r\n\r\nno TLS here", .close = 1},
	    {.answer = NULL},
	    {.answer = "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"}};
	struct loopback *proxy = loopback_new(steps, 4);
	struct http_request req =
	    http_aid_post("https://sqs.example/x", "body");
	struct http *h = http_aid_client(-1);

	(void)state;
	set_proxies(loopback_url(proxy));
	for (int k = 0; k < 4; k++)
		http_aid_expect(h, &req, ERR_CONNECT, false, "sqs.example: ");
	assert_int_equal(loopback_requests(proxy), 4);
	set_proxies(NULL);
	http_free(h);
	loopback_free(proxy);
}

static void tls_behind_a_proxy_has_a_connections_time(void **state)
{
	const struct loopback_step step = {
	    .answer = "HTTP/1.1 200 Yes\r\n\r\n"};
	struct loopback *proxy = loopback_new(&step, 1);
	struct http_request req =
	    http_aid_post("https://sqs.example/x", "body");
	struct http *h = http_aid_client(-1);

	(void)state;
	set_proxies(loopback_url(proxy));
	req.connect_ms = 100;
	virtual_begin(proxy, 1);
	http_aid_expect_timeout(h, &req, 100, false);
	virtual_end();
	set_proxies(NULL);
	http_free(h);
	loopback_free(proxy);
}

/* ---- the CA bundle; what it does to TLS is in test_tls.c */

static void expect_bundle(const char *given, int rc, const char *text)
{
	const struct http_config cfg = {.ca_bundle = given, .cancel_fd = -1};
	struct err err = {0};
	struct http *h;

	assert_int_equal(http_new(&cfg, &h, &err), rc);
	if (strstr(err.text, text) == NULL)
		fail_msg("%s", err.text);
	http_free(h);
}

static void a_ca_bundle_that_is_given_must_be_a_file(void **state)
{
	(void)state;
	expect_bundle("/nonexistent/ca.pem", ERR_CONFIG,
	    "/nonexistent/ca.pem: No such file");
	expect_bundle("/tmp", ERR_CONFIG, "/tmp is not a file");
	expect_bundle("/dev/null", ERR_CONFIG, "/dev/null is not a file");
	expect_bundle("/proc/self/cmdline", 0, "");
	assert_int_equal(setenv("CURL_CA_BUNDLE", "/nonexistent/curl", 1), 0);
	expect_bundle("", 0, "");
	expect_bundle(NULL, 0, "");
	assert_int_equal(unsetenv("CURL_CA_BUNDLE"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_url_that_may_not_be_asked_is_refused),
	    cmocka_unit_test(a_permitted_url_fails_only_when_it_is_used),
	    cmocka_unit_test(a_name_without_an_address_is_unreachable),
	    cmocka_unit_test(an_address_without_a_route_is_unreachable),
	    cmocka_unit_test(a_look_up_that_hangs_holds_nobody_up),
	    cmocka_unit_test(a_tls_handshake_that_hangs_times_out),
	    cmocka_unit_test(metadata_and_loopback_never_go_through_a_proxy),
	    cmocka_unit_test(the_service_is_asked_through_the_proxy),
	    cmocka_unit_test(a_traced_request_tells_of_the_proxy),
	    cmocka_unit_test(
		a_request_is_unsent_until_tls_to_the_service_stands),
	    cmocka_unit_test(tls_behind_a_proxy_has_a_connections_time),
	    cmocka_unit_test(a_ca_bundle_that_is_given_must_be_a_file),
	};

	set_proxies(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

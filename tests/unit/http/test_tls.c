/* SPDX-License-Identifier: Apache-2.0 */
/* TLS against a server that somebody else wrote: openssl s_server. */
#include "aid/http.h"
#include "aid/loopback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "http/internal.h"

static char folder[] = "/tmp/sqs-entropy-tls-XXXXXX";
static char cert[64], key[64], other[64], other_key[64];

static void path_of(char out[static 64], const char *name)
{
	(void)snprintf(out, 64, "%s/%s", folder, name);
}

/* A child with its standard output on *out, its standard error nowhere. */
static pid_t spawn(const char *const argv[], int *out)
{
	int fd[2], null;
	pid_t child;

	assert_int_equal(pipe(fd), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		null = open("/dev/null", O_RDWR);
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(fd[1], STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
		(void)close(fd[0]);
		(void)execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	(void)close(fd[1]);
	*out = fd[0];
	return child;
}

static bool make_certificate(char *path, char *key_path)
{
	const char *const argv[] = {"openssl", "req", "-x509", "-newkey", "ec",
	    "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
	    "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
	    "-keyout", key_path, "-out", path, NULL};
	int status, out;
	pid_t child = spawn(argv, &out);

	(void)close(out);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	path_of(cert, "cert.pem");
	path_of(key, "key.pem");
	path_of(other, "other.pem");
	path_of(other_key, "other.key");
	if (make_certificate(cert, key) && make_certificate(other, other_key))
		return 0;
	print_message("no openssl command: TLS is not tested\n");
	cert[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(cert);
	(void)unlink(key);
	(void)unlink(other);
	(void)unlink(other_key);
	return rmdir(folder);
}

struct server {
	pid_t child;
	int out;
	char url[64];
};

static struct server server_start(const char *version)
{
	const char *const argv[] = {"openssl", "s_server", "-accept",
	    "127.0.0.1:0", "-www", "-cert", cert, "-key", key, "-cipher",
	    "ALL:@SECLEVEL=0", version, NULL};
	struct server s;
	char line[512];
	size_t len = 0;
	int port = 0;

	if (cert[0] == '\0') {
		print_message("skipped: there is no openssl command\n");
		skip();
	}
	s.child = spawn(argv, &s.out);
	memset(line, 0, sizeof line);
	while (port == 0 && len < sizeof line - 1) {
		const char *at;

		assert_int_equal(read(s.out, line + len, 1), 1);
		at = line[len++] == '\n' ? strstr(line, "ACCEPT ") : NULL;
		at = at != NULL ? strrchr(at, ':') : NULL;
		if (at != NULL)
			port = atoi(at + 1);
	}
	assert_true(port > 0);
	(void)snprintf(s.url, sizeof s.url, "https://127.0.0.1:%d/", port);
	return s;
}

static void server_stop(struct server *s)
{
	(void)kill(s->child, SIGKILL);
	assert_int_equal(waitpid(s->child, NULL, 0), s->child);
	(void)close(s->out);
}

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
	struct server s = server_start(NULL);
	char url[64];

	(void)state;
	expect_tls(s.url, cert, 0, "");
	expect_tls(s.url, NULL, ERR_CONNECT, "cannot verify its certificate");
	expect_tls(s.url, other, ERR_CONNECT, "check the ca-bundle setting");
	(void)snprintf(
	    url, sizeof url, "https://localhost%s", strrchr(s.url, ':'));
	expect_tls(url, cert, ERR_CONNECT, "cannot verify its certificate");
	server_stop(&s);
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
	struct server s = server_start(NULL);
	const int64_t tomorrow = ((int64_t)time(NULL) + 86400) * 1000;
	struct http_trace trace = trace_tls(s.url, cert);

	(void)state;
	assert_true(trace.resolved && trace.connected && trace.secured);
	assert_false(trace.proxied);
	assert_ptr_equal(
	    strstr(s.url, trace.address), s.url + strlen("https://"));
	assert_in_range(trace.expires, tomorrow - 600000, tomorrow);
	trace = trace_tls(s.url, other);
	assert_true(trace.resolved && trace.connected && !trace.secured);
	server_stop(&s);
	trace = trace_tls(s.url, cert);
	assert_true(trace.resolved && !trace.connected && !trace.secured);
	trace = trace_tls("https://name.invalid/", cert);
	assert_false(trace.resolved || trace.connected || trace.proxied);
	assert_string_equal(trace.address, "");
}

static void no_variable_of_curl_adds_trust(void **state)
{
	struct server s = server_start(NULL);

	(void)state;
	assert_int_equal(setenv("CURL_CA_BUNDLE", cert, 1), 0);
	expect_tls(s.url, NULL, ERR_CONNECT, "cannot verify");
	assert_int_equal(unsetenv("CURL_CA_BUNDLE"), 0);
	server_stop(&s);
}

static void a_bundle_without_certificates_is_refused(void **state)
{
	struct server s = server_start(NULL);

	(void)state;
	expect_tls(s.url, key, ERR_CONFIG, "no usable CA certificates");
	server_stop(&s);
}

/* As those do who renew a file: written beside it, renamed over it. */
static void put_bundle(const char *from, const char *to)
{
	char beside[64];

	path_of(beside, "beside.pem");
	assert_int_equal(link(from, beside), 0);
	assert_int_equal(rename(beside, to), 0);
}

static void a_bundle_that_moves_is_read_again(void **state)
{
	struct server s = server_start(NULL);
	char bundle[64];
	struct http_config cfg = {.ca_bundle = bundle, .cancel_fd = -1};
	struct http_request req = http_aid_get(s.url);
	struct http_transfer *t;
	struct http *h;
	struct err err;

	(void)state;
	path_of(bundle, "bundle.pem");
	req.answer_max = 65536;
	assert_int_equal(http_new(&cfg, &h, &err), ERR_CONFIG);
	cfg.bundle_may_come = true;
	assert_int_equal(http_new(&cfg, &h, &err), 0);
	for (int k = 0; k < 2; k++) {
		assert_int_equal(http_start(h, &req, &t, &err), ERR_CONFIG);
		assert_non_null(strstr(err.text, "cannot read the CA bundle"));
		put_bundle(other, bundle);
		http_aid_expect(h, &req, ERR_CONNECT, false, "cannot verify");
		assert_true(http_distrusts(h));
		put_bundle(cert, bundle);
		http_aid_expect(h, &req, 0, true, "");
		assert_false(http_distrusts(h));
		assert_int_equal(unlink(bundle), 0);
		/* The last one stays in force. */
		http_aid_expect(h, &req, 0, true, "");
		http_free(h);
		assert_int_equal(http_new(&cfg, &h, &err), 0);
	}
	http_free(h);
	server_stop(&s);
}

/* Nothing of its file's look has changed. */
static void after_distrust_a_bundle_is_read_whatever_it_looks_like(void **state)
{
	struct server s = server_start(NULL);
	const struct http_config cfg = {.ca_bundle = other, .cancel_fd = -1};
	struct http_request req = http_aid_get(s.url);
	struct http *h;
	struct err err;

	(void)state;
	req.answer_max = 65536;
	assert_int_equal(http_new(&cfg, &h, &err), 0);
	http_aid_expect(h, &req, ERR_CONNECT, false, "cannot verify");
	put_bundle(cert, other);
	assert_int_equal(stat(other, &h->ca_file), 0);
	http_aid_expect(h, &req, 0, true, "");
	http_free(h);
	server_stop(&s);
}

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
	struct server s = server_start(NULL);
	struct early e = begin_early(s.url, cert);

	(void)state;
	while (!e.held->stands)
		drive_other(&e);
	drive_other(&e);
	assert_true(e.held->early && !http_was_sent(e.held));
	expect_released(&e, 0, "");
	assert_true(e.held->early); /* it was not made anew */
	assert_int_equal(http_status(e.held), 200);
	end_early(&e);
	server_stop(&s);
}

/* As with a curl that does not wait where it is expected to. */
static void what_is_held_is_not_sent_even_if_it_could_be(void **state)
{
	struct server s = server_start(NULL);
	struct early e = begin_early(s.url, cert);

	(void)state;
	while (e.held->early) {
		e.held->stands = false;
		drive_other(&e);
	}
	assert_false(http_was_sent(e.held));
	expect_released(&e, 0, "");
	end_early(&e);
	server_stop(&s);
}

static void what_fails_early_is_told_when_it_fails_again(void **state)
{
	struct server s = server_start(NULL);
	struct early e = begin_early(s.url, other);

	(void)state;
	while (!e.held->stands)
		drive_other(&e);
	expect_released(&e, ERR_CONNECT, "cannot verify its certificate");
	assert_true(http_distrusts(e.h));
	end_early(&e);
	server_stop(&s);
	e = begin_early(s.url, cert);
	while (e.held->early)
		drive_other(&e);
	assert_false(http_distrusts(e.h));
	expect_released(&e, ERR_CONNECT, "cannot connect");
	end_early(&e);
}

static void what_is_held_may_be_freed_at_any_time(void **state)
{
	struct server s = server_start(NULL);
	struct early e = begin_early(s.url, cert);

	(void)state;
	end_early(&e);
	e = begin_early(s.url, cert);
	while (!e.held->stands)
		drive_other(&e);
	end_early(&e);
	server_stop(&s);
}

static void tls_below_1_2_is_refused(void **state)
{
	struct server s = server_start("-tls1_1");

	(void)state;
	expect_tls(s.url, cert, ERR_CONNECT, "TLS failed");
	server_stop(&s);
	s = server_start("-tls1_2");
	expect_tls(s.url, cert, 0, "");
	server_stop(&s);
	s = server_start("-tls1_3");
	expect_tls(s.url, cert, 0, "");
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_a_server_certified_by_the_bundle_is_trusted),
	    cmocka_unit_test(a_traced_request_tells_how_far_it_came),
	    cmocka_unit_test(no_variable_of_curl_adds_trust),
	    cmocka_unit_test(a_bundle_without_certificates_is_refused),
	    cmocka_unit_test(a_bundle_that_moves_is_read_again),
	    cmocka_unit_test(tls_below_1_2_is_refused),
	    cmocka_unit_test(tls_begins_while_another_request_is_waited_for),
	    cmocka_unit_test(what_is_held_is_not_sent_even_if_it_could_be),
	    cmocka_unit_test(what_fails_early_is_told_when_it_fails_again),
	    cmocka_unit_test(what_is_held_may_be_freed_at_any_time),
	    cmocka_unit_test(
		after_distrust_a_bundle_is_read_whatever_it_looks_like),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

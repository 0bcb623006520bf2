/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of http that need no network: where plain http may go, and what a
 * head of an answer is. */
#include "base/err.h"
#include "http/head.h"
#include "http/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static void plain_http_may_go_to_loopback_and_metadata_hosts(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", "127.255.255.254",
	    "localhost", "LocalHost", "[::1]", "169.254.169.254",
	    "169.254.170.2", "169.254.170.23", "[fd00:ec2::254]",
	    "[fd00:0ec2:0:0:0:0:0:0254]", "[fd00:ec2::23]"};

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		if (!http_policy_host(hosts[i], true))
			fail_msg("%s is refused", hosts[i]);
}

static void credentials_of_containers_do_not_come_from_imds(void **state)
{
	(void)state;
	assert_false(http_policy_host("169.254.169.254", false));
	assert_false(http_policy_host("[fd00:ec2::254]", false));
	assert_true(http_policy_host("169.254.170.2", false));
	assert_true(http_policy_host("169.254.170.23", false));
	assert_true(http_policy_host("[fd00:ec2::23]", false));
	assert_true(http_policy_host("127.0.0.1", false));
}

static void plain_http_may_go_to_no_other_host(void **state)
{
	static const char *const hosts[] = {"", "0.0.0.0", "128.0.0.1",
	    "10.0.0.1", "126.255.255.255", "169.254.169.253", "169.254.170.3",
	    "1.0.0.127", "localhost.", "localhost.example", "xlocalhost",
	    "127.0.0.1.example", "127.1", "2130706433", "0x7f000001", "[::]",
	    "[::2]", "[::ffff:127.0.0.1]", "[fd00:ec2::253]",
	    "[fd00:ec2:1::254]", "[fe80::1]", "[::1", "::1", "[]", "[",
	    "[::1%lo]",
	    "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]"};

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		if (http_policy_host(hosts[i], true))
			fail_msg("%s is allowed", hosts[i]);
}

static bool address_ok(int family, const char *text)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};

	if (family == AF_INET) {
		assert_int_equal(inet_pton(AF_INET, text, &sin.sin_addr), 1);
		return http_policy_address(
		    (struct sockaddr *)&sin, sizeof sin, true);
	}
	assert_int_equal(inet_pton(AF_INET6, text, &sin6.sin6_addr), 1);
	return http_policy_address((struct sockaddr *)&sin6, sizeof sin6, true);
}

static void plain_http_connects_to_loopback_and_metadata_alone(void **state)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr other = {.sa_family = AF_UNIX};

	(void)state;
	assert_true(address_ok(AF_INET, "127.0.0.53"));
	assert_true(address_ok(AF_INET, "169.254.169.254"));
	assert_true(address_ok(AF_INET6, "::1"));
	assert_true(address_ok(AF_INET6, "fd00:ec2::254"));
	assert_false(address_ok(AF_INET, "192.0.2.1"));
	assert_false(address_ok(AF_INET, "169.254.1.1"));
	assert_false(address_ok(AF_INET6, "::ffff:127.0.0.1"));
	assert_false(address_ok(AF_INET6, "2001:db8::1"));
	assert_false(http_policy_address(&other, sizeof other, true));
	assert_false(http_policy_address((struct sockaddr *)&sin, 4, true));
}

static int feed(struct http_head *h, const char *line)
{
	return http_head_add(h, line, strlen(line));
}

static struct http_head *head_new(void)
{
	struct http_head *h = calloc(1, sizeof *h);

	assert_non_null(h);
	return h;
}

static void the_headers_of_the_final_answer_alone_are_kept(void **state)
{
	struct http_head *h = head_new();

	(void)state;
	assert_int_equal(feed(h, "HTTP/1.1 103 Early Hints\r\n"), 0);
	assert_int_equal(feed(h, "Link: early\r\n"), 0);
	assert_int_equal(feed(h, "\r\n"), 0);
	assert_false(h->whole);
	assert_int_equal(feed(h, "HTTP/1.1 200\r\n"), 0);
	assert_int_equal(h->status, 200);
	assert_null(http_head_get(h, "link"));
	assert_int_equal(feed(h, "Date: \t a b \t\r\n"), 0);
	assert_int_equal(feed(h, "X-Empty:\r\n"), 0);
	assert_int_equal(feed(h, "date:second\n"), 0);
	assert_int_equal(feed(h, "\r\n"), 0);
	assert_true(h->whole);
	assert_int_equal(feed(h, "X-Trailer: late\r\n"), 0);
	assert_string_equal(http_head_get(h, "DATE"), "a b");
	assert_string_equal(http_head_get(h, "x-empty"), "");
	assert_null(http_head_get(h, "x-trailer"));
	assert_null(http_head_get(h, "dat"));
	assert_null(http_head_get(h, "a b"));
	free(h);
}

static void a_malformed_line_of_a_head_is_refused(void **state)
{
	static const char *const lines[] = {"HTTP/1.1\r\n", "HTTP/1.1 2\r\n",
	    "HTTP/1.1 2x0 OK\r\n", "HTTP/1.1 2000\r\n", "HTTP/1.1 099 OK\r\n",
	    "no colon\r\n", ": no name\r\n", " folded: line\r\n",
	    "\tfolded\r\n", "Name : value\r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct http_head *h = head_new();

		assert_int_equal(feed(h, "HTTP/1.1 200 OK\r\n"), 0);
		if (feed(h, lines[i]) != ERR_FORMAT)
			fail_msg("accepted: %s", lines[i]);
		free(h);
	}
}

static void a_head_has_a_ceiling_over_all_its_lines(void **state)
{
	struct http_head *h = head_new();
	char line[1024];
	size_t left;

	(void)state;
	memset(line, 'a', sizeof line);
	memcpy(line, "X:", 2);
	line[sizeof line - 1] = '\n';
	assert_int_equal(http_head_add(h, "X: a\0b", 6), ERR_FORMAT);
	memset(h, 0, sizeof *h);
	for (left = HTTP_HEAD_MAX; left >= sizeof line; left -= sizeof line)
		assert_int_equal(http_head_add(h, line, sizeof line), 0);
	assert_int_equal(http_head_add(h, "X:a", 3), ERR_LIMIT);
	/* Without line ends, stored lines are longer than they came. */
	memset(h, 0, sizeof *h);
	for (left = 0; http_head_add(h, "a:", 2) == 0; left++)
		assert_true(left < HTTP_HEAD_MAX);
	assert_true(h->len <= HTTP_HEAD_MAX);
	/* Interim answers do not reset what was counted. */
	memset(h, 0, sizeof *h);
	for (left = 0; feed(h, "HTTP/1.1 100 Continue\r\n") == 0; left++)
		assert_true(left < HTTP_HEAD_MAX);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_http_may_go_to_loopback_and_metadata_hosts),
	    cmocka_unit_test(credentials_of_containers_do_not_come_from_imds),
	    cmocka_unit_test(plain_http_may_go_to_no_other_host),
	    cmocka_unit_test(
		plain_http_connects_to_loopback_and_metadata_alone),
	    cmocka_unit_test(the_headers_of_the_final_answer_alone_are_kept),
	    cmocka_unit_test(a_malformed_line_of_a_head_is_refused),
	    cmocka_unit_test(a_head_has_a_ceiling_over_all_its_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "aid/confine.h"
#include "aid/keys.h"
#include "aid/virtual.h"
#include "base/clock.h"
#include "confine/steps.h"
#include "producer/offline/notify.h"

static struct notify n;
static struct err err;
static int manager = -1; /* the service manager's socket */

/* name as in NOTIFY_SOCKET. */
static void listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const size_t len = strlen(name);

	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(manager >= 0);
	assert_int_equal(
	    bind(manager, (struct sockaddr *)(void *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
	    0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
}

/* The next datagram; "" when there is none. */
static const char *heard(void)
{
	static char text[1024];
	const ssize_t len = recv(manager, text, sizeof text - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	return text;
}

static void set_pid(long pid)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%ld", pid);
	assert_int_equal(setenv("WATCHDOG_PID", text, 1), 0);
}

static int setup(void **state)
{
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	memset(&err, 0, sizeof err);
	n.fd = -1;
	return keys_setup(state);
}

static int teardown(void **state)
{
	notify_close(&n);
	if (manager >= 0)
		(void)close(manager);
	manager = -1;
	return keys_teardown(state);
}

static void without_a_manager_nothing_happens(void **state)
{
	static const char *const none[] = {NULL, ""};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		if (none[i] != NULL)
			(void)setenv("NOTIFY_SOCKET", none[i], 1);
		(void)setenv("WATCHDOG_USEC", "1000000", 1);
		assert_int_equal(notify_open(&n, &err), 0);
		assert_int_equal(n.fd, -1);
		assert_int_equal(n.watchdog_ms, 0);
		assert_int_equal(notify_send(&n, 10, "READY=1"), 0);
		assert_null(getenv("WATCHDOG_USEC"));
	}
}

static void talks_to(const char *name)
{
	listen_at(name);
	assert_int_equal(notify_open(&n, &err), 0);
	assert_true(n.fd > 2);
	assert_int_equal(fcntl(n.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(notify_send(&n, 0, "READY=1\nSTATUS=x"), 0);
	assert_string_equal(heard(), "READY=1\nSTATUS=x");
	assert_string_equal(heard(), "");
	assert_null(getenv("NOTIFY_SOCKET"));
}

static void a_manager_is_reached_by_a_path(void **state)
{
	talks_to(keys_path(*state, "notify"));
}

static void a_manager_is_reached_by_an_abstract_address(void **state)
{
	char name[64];

	(void)state;
	(void)snprintf(
	    name, sizeof name, "@sqs-entropy-test-%ld", (long)getpid());
	talks_to(name);
}

static void an_address_of_another_kind_is_not_supported(void **state)
{
	char longer[200] = "/";
	const char *const bad[] = {
	    "vsock:2:1", "relative", "@", "/", longer, "inet:127.0.0.1:1"};

	(void)state;
	memset(longer + 1, 'x', sizeof longer - 2);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		(void)setenv("NOTIFY_SOCKET", bad[i], 1);
		(void)setenv("WATCHDOG_USEC", "3000000", 1);
		assert_int_equal(notify_open(&n, &err), ERR_UNSUPPORTED);
		assert_int_equal(n.fd, -1);
		assert_int_equal(n.watchdog_ms, 0);
		assert_int_equal(notify_send(&n, 0, "READY=1"), 0);
		assert_null(getenv("NOTIFY_SOCKET"));
		assert_null(getenv("WATCHDOG_USEC"));
	}
}

/* The longest path that unix(7) takes. */
static void a_manager_is_reached_by_the_longest_path(void **state)
{
	const size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
	char name[sizeof((struct sockaddr_un *)NULL)->sun_path + 1];
	size_t len = strlen(keys_path(*state, ""));

	memset(name, 'x', sizeof name);
	memcpy(name, keys_path(*state, ""), len);
	name[most] = '\0';
	talks_to(name);
}

static void a_manager_that_is_not_there_is_an_error(void **state)
{
	(void)setenv("NOTIFY_SOCKET", keys_path(*state, "nobody"), 1);
	assert_int_equal(notify_open(&n, &err), ERR_IO);
	assert_non_null(strstr(err.text, "nobody"));
	assert_int_equal(n.fd, -1);
	assert_null(getenv("NOTIFY_SOCKET"));
}

static void a_manager_that_goes_away_is_an_error(void **state)
{
	talks_to(keys_path(*state, "notify"));
	(void)close(manager);
	manager = -1;
	assert_int_equal(notify_send(&n, 1000, "WATCHDOG=1"), ERR_IO);
	assert_int_equal(notify_send(&n, 0, "WATCHDOG=1"), ERR_IO);
}

static int64_t watchdog(const char *usec, long pid)
{
	notify_close(&n);
	(void)setenv("WATCHDOG_USEC", usec, 1);
	if (pid != 0)
		set_pid(pid);
	else
		(void)unsetenv("WATCHDOG_PID");
	assert_int_equal(notify_open(&n, &err), 0);
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	return n.watchdog_ms;
}

static void the_watchdogs_time_counts_for_its_own_process(void **state)
{
	static const struct {
		const char *usec;
		int64_t ms;
	} times[] = {{"180000000", 180000}, {"1", 1}, {"999", 1}, {"1500", 1},
	    {"18446744073709551615", 18446744073709551}, {"0", 0}, {"", 0},
	    {"-1", 0}, {" 5", 0}, {"5s", 0}, {"0x10", 0},
	    {"18446744073709551616", 0}};
	const char *name = keys_path(*state, "notify");

	listen_at(name);
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		(void)setenv("NOTIFY_SOCKET", name, 1);
		assert_int_equal(watchdog(times[i].usec, 0), times[i].ms);
		(void)setenv("NOTIFY_SOCKET", name, 1);
		assert_int_equal(
		    watchdog(times[i].usec, getpid()), times[i].ms);
		(void)setenv("NOTIFY_SOCKET", name, 1);
		assert_int_equal(watchdog(times[i].usec, getppid()), 0);
	}
}

static void what_is_long_is_not_cut(void **state)
{
	char text[1000];

	talks_to(keys_path(*state, "notify"));
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	assert_int_equal(notify_send(&n, 0, text), 0);
	assert_string_equal(heard(), text);
}

/* A manager that does not read, such as one that is stopped. */
static void a_full_socket_does_not_block(void **state)
{
	int rc = 0;
	int64_t began;

	talks_to(keys_path(*state, "notify"));
	for (int i = 0; rc == 0 && i < 100000; i++)
		rc = notify_send(&n, 0, "WATCHDOG=1");
	assert_int_equal(rc, ERR_TIMEOUT);
	began = clock_read(CLOCK_MONOTONIC);
	assert_int_equal(notify_send(&n, 100, "READY=1"), ERR_TIMEOUT);
	/* A wait without an end would be one. */
	assert_in_range(
	    clock_read(CLOCK_MONOTONIC) - began, 100, 100 + VIRTUAL_LATE_MS);
	assert_string_equal(heard(), "WATCHDOG=1");
	assert_int_equal(notify_send(&n, 0, "READY=1"), 0);
}

static void says_it_confined(void)
{
	static const char *const nothing[] = {NULL};

	CHECK(confine_files(nothing, false, &err) == 0);
	CHECK(confine_calls(CONFINE_PRODUCER_OFFLINE, &err) == 0);
	CHECK(notify_send(&n, 0, "WATCHDOG=1") == 0);
	CHECK(notify_send(&n, 1000, "STOPPING=1") == 0);
}

static void it_works_when_confined(void **state)
{
	SKIP_IF(confine_aid_valgrind(), "valgrind's own calls are refused");
	talks_to(keys_path(*state, "notify"));
	confine_aid_run(says_it_confined);
	assert_string_equal(heard(), "WATCHDOG=1");
	assert_string_equal(heard(), "STOPPING=1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(without_a_manager_nothing_happens),
	    TEST(a_manager_is_reached_by_a_path),
	    TEST(a_manager_is_reached_by_an_abstract_address),
	    TEST(an_address_of_another_kind_is_not_supported),
	    TEST(a_manager_is_reached_by_the_longest_path),
	    TEST(a_manager_that_is_not_there_is_an_error),
	    TEST(a_manager_that_goes_away_is_an_error),
	    TEST(the_watchdogs_time_counts_for_its_own_process),
	    TEST(what_is_long_is_not_cut),
	    TEST(a_full_socket_does_not_block),
	    TEST(it_works_when_confined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

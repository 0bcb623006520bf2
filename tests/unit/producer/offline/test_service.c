/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/record.h"
#include "producer/offline/service.h"

static int pair[2]; /* [0]: the other end's */
static struct notify notify;
static struct service service;
static const struct record_heartbeat sign = {
    .sent = {340}, .queues = 1, .visible = {12}};

static int setup(void **state)
{
	(void)state;
	service = (struct service){.notify = &notify};
	return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) == 0 &&
		       (notify.fd = pair[1]) >= 0
		   ? 0
		   : -1;
}

static int teardown(void **state)
{
	(void)state;
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}

static const char *heard(void)
{
	static char text[SERVICE_STATUS_MAX];
	const ssize_t len = recv(pair[0], text, sizeof text - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	return text;
}

static void ready_takes_the_test_and_the_online_half(void **state)
{
	(void)state;
	service_tested(&service);
	assert_string_equal(heard(), "");
	service_heartbeat(&service, &sign, 5000);
	/* What systemctl status says is true from then on. */
	assert_string_equal(
	    heard(), "READY=1\nSTATUS=12 messages in the queue, 340 sent");
	assert_string_equal(
	    heard(), "WATCHDOG=1\nSTATUS=12 messages in the queue, 340 sent");
	service_heartbeat(&service, &sign, 7000);
	assert_non_null(strstr(heard(), "WATCHDOG=1"));
	assert_string_equal(heard(), "");
}

static void ready_is_told_in_the_other_order_too(void **state)
{
	(void)state;
	/* Not a sign of life before there is anything to watch. */
	service_heartbeat(&service, &sign, 5000);
	assert_string_equal(heard(), "");
	service_tested(&service);
	assert_string_equal(
	    heard(), "READY=1\nSTATUS=12 messages in the queue, 340 sent");
	assert_string_equal(heard(), "");
}

static void a_slow_test_asks_for_more_time(void **state)
{
	(void)state;
	service_testing(&service, 1000);
	assert_string_equal(heard(),
	    "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=testing the sources");
	service_testing(&service, 10999);
	assert_string_equal(heard(), "");
	service_testing(&service, 11000);
	assert_non_null(strstr(heard(), "EXTEND_TIMEOUT_USEC="));
	service_tested(&service);
	service_testing(&service, 99000);
	assert_string_equal(heard(), "");
}

static void make_ready(void)
{
	service_tested(&service);
	service_heartbeat(&service, &sign, 1);
	assert_non_null(strstr(heard(), "READY=1"));
	assert_non_null(strstr(heard(), "WATCHDOG=1"));
}

static void what_it_does_is_told(void **state)
{
	struct record_heartbeat heartbeat = {
	    .queues = 1, .visible = {-1}, .code = {ERR_TIMEOUT}};

	(void)state;
	make_ready();
	service_heartbeat(&service, &heartbeat, 2000);
	assert_string_equal(heard(),
	    "WATCHDOG=1\nSTATUS=the queue has not been reached yet, 0 sent; "
	    "the last try failed: timed out");
	service_stopping(&service);
	assert_string_equal(heard(), "STOPPING=1");
}

static void a_wrong_clock_is_told(void **state)
{
	struct record_heartbeat heartbeat = {.sent = {20},
	    .behind = 7200,
	    .queues = 1,
	    .visible = {3},
	    .code = {ERR_ABSENT}};

	(void)state;
	make_ready();
	service_heartbeat(&service, &heartbeat, 2000);
	assert_string_equal(heard(),
	    "WATCHDOG=1\nSTATUS=3 messages in the queue, 20 sent; this "
	    "machine's clock is 7200 s behind");
	heartbeat.behind = -301;
	service_heartbeat(&service, &heartbeat, 4000);
	assert_non_null(
	    strstr(heard(), "; this machine's clock is 301 s ahead"));
	heartbeat.behind = 0;
	heartbeat.code[0] = 0;
	service_heartbeat(&service, &heartbeat, 6000);
	assert_null(strstr(heard(), "clock"));
}

static void of_several_queues_each_trouble_is_told(void **state)
{
	struct record_heartbeat heartbeat = {.sent = {20},
	    .queues = 3,
	    .visible = {3, -1, 40},
	    .code = {0, ERR_CONNECT, ERR_DENIED}};
	char expected[SERVICE_STATUS_MAX];

	(void)state;
	make_ready();
	service_heartbeat(&service, &heartbeat, 2000);
	(void)snprintf(expected, sizeof expected,
	    "WATCHDOG=1\nSTATUS=43 messages in 2 of 3 queues, 20 sent; queue 2: "
	    "the last try failed: %s; queue 3: the last try failed: %s",
	    err_text(ERR_CONNECT), err_text(ERR_DENIED));
	assert_string_equal(heard(), expected);
	heartbeat = (struct record_heartbeat){
	    .queues = 2, .visible = {3, 4}, .behind = 301};
	service_heartbeat(&service, &heartbeat, 4000);
	assert_string_equal(heard(),
	    "WATCHDOG=1\nSTATUS=7 messages in 2 queues, 0 sent; this machine's "
	    "clock is 301 s behind");
}

/* Whatever a compromised online half writes there. */
static void odd_records_are_one_line(void **state)
{
	static const int64_t numbers[] = {INT64_MIN, -2, INT64_MAX};
	static const int32_t codes[] = {INT32_MIN, INT32_MAX, -1000, 5};
	const char *text;

	(void)state;
	make_ready();
	for (size_t i = 0; i < 12; i++) {
		struct record_heartbeat heartbeat = {.sent = {UINT64_MAX},
		    .behind = i % 5 == 0 ? 0 : codes[i % 2],
		    .queues = i % 2 == 0 ? 1 : LIMIT_QUEUES};

		for (size_t q = 0; q < LIMIT_QUEUES; q++) {
			heartbeat.visible[q] = numbers[(i + q) % 3];
			heartbeat.code[q] = codes[(i + q) % 4];
		}

		service_heartbeat(
		    &service, &heartbeat, 10000 * ((int64_t)i + 1));
		text = heard();
		assert_int_equal(strncmp(text, "WATCHDOG=1\nSTATUS=", 18), 0);
		assert_null(strchr(text + 18, '\n'));
		assert_true(strlen(text) < SERVICE_STATUS_MAX - 1);
	}
}

static unsigned count_heard(void)
{
	unsigned n = 0;

	while (heard()[0] != '\0')
		n++;
	return n;
}

static void a_flood_is_not_passed_on(void **state)
{
	unsigned n = 0;

	(void)state;
	make_ready();
	for (int64_t i = 0; i < 100000; i++) {
		service_heartbeat(&service, &sign, 2000 + i / 10000);
		n += count_heard();
	}
	assert_in_range(n, 1, 20);
	service_heartbeat(&service, &sign, 3500);
	assert_int_equal(count_heard(), 1);
}

static void the_same_is_told_again_when_it_is_due(void **state)
{
	struct record_heartbeat other = sign;

	(void)state;
	notify.watchdog_ms = 3000;
	make_ready();
	for (int64_t now_ms = 2000; now_ms < 2500; now_ms += 10)
		service_heartbeat(&service, &sign, now_ms);
	assert_int_equal(count_heard(), 1);
	service_heartbeat(&service, &sign, 2500);
	assert_int_equal(count_heard(), 1);
	/* News is told at once. */
	other.sent[0]++;
	service_heartbeat(&service, &other, 2501);
	assert_non_null(strstr(heard(), "341 sent"));
	notify.watchdog_ms = 0;
}

static void a_manager_that_is_gone_does_no_harm(void **state)
{
	(void)state;
	(void)close(pair[0]);
	service_testing(&service, 1000);
	service_tested(&service);
	service_heartbeat(&service, &sign, 2000);
	service_stopping(&service);
	pair[0] = -1;
}

static void without_a_manager_nobody_listens(void **state)
{
	(void)state;
	notify.fd = -1;
	service_testing(&service, 1000);
	service_tested(&service);
	service_heartbeat(&service, &sign, 2000);
	service_stopping(&service);
	assert_string_equal(heard(), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(ready_takes_the_test_and_the_online_half),
	    TEST(ready_is_told_in_the_other_order_too),
	    TEST(a_slow_test_asks_for_more_time),
	    TEST(what_it_does_is_told),
	    TEST(a_wrong_clock_is_told),
	    TEST(of_several_queues_each_trouble_is_told),
	    TEST(odd_records_are_one_line),
	    TEST(a_flood_is_not_passed_on),
	    TEST(the_same_is_told_again_when_it_is_due),
	    TEST(a_manager_that_is_gone_does_no_harm),
	    TEST(without_a_manager_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

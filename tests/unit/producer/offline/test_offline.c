/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "aid/keys.h"
#include "aid/logged.h"
#include "aid/virtual.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/record.h"
#include "crypto/digest.h"
#include "producer/offline/offline.h"
#include "producer/record.h"

#define ACCOUNT    "123456789012"
#define SOURCE_LEN 65536
#define STARTUP    HEALTH_STARTUP

/* The real offline half, with records as an online half might send them. */
struct bench {
	int pair[2]; /* [0]: the online half's end */
	int stop[2];
	int manager; /* -1: none */
	struct keys *keys;
	struct conf conf;
	struct producer_offline offline;
	struct err err;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	void *keys;

	assert_non_null(b);
	(void)unsetenv("NOTIFY_SOCKET");
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, b->pair), 0);
	assert_int_equal(pipe(b->stop), 0);
	assert_int_equal(keys_setup(&keys), 0);
	b->keys = keys;
	b->manager = -1;
	strcpy(b->conf.common.queues[0], "q");
	b->conf.message_bytes = 512;
	b->conf.bits_per_byte = 1;
	(void)snprintf(b->conf.device, sizeof b->conf.device, "%s",
	    keys_path(b->keys, "source"));
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	void *keys = b->keys;

	for (int i = 0; i < 2; i++) {
		(void)close(b->pair[i]);
		(void)close(b->stop[i]);
	}
	if (b->manager >= 0)
		(void)close(b->manager);
	producer_offline_close(&b->offline);
	(void)keys_teardown(&keys);
	free(b);
	return 0;
}

static void write_source(const struct bench *b, size_t len)
{
	static uint8_t data[SOURCE_LEN];
	const int fd = open(b->conf.device, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(keys_random(data, sizeof data), 0);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(close(fd), 0);
}

/* With a writer, or a reader would find its end. */
static int silent_source(const struct bench *b)
{
	assert_int_equal(mkfifo(b->conf.device, 0600), 0);
	return open(b->conf.device, O_RDWR | O_NONBLOCK);
}

static void with_manager(struct bench *b)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)strcpy(address.sun_path, keys_path(b->keys, "notify"));
	b->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(b->manager, (struct sockaddr *)(void *)&address,
			     sizeof address),
	    0);
	assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
}

/* Whether the manager hears a notification that begins so, next or later. */
static bool hears(const struct bench *b, const char *wanted)
{
	char text[512];
	ssize_t len;

	while ((len = recv(b->manager, text, sizeof text - 1, 0)) > 0) {
		text[len] = '\0';
		if (strncmp(text, wanted, strlen(wanted)) == 0)
			return true;
	}
	return false;
}

static void open_bench(struct bench *b)
{
	assert_int_equal(
	    producer_offline_open(&b->offline, &b->conf, &b->err), 0);
}

static void put(
    const struct bench *b, uint32_t type, const void *data, size_t len)
{
	assert_int_equal(record_send(b->pair[0], type, data, len, -1, 1), 0);
}

static void ask_for(const struct bench *b, uint32_t most)
{
	const struct record_ask a = {
	    .most = most, .found = {"eu-west-1", ACCOUNT, "q"}};

	put(b, RECORD_ASK, &a, sizeof a);
}

static void ask(const struct bench *b)
{
	ask_for(b, 1);
}

static void sign(const struct bench *b)
{
	const struct record_heartbeat heartbeat = {.queues = 1, .visible = {1}};

	put(b, RECORD_HEARTBEAT, &heartbeat, sizeof heartbeat);
}

/* The online half says no more. */
static void hang_up(struct bench *b)
{
	assert_int_equal(shutdown(b->pair[0], SHUT_WR), 0);
}

static int run(struct bench *b)
{
	return producer_offline_run(
	    &b->offline, b->pair[1], b->stop[0], &b->err);
}

/* What an answer says. */
struct got {
	size_t n;
	int code, last;
	struct message at[LIMIT_BATCH];
};

static void read_answer(
    const struct bench *b, const uint8_t *data, size_t len, struct got *got)
{
	const size_t head = offsetof(struct message, payload);
	struct record_answer answer;
	size_t at = sizeof answer;

	assert_true(len >= sizeof answer);
	memcpy(&answer, data, sizeof answer);
	memset(got, 0, sizeof *got);
	got->code = answer.code;
	got->last = answer.last;
	while (at < len) {
		struct message *m = &got->at[got->n++];

		assert_true(got->n <= LIMIT_BATCH && len - at >= head);
		memcpy(m, data + at, head);
		assert_int_equal(m->payload_len, b->conf.message_bytes);
		assert_true(len - at >= message_record_len(m));
		memcpy(m, data + at, message_record_len(m));
		assert_int_equal(
		    message_take_record(m, message_record_len(m)), 0);
		/* What the memory held before stays in this half. */
		for (size_t k = m->entropy_len; k < sizeof m->entropy; k++)
			assert_int_equal(m->entropy[k], 0);
		assert_true(m->sent == 0 && m->receive_count == 0);
		at += message_record_len(m);
	}
}

/* One answer that comes until then; false: none. */
static bool take_answer(const struct bench *b, int64_t until, struct got *got)
{
	static uint8_t data[RECORD_MAX];
	uint32_t type;
	size_t len;

	if (record_receive(
		b->pair[0], &type, data, sizeof data, &len, -1, until) != 0)
		return false;
	assert_int_equal(type, RECORD_ANSWER);
	read_answer(b, data, len, got);
	return true;
}

/* Messages that the online half finds. */
static size_t messages(const struct bench *b)
{
	static struct got got;
	size_t n = 0;

	while (take_answer(b, 1, &got))
		n += got.n;
	return n;
}

static void *in_thread(void *bench)
{
	static int rc;

	rc = run(bench);
	return &rc;
}

/* An answer comes, with so many messages and a failure or none. */
static void expect_answer(const struct bench *b, size_t n, int code)
{
	static struct got got;

	assert_true(take_answer(b, clock_read(CLOCK_MONOTONIC) + 60000, &got));
	assert_int_equal(got.n, n);
	assert_int_equal(got.code, code);
	assert_int_equal(got.last, 0);
	for (size_t k = 1; k < n; k++)
		assert_memory_not_equal(got.at[k - 1].payload,
		    got.at[k].payload, got.at[k].payload_len);
}

static void expect_message(const struct bench *b)
{
	expect_answer(b, 1, 0);
}

static void each_ask_has_one_answer(void **state)
{
	struct bench *b = *state;
	pthread_t thread;
	void *rc;

	write_source(b, SOURCE_LEN);
	open_bench(b);
	assert_int_equal(pthread_create(&thread, NULL, in_thread, b), 0);
	sign(b);
	for (int i = 0; i < 22; i++) {
		ask(b);
		sign(b);
		sign(b);
		expect_message(b);
	}
	hang_up(b);
	assert_int_equal(pthread_join(thread, &rc), 0);
	assert_int_equal(*(int *)rc, 0);
	assert_int_equal(messages(b), 0);
}

/* Or as many as a record has room for: one of the largest. */
static void an_answer_has_as_many_messages_as_it_was_asked_for(void **state)
{
	struct bench *b = *state;
	pthread_t thread;

	for (int i = 0; i < 2; i++) {
		write_source(b, SOURCE_LEN);
		open_bench(b);
		assert_int_equal(
		    pthread_create(&thread, NULL, in_thread, b), 0);
		for (uint32_t most = i == 0 ? 1 : LIMIT_BATCH;
		     most <= LIMIT_BATCH; most++) {
			ask_for(b, most);
			expect_answer(b, i == 0 ? most : 1, 0);
		}
		assert_int_equal(write(b->stop[1], "", 1), 1);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(read(b->stop[0], &(char){0}, 1), 1);
		assert_int_equal(messages(b), 0);
		b->conf.message_bytes = MESSAGE_PAYLOAD_MAX;
		(void)unlink(b->conf.device);
		if (i == 0)
			producer_offline_close(&b->offline);
	}
}

static void what_was_made_before_a_failure_comes_with_it(void **state)
{
	struct bench *b = *state;
	pthread_t thread;

	write_source(b, STARTUP + 3 * 512);
	open_bench(b);
	logged_begin(LOG_LEVEL_NOTICE);
	assert_int_equal(pthread_create(&thread, NULL, in_thread, b), 0);
	ask_for(b, LIMIT_BATCH);
	expect_answer(b, 3, ERR_EOF);
	ask_for(b, LIMIT_BATCH);
	expect_answer(b, 0, ERR_EOF);
	hang_up(b);
	assert_int_equal(pthread_join(thread, NULL), 0);
	logged_end();
}

static void before_it_is_ready_an_ask_waits(void **state)
{
	struct bench *b = *state;
	struct record_heartbeat heartbeat = {.queues = 1, .visible = {3}};
	int fd;

	with_manager(b);
	fd = silent_source(b);
	open_bench(b);
	ask(b);
	put(b, RECORD_HEARTBEAT, &heartbeat, sizeof heartbeat);
	assert_true(fd >= 0);
	assert_int_equal(write(b->stop[1], "", 1), 1);
	assert_int_equal(run(b), ERR_CANCELED);
	assert_int_equal(b->err.code, 0);
	assert_int_equal(messages(b), 0);
	assert_false(hears(b, "READY=1"));
	(void)close(fd);
}

static void the_manager_is_told_ready_and_stopping(void **state)
{
	struct bench *b = *state;

	with_manager(b);
	write_source(b, SOURCE_LEN);
	open_bench(b);
	sign(b);
	ask(b);
	/* What stops it comes as a record that no online half sends. */
	put(b, 99, "x", 1);
	assert_int_equal(run(b), ERR_FORMAT);
	assert_true(hears(b, "READY=1"));
	assert_true(hears(b, "STOPPING=1"));
}

static void a_record_that_no_online_half_sends_ends_the_run(void **state)
{
	struct bench *b = *state;
	const struct record_ask far = {
	    .most = 1, .found = {"evil.example/", ACCOUNT, "q"}};
	const struct record_ask other = {.most = 1, .entry = 1};
	const struct record_ask nothing = {.most = 0};
	const struct record_ask lots = {.most = LIMIT_BATCH + 1};
	const struct record_heartbeat heartbeat = {.queues = 1};
	const struct record_heartbeat none = {.queues = 0};
	const struct record_heartbeat many = {.queues = LIMIT_QUEUES + 1};
	const struct {
		uint32_t type;
		const void *data;
		size_t len;
	} bad[] = {
	    {RECORD_ASK, &far, sizeof far},
	    {RECORD_ASK, &far, sizeof far - 1},
	    {RECORD_ASK, &far, 0},
	    {RECORD_ASK, &other, sizeof other},
	    {RECORD_ASK, &nothing, sizeof nothing},
	    {RECORD_ASK, &lots, sizeof lots},
	    {RECORD_HEARTBEAT, &none, sizeof none},
	    {RECORD_HEARTBEAT, &many, sizeof many},
	    {RECORD_HEARTBEAT, &heartbeat, sizeof heartbeat - 1},
	    {RECORD_HEARTBEAT, &heartbeat, 0},
	    {RECORD_ANSWER, "", 0},
	    {RECORD_ANSWER, &heartbeat, 8},
	    {0, &heartbeat, sizeof heartbeat},
	};

	write_source(b, SOURCE_LEN);
	open_bench(b);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		put(b, bad[i].type, bad[i].data, bad[i].len);
		assert_int_equal(run(b), ERR_FORMAT);
		assert_int_equal(b->err.code, ERR_FORMAT);
	}
}

static void asks_do_not_pile_up(void **state)
{
	struct bench *b = *state;
	const int fd = silent_source(b);

	open_bench(b);
	for (int i = 0; i < 3; i++)
		ask(b);
	assert_int_equal(run(b), ERR_FORMAT);
	(void)close(fd);
}

/* It is an empty file: each try finds its end. */
static void a_source_that_fails_is_told_at_each_change(void **state)
{
	struct bench *b = *state;
	pthread_t thread;
	char text[2048];

	write_source(b, 0);
	open_bench(b);
	logged_begin(LOG_LEVEL_NOTICE);
	assert_int_equal(pthread_create(&thread, NULL, in_thread, b), 0);
	for (int i = 0; i < 20; i++) {
		ask(b);
		expect_answer(b, 0, ERR_EOF);
	}
	logged_take(text, sizeof text);
	assert_in_range(strlen(text), 1, 400);
	assert_non_null(strstr(text, "/source"));
	assert_int_equal(unlink(b->conf.device), 0);
	write_source(b, STARTUP + 512);
	ask(b);
	expect_message(b);
	hang_up(b);
	assert_int_equal(pthread_join(thread, NULL), 0);
	logged_take(text, sizeof text);
	assert_string_equal(text, "messages can be made again after 0 s\n");
	logged_end();
}

/* Not after the 30 s that a silent source is given. */
static void the_online_half_ends_while_a_source_is_silent(void **state)
{
	struct bench *b = *state;
	const struct clock clock = clock_system(NULL);
	const int64_t began = clock_mono(&clock);
	const int fd = silent_source(b);

	open_bench(b);
	ask(b);
	hang_up(b);
	assert_int_equal(run(b), 0);
	assert_in_range(clock_mono(&clock) - began, 0, VIRTUAL_LATE_MS);
	(void)close(fd);
}

static void a_source_that_fails_at_the_start_ends_the_run(void **state)
{
	static const struct {
		size_t len;
		int code;
	} cases[] = {{STARTUP - 1, ERR_EOF}, {0, ERR_EOF}};
	struct bench *b = *state;

	for (size_t i = 0; i < 2; i++) {
		if (b->manager >= 0)
			(void)close(b->manager);
		(void)unlink(keys_path(b->keys, "notify"));
		with_manager(b);
		(void)unlink(b->conf.device);
		write_source(b, cases[i].len);
		open_bench(b);
		sign(b);
		assert_int_equal(run(b), cases[i].code);
		assert_int_equal(b->err.code, cases[i].code);
		assert_non_null(strstr(b->err.text, b->conf.device));
		assert_false(hears(b, "READY=1"));
		producer_offline_close(&b->offline);
	}
	/* producer_offline_close() of the tear-down. */
	open_bench(b);
}

static void a_source_of_zeros_at_the_start_is_refused(void **state)
{
	struct bench *b = *state;

	with_manager(b);
	write_source(b, 0);
	assert_int_equal(truncate(b->conf.device, SOURCE_LEN), 0);
	open_bench(b);
	sign(b);
	assert_int_equal(run(b), ERR_SOURCE);
	assert_non_null(strstr(b->err.text, "health tests"));
	assert_false(hears(b, "READY=1"));
}

/* By hand nobody waits: as before, it is told when something is asked for. */
static void without_a_manager_nothing_is_read_ahead(void **state)
{
	struct bench *b = *state;

	write_source(b, 0);
	open_bench(b);
	sign(b);
	hang_up(b);
	assert_int_equal(run(b), 0);
	assert_int_equal(b->err.code, 0);
}

static void a_bad_address_of_the_manager_is_no_reason_to_end(void **state)
{
	struct bench *b = *state;

	(void)setenv("NOTIFY_SOCKET", "vsock:2:9", 1);
	write_source(b, SOURCE_LEN);
	open_bench(b);
	assert_int_equal(b->err.code, 0);
	hang_up(b);
	assert_int_equal(run(b), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(each_ask_has_one_answer),
	    TEST(an_answer_has_as_many_messages_as_it_was_asked_for),
	    TEST(what_was_made_before_a_failure_comes_with_it),
	    TEST(before_it_is_ready_an_ask_waits),
	    TEST(the_manager_is_told_ready_and_stopping),
	    TEST(a_record_that_no_online_half_sends_ends_the_run),
	    TEST(asks_do_not_pile_up),
	    TEST(a_source_that_fails_is_told_at_each_change),
	    TEST(the_online_half_ends_while_a_source_is_silent),
	    TEST(a_source_that_fails_at_the_start_ends_the_run),
	    TEST(a_source_of_zeros_at_the_start_is_refused),
	    TEST(without_a_manager_nothing_is_read_ahead),
	    TEST(a_bad_address_of_the_manager_is_no_reason_to_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

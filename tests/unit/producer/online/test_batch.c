/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aid/logged.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/record.h"
#include "producer/online/batch.h"
#include "producer/record.h"

static const struct record_ask wanted = {
    .entry = 1, .found = {"eu-west-1", "123456789012", "q"}};

static int pair[2]; /* [0]: the offline half's end */
static struct batch batch;
static struct heartbeat heartbeat;
static struct err err;

/* Time is what it is after so many asks. */
static int64_t after[LIMIT_BATCH + 2];
static size_t asks;
static uint32_t last_most; /* what the last one asks for at most */

static int64_t simulated(void *ctx)
{
	struct {
		uint32_t type;
		struct record_ask ask;
	} in;

	(void)ctx;
	while (recv(pair[0], &in, sizeof in, MSG_DONTWAIT) > 0) {
		if (in.type != RECORD_ASK)
			continue;
		assert_int_equal(in.ask.entry, wanted.entry);
		assert_memory_equal(
		    &in.ask.found, &wanted.found, sizeof wanted.found);
		last_most = in.ask.most;
		asks++;
	}
	return 1000 + after[asks];
}

static const struct clock clock_simulated = {.mono = simulated};

static int setup(void **state)
{
	(void)state;
	memset(after, 0, sizeof after);
	asks = 0;
	err = (struct err){.code = 0};
	heartbeat_init(&heartbeat, -1, -1, &clock_simulated, 0);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
		return -1;
	heartbeat.fd = pair[1];
	return batch_init(&batch, &err);
}

static int teardown(void **state)
{
	(void)state;
	batch_free(&batch);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}

static void answer(uint32_t type, const void *data, size_t len)
{
	assert_int_equal(record_send(pair[0], type, data, len, -1, 1), 0);
}

/* An answer of n messages, the first full of first, the next one of first + 1,
 * ..., and code. */
static void answer_with(size_t first, size_t n, int32_t code)
{
	const struct record_answer head = {.code = code};
	static struct message m;
	static uint8_t data[RECORD_MAX];
	size_t len = sizeof head;

	memcpy(data, &head, sizeof head);
	for (size_t k = first; k < first + n; k++) {
		m.payload_len = 64;
		memset(m.payload, (int)k, m.payload_len);
		memcpy(data + len, &m, message_record_len(&m));
		len += message_record_len(&m);
	}
	answer(RECORD_ANSWER, data, len);
}

/* So many answers of one message each. */
static void answer_messages(size_t n)
{
	for (size_t k = 1; k <= n; k++)
		answer_with(k, 1, 0);
}

static void answer_failed(int32_t code)
{
	answer_with(0, 0, code);
}

static int fill(size_t most)
{
	return batch_fill(&batch, &heartbeat, &wanted, most, &err);
}

static void a_fast_source_fills_a_batch(void **state)
{
	(void)state;
	answer_messages(LIMIT_BATCH);
	assert_int_equal(fill(LIMIT_BATCH), 0);
	assert_int_equal(batch.n, LIMIT_BATCH);
	assert_int_equal(batch.failed, 0);
	for (size_t k = 0; k < LIMIT_BATCH; k++)
		assert_int_equal(batch.at[k].payload[63], k + 1);
}

static void no_more_is_asked_for_than_is_wanted(void **state)
{
	(void)state;
	answer_messages(4);
	assert_int_equal(fill(3), 0);
	assert_int_equal(batch.n, 3);
	(void)simulated(NULL);
	assert_int_equal(asks, 3);
}

static void what_an_answer_lacks_is_asked_for_again(void **state)
{
	(void)state;
	answer_with(1, 4, 0);
	answer_with(5, 6, 0);
	assert_int_equal(fill(LIMIT_BATCH), 0);
	assert_int_equal(batch.n, LIMIT_BATCH);
	for (size_t k = 0; k < LIMIT_BATCH; k++)
		assert_int_equal(batch.at[k].payload[63], k + 1);
	(void)simulated(NULL);
	assert_int_equal(asks, 2);
	assert_int_equal(last_most, 6);
}

static void a_failure_comes_with_what_was_made_before(void **state)
{
	(void)state;
	answer_with(1, 2, ERR_TIMEOUT);
	assert_int_equal(fill(LIMIT_BATCH), 0);
	assert_int_equal(batch.n, 2);
	assert_int_equal(batch.failed, ERR_TIMEOUT);
	(void)simulated(NULL);
	assert_int_equal(asks, 1);
}

/* The first of them may have waited for the last one all the time. */
static void of_a_late_answer_the_last_message_is_fresh(void **state)
{
	(void)state;
	after[1] = BATCH_FRESH_MS;
	answer_with(1, 3, 0);
	assert_int_equal(fill(LIMIT_BATCH), 0);
	assert_int_equal(batch.n, 1);
	assert_int_equal(batch.at[0].payload[0], 3);
}

static void what_is_wiped_holds_no_byte_of_a_message(void **state)
{
	static const uint8_t zeros[LIMIT_BATCH * sizeof(struct message)];

	(void)state;
	answer_with(1, LIMIT_BATCH, 0);
	assert_int_equal(fill(LIMIT_BATCH), 0);
	batch_wipe(&batch);
	assert_memory_equal(batch.at, zeros, sizeof zeros);
	assert_memory_equal(batch.record, zeros, RECORD_MAX);
}

static void a_slow_message_is_sent_at_once(void **state)
{
	(void)state;
	after[1] = 20000;
	answer_messages(2);
	assert_int_equal(fill(LIMIT_BATCH), 0);
	assert_int_equal(batch.n, 1);
	assert_int_equal(asks, 1);
}

static void messages_do_not_wait_for_many_that_are_a_little_slow(void **state)
{
	(void)state;
	for (int k = 1; k <= LIMIT_BATCH; k++)
		after[k] = 8000 * k;
	answer_messages(LIMIT_BATCH);
	assert_int_equal(fill(LIMIT_BATCH), 0);
	/* The first came at 8 s, the fourth at 32 s. */
	assert_int_equal(batch.n, 4);
}

static void what_came_before_a_failure_is_kept(void **state)
{
	(void)state;
	answer_messages(2);
	answer_failed(ERR_TIMEOUT);
	assert_int_equal(fill(LIMIT_BATCH), 0);
	assert_int_equal(batch.n, 2);
	assert_int_equal(batch.failed, ERR_TIMEOUT);
	/* The next batch knows nothing of it. */
	answer_messages(1);
	assert_int_equal(fill(1), 0);
	assert_int_equal(batch.n, 1);
	assert_int_equal(batch.failed, 0);
}

static void messages_that_are_too_old_are_dropped(void **state)
{
	(void)state;
	after[3] = BATCH_FRESH_MS;
	answer_messages(3);
	assert_int_equal(fill(LIMIT_BATCH), 0);
	assert_int_equal(batch.n, 1);
	assert_int_equal(batch.at[0].payload[0], 3);
}

static void messages_grown_old_before_a_failure_are_dropped(void **state)
{
	(void)state;
	after[3] = BATCH_FRESH_MS;
	answer_messages(2);
	answer_failed(ERR_TIMEOUT);
	assert_int_equal(fill(LIMIT_BATCH), 0);
	assert_int_equal(batch.failed, ERR_TIMEOUT);
	assert_int_equal(batch.n, 0);
}

static void a_slow_source_is_told_once(void **state)
{
	char text[512];

	(void)state;
	after[3] = BATCH_FRESH_MS;
	after[4] = after[5] = BATCH_FRESH_MS;
	after[6] = after[7] = 2 * BATCH_FRESH_MS;
	answer_messages(7);
	logged_begin(LOG_LEVEL_NOTICE);
	assert_int_equal(fill(LIMIT_BATCH), 0);
	assert_int_equal(fill(LIMIT_BATCH), 0);
	logged_take(text, sizeof text);
	assert_string_equal(text, "2 messages waited too long for a slow "
				  "source: dropped\n");
	assert_int_equal(fill(1), 0);
	logged_take(text, sizeof text);
	assert_string_equal(
	    text, "the source is fast enough again after 5 min\n");
	logged_end();
}

static void what_no_offline_half_answers_is_malformed(void **state)
{
	static const struct message m;
	const struct {
		uint32_t type;
		size_t len;
	} bad[] = {{RECORD_ANSWER, 0}, {RECORD_ANSWER, 7}, {RECORD_ANSWER, 8},
	    {RECORD_ANSWER, 100}, {RECORD_ANSWER, sizeof m},
	    {RECORD_ASK, sizeof(struct record_ask)}, {99, 4}};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		answer(bad[i].type, &m, bad[i].len);
		assert_int_equal(fill(1), ERR_FORMAT);
		assert_int_equal(err.code, ERR_FORMAT);
		assert_false(err.told);
		assert_int_equal(batch.n, 0);
	}
	/* More than was asked for. */
	answer_with(1, 2, 0);
	assert_int_equal(fill(1), ERR_FORMAT);
	assert_int_equal(batch.n, 0);
	/* A failure that is none does not pass for success. */
	answer_failed(12345);
	assert_int_equal(fill(1), 0);
	assert_int_equal(batch.failed, ERR_INTERNAL);
}

static void answer_one(const struct message *m, size_t len)
{
	static uint8_t data[RECORD_MAX];

	memset(data, 0, sizeof(struct record_answer));
	memcpy(data + sizeof(struct record_answer), m, len);
	answer(RECORD_ANSWER, data, sizeof(struct record_answer) + len);
	assert_int_equal(fill(2), ERR_FORMAT);
	assert_int_equal(batch.n, 0);
}

static void a_message_that_no_offline_half_makes_is_malformed(void **state)
{
	static struct message m;
	const struct message good = {.payload_len = 64};

	(void)state;
	/* A claim without a signature, or a signature without a claim. */
	m = good;
	m.entropy_len = 1;
	m.entropy[0] = 'v';
	answer_one(&m, message_record_len(&m));
	m = good;
	m.signature_len = MESSAGE_SIGNATURE_LEN;
	answer_one(&m, message_record_len(&m));
	/* It is cut, or something stands behind it. */
	answer_one(&good, message_record_len(&good) - 1);
	answer_one(&good, message_record_len(&good) + 1);
	answer_one(&good, offsetof(struct message, payload) - 1);
	/* Its length is not allowed, or wraps. */
	m = good;
	m.payload_len = MESSAGE_PAYLOAD_MIN - 1;
	answer_one(&m, message_record_len(&m));
	m.payload_len = MESSAGE_PAYLOAD_MAX + 1;
	answer_one(&m, sizeof m);
	m.payload_len = UINT32_MAX;
	answer_one(&m, sizeof m);
}

static void the_end_of_the_offline_half_is_told_by_others(void **state)
{
	(void)state;
	assert_int_equal(shutdown(pair[0], SHUT_RDWR), 0);
	assert_int_equal(fill(1), ERR_EOF);
	assert_true(err.told);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_fast_source_fills_a_batch),
	    TEST(no_more_is_asked_for_than_is_wanted),
	    TEST(what_an_answer_lacks_is_asked_for_again),
	    TEST(a_failure_comes_with_what_was_made_before),
	    TEST(of_a_late_answer_the_last_message_is_fresh),
	    TEST(what_is_wiped_holds_no_byte_of_a_message),
	    TEST(a_slow_message_is_sent_at_once),
	    TEST(messages_do_not_wait_for_many_that_are_a_little_slow),
	    TEST(what_came_before_a_failure_is_kept),
	    TEST(messages_that_are_too_old_are_dropped),
	    TEST(messages_grown_old_before_a_failure_are_dropped),
	    TEST(a_slow_source_is_told_once),
	    TEST(what_no_offline_half_answers_is_malformed),
	    TEST(a_message_that_no_offline_half_makes_is_malformed),
	    TEST(the_end_of_the_offline_half_is_told_by_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

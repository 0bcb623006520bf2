/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/offline/take.h"
#include "aid/confine.h"
#include "aid/memory.h"
#include "aid/offline_bench.h"
#include "base/record.h"

static void messages_are_delivered_at_once(void **state)
{
	struct bench *b = *state;

	send_message(b, 7, 512);
	send_message(b, 7, MESSAGE_PAYLOAD_MIN);
	send_end(b, 0, 2);
	assert_int_equal(run(b), 0);
	assert_int_equal(delivered(b, 7), 512 + MESSAGE_PAYLOAD_MIN);
	assert_int_equal(b->offline.used, 2);
	assert_int_equal(b->offline.credit, 0);
	/* What one run did is not told of the next. */
	send_end(b, 0, 0);
	assert_int_equal(run(b), ERR_EMPTY);
	assert_int_equal(b->offline.used, 0);
}

static void nothing_is_not_success(void **state)
{
	struct bench *b = *state;

	send_end(b, 0, 0);
	assert_int_equal(run(b), ERR_EMPTY);
	send_end(b, ERR_DENIED, 0);
	assert_int_equal(run(b), ERR_DENIED);
	send_end(b, 0, 3);
	assert_int_equal(run(b), ERR_UNUSABLE);
	/* A code that is no failure cannot pass for one or for success. */
	send_end(b, 12345, 1);
	assert_int_equal(run(b), ERR_UNUSABLE);
	assert_int_equal(delivered(b, 7), 0);
}

static void messages_before_a_crash_are_used(void **state)
{
	struct bench *b = *state;

	send_message(b, 9, 64);
	(void)shutdown(b->pair[0], SHUT_WR);
	assert_int_equal(run(b), 0);
	assert_int_equal(delivered(b, 9), 64);
}

static void a_silent_online_half_times_out(void **state)
{
	struct bench *b = *state;

	assert_int_equal(run_for(b, 100), ERR_TIMEOUT);
	send_message(b, 9, 64);
	assert_int_equal(run_for(b, 100), 0);
	assert_int_equal(delivered(b, 9), 64);
}

static void strict_wants_credit(void **state)
{
	struct bench *b = *state;

	b->conf.strict = true;
	send_message(b, 1, 512);
	send_end(b, 0, 1);
	assert_int_equal(run(b), ERR_UNUSABLE);
	b->conf.policy.unsigned_messages = CREDIT_CREDIT;
	b->conf.policy.bits_per_byte = 0.5;
	send_message(b, 1, 512);
	send_end(b, 0, 1);
	assert_int_equal(run(b), 0);
	send_message(b, 1, 511);
	send_end(b, 0, 1);
	assert_int_equal(run(b), ERR_UNUSABLE);
}

static void refused_messages_go_nowhere(void **state)
{
	struct bench *b = *state;

	b->conf.policy.unsigned_messages = CREDIT_REFUSE;
	send_message(b, 1, 512);
	send_end(b, 0, 1);
	assert_int_equal(run(b), ERR_UNUSABLE);
	assert_int_equal(delivered(b, 1), 0);
}

/* Other messages may have been deleted and lost. */
static void an_early_end_outweighs_unusable_messages(void **state)
{
	struct bench *b = *state;

	b->conf.policy.unsigned_messages = CREDIT_REFUSE;
	send_message(b, 1, 512);
	assert_int_equal(run_for(b, 100), ERR_TIMEOUT);
	send_message(b, 1, 512);
	send_raw(b, 99, b, 5);
	assert_int_equal(run(b), ERR_INTERNAL);
	send_message(b, 1, 512);
	(void)shutdown(b->pair[0], SHUT_WR);
	assert_int_equal(run(b), ERR_INTERNAL);
}

static void no_more_than_a_batch_is_delivered(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < LIMIT_BATCH + 2; i++)
		send_message(b, 3, 100);
	send_end(b, 0, 12);
	assert_int_equal(run(b), 0);
	assert_int_equal(delivered(b, 3), 100 * LIMIT_BATCH);
}

/* Lengths that lie, wrong sizes, unknown types: each ends the run without
 * anything delivered. */
static void malformed_records_end_the_run(void **state)
{
	struct bench *b = *state;
	static struct message m;
	const size_t head = offsetof(struct message, payload);
	static const struct {
		uint32_t entropy, signature, payload;
		size_t sent;
	} cases[] = {{0, 0, 512, 511}, {0, 0, 512, 513}, {0, 0, 31, 31},
	    {0, 0, 16385, 16384}, {0, 0, UINT32_MAX, 64}, {256, 0, 64, 64},
	    {0, 65, 64, 64}, {UINT32_MAX, UINT32_MAX, 64, 64}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		m.entropy_len = cases[i].entropy;
		m.signature_len = cases[i].signature;
		m.payload_len = cases[i].payload;
		send_raw(b, RECORD_MESSAGE, &m, head + cases[i].sent);
		assert_int_equal(run(b), ERR_INTERNAL);
	}
	send_raw(b, RECORD_MESSAGE, &m, 3);
	assert_int_equal(run(b), ERR_INTERNAL);
	send_raw(b, RECORD_END, &m, sizeof(struct record_end) + 1);
	assert_int_equal(run(b), ERR_INTERNAL);
	send_raw(b, RECORD_IDENTITY, &m, 5);
	assert_int_equal(run(b), ERR_INTERNAL);
	for (int by = -1; by <= 1; by += 2) {
		send_raw(b, RECORD_QUEUE, &m,
		    sizeof(struct record_queue) + (size_t)by);
		assert_int_equal(run(b), ERR_INTERNAL);
	}
	send_raw(b, 99, &m, 5);
	assert_int_equal(run(b), ERR_INTERNAL);
	assert_int_equal(delivered(b, 0), 0);
}

static void identities_are_bounded(void **state)
{
	struct bench *b = *state;
	struct record_identity id = {.len = sizeof id.text + 1};

	send_raw(b, RECORD_IDENTITY, &id, sizeof id);
	assert_int_equal(run(b), ERR_INTERNAL);
	id.len = sizeof id.text;
	for (int i = 0; i < 100; i++)
		if (record_send(b->pair[0], RECORD_IDENTITY, &id, sizeof id, -1,
			1) != 0)
			break;
	assert_int_equal(run(b), ERR_INTERNAL);
}

/* Who did not ask for it, and who wants messages in a file, takes none; nobody
 * takes it twice, or another length of it.  It is no message. */
static void what_comes_in_place_of_a_message_is_bounded(void **state)
{
	static const struct {
		enum conf_fallback set;
		bool kernel;
		size_t len;
		int times, rc;
	} cases[] = {{CONF_KMS, true, 64, 1, 0},
	    {CONF_KMS, true, 64, 2, ERR_FORMAT},
	    {CONF_KMS, true, 63, 1, ERR_FORMAT},
	    {CONF_KMS, true, 65, 1, ERR_FORMAT},
	    {CONF_KMS, true, 0, 1, ERR_FORMAT},
	    {CONF_KMS, false, 64, 1, ERR_FORMAT},
	    {CONF_NOTHING, true, 64, 1, ERR_FORMAT}};
	static const uint8_t bytes[65] = {1, 2, 3};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct taken t;

		(void)close(b->pair[0]);
		(void)close(b->pair[1]);
		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, b->pair), 0);
		b->conf.fallback = cases[i].set;
		b->offline.sink.kernel = cases[i].kernel;
		assert_int_equal(take_init(&t, &b->conf), 0);
		for (int k = 0; k < cases[i].times; k++)
			send_raw(b, RECORD_FALLBACK, bytes, cases[i].len);
		send_end(b, ERR_EMPTY, 0);
		assert_int_equal(take_records(&t, &b->offline, b->pair[1],
				     RECORD_END, in_ms(60000)),
		    cases[i].rc);
		assert_int_equal(t.used, 0);
		assert_int_equal(buf_len(t.payloads), 0);
		if (cases[i].rc == 0)
			assert_memory_equal(buf_data(t.fallback), bytes, 64);
		take_free(&t);
	}
	b->offline.sink.kernel = false;
}

static bool is_ready(const struct bench *b)
{
	uint32_t type = 0;
	size_t len;
	uint8_t none;

	return record_receive(b->pair[0], &type, &none, 0, &len, -1, 1) == 0 &&
	       type == RECORD_READY;
}

/* Keys come once, where a parameter is to give them, and before the half is
 * ready: without them nothing may be received. */
static void keys_of_a_parameter_come_first(void **state)
{
	static const struct {
		const char *seal_key;
		uint32_t n;
		int more, times, rc; /* bytes; records; of the run */
	} cases[] = {{"ssm:x", 1, 0, 1, ERR_EMPTY},
	    {"ssm:x", 2, 0, 1, ERR_EMPTY}, {"ssm:x", 0, 0, 1, ERR_INTERNAL},
	    {"ssm:x", 3, 0, 1, ERR_INTERNAL}, {"ssm:x", 1, -1, 1, ERR_INTERNAL},
	    {"ssm:x", 1, 1, 1, ERR_INTERNAL}, {"ssm:x", 1, 0, 2, ERR_INTERNAL},
	    {"ssm:x", 1, 0, 0, ERR_EMPTY}, {"/x", 1, 0, 1, ERR_INTERNAL},
	    {"", 1, 0, 1, ERR_INTERNAL}};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct {
			struct record_seal_keys keys;
			char more[4];
		} record = {.keys = {.n = cases[i].n}};
		const bool by_role = strncmp(cases[i].seal_key, "ssm:", 4) == 0;
		const bool good =
		    cases[i].rc == ERR_EMPTY || cases[i].times > 1;

		(void)close(b->pair[0]);
		(void)close(b->pair[1]);
		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, b->pair), 0);
		strcpy(b->conf.seal_key, cases[i].seal_key);
		for (int k = 0; k < cases[i].times; k++)
			send_raw(b, RECORD_SEAL_KEYS, &record,
			    sizeof record.keys + (size_t)cases[i].more);
		send_end(b, ERR_EMPTY, 0);
		assert_int_equal(run(b), cases[i].rc);
		assert_int_equal(
		    is_ready(b), !by_role || (good && cases[i].times > 0));
	}
}

/* The half keeps it to open messages with, once.  It is counted before other
 * calls write over what taking the record has left on the stack. */
static void a_key_of_a_parameter_is_in_memory_once(void **state)
{
	static const uint8_t key[KEYS_LEN] = "a key that only this test has:)";
	struct record_seal_keys record = {
	    .n = 1, .keys = {{.has = {[HPKE_X25519] = 1}}}};
	struct bench *b = *state;
	unsigned found;
	struct taken t;
	int rc;

	SKIP_IF(confine_aid_valgrind(), "valgrind's memory is looked at, too");
	memcpy(record.keys[0].key[HPKE_X25519], key, sizeof key);
	strcpy(b->conf.seal_key, "ssm:x");
	send_raw(b, RECORD_SEAL_KEYS, &record, sizeof record);
	explicit_bzero(&record, sizeof record);
	assert_int_equal(take_init(&t, &b->conf), 0);
	rc = take_records(
	    &t, &b->offline, b->pair[1], RECORD_SEAL_KEYS, in_ms(60000));
	found = memory_count(getpid(), key, sizeof key);
	take_free(&t);
	assert_int_equal(rc, 0);
	assert_int_equal(found, 1);
	assert_memory_equal(((const struct seal_keys *)(const void *)buf_data(
				 b->offline.verify.seal_keys))
				->key[HPKE_X25519],
	    key, sizeof key);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(messages_are_delivered_at_once),
	    T(nothing_is_not_success),
	    T(messages_before_a_crash_are_used),
	    T(a_silent_online_half_times_out),
	    T(strict_wants_credit),
	    T(refused_messages_go_nowhere),
	    T(an_early_end_outweighs_unusable_messages),
	    T(no_more_than_a_batch_is_delivered),
	    T(malformed_records_end_the_run),
	    T(identities_are_bounded),
	    T(what_comes_in_place_of_a_message_is_bounded),
	    T(keys_of_a_parameter_come_first),
	    T(a_key_of_a_parameter_is_in_memory_once),
	};

	return cmocka_run_group_tests_name("agent offline", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/file.h>

#include "agent/offline/status.h"
#include "aid/offline_bench.h"
#include "aid/sign_once.h"

/* ---- credit: what a compromised online half can bring about, and not */

static const uint8_t other[KEYS_LEN] = {2};

static int64_t wall(void)
{
	const struct clock c = clock_system(NULL);

	return clock_wall(&c);
}

/* A message as the holder of that key signs it, numbered, with a payload of
 * that letter. */
static void make_with(struct message *m, const uint8_t *key, char letter,
    uint64_t seq, uint32_t bits)
{
	struct claim claim = {
	    .seq = seq, .time = wall(), .bits = bits, .seal = CLAIM_SEAL_NONE};
	uint8_t public_key[KEYS_LEN];

	memset(m, 0, sizeof *m);
	assert_int_equal(keys_ed25519_public(public_key, key), 0);
	assert_int_equal(keyfile_id(public_key, claim.key), 0);
	claim_format(&claim, m->entropy);
	m->entropy_len = (uint32_t)strlen(m->entropy);
	memset(m->payload, letter, 64);
	m->payload_len = 64;
	m->receive_count = 1;
	m->sent = claim.time + 100;
	assert_int_equal(sign_once(m, QUEUE_ARN, key), 0);
}

/* One of a trusted producer, with a payload of its own. */
static void make_signed(struct message *m, uint64_t seq, uint32_t bits)
{
	make_with(m, secret, (char)seq, seq, bits);
}

static void send_record(const struct bench *b, const struct message *m)
{
	send_raw(b, RECORD_MESSAGE, m, message_record_len(m));
}

/* The bits that a run was credited with. */
static unsigned credit(struct bench *b)
{
	send_end(b, 0, 1);
	assert_int_equal(run(b), 0);
	return b->offline.credit;
}

static void a_signed_message_counts_once(void **state)
{
	struct bench *b = *state;
	static struct message m;

	make_signed(&m, 1, 256);
	send_record(b, &m);
	send_record(b, &m);
	assert_int_equal(credit(b), 256);
	send_record(b, &m);
	assert_int_equal(credit(b), 0);
	/* Nor in another run. */
	agent_offline_close(&b->offline);
	open_offline(b);
	send_record(b, &m);
	assert_int_equal(credit(b), 0);
	make_signed(&m, 2, 256);
	send_record(b, &m);
	assert_int_equal(credit(b), 256);
}

static void halves_do_not_add_up_from_copies(void **state)
{
	struct bench *b = *state;
	static struct message m;

	make_signed(&m, 1, 128);
	for (int i = 0; i < LIMIT_BATCH; i++)
		send_record(b, &m);
	assert_int_equal(credit(b), 0);
	make_signed(&m, 2, 128);
	send_record(b, &m);
	make_signed(&m, 3, 128);
	send_record(b, &m);
	assert_int_equal(credit(b), 256);
}

/* ---- a payload counts once, whatever message it comes in */

static void a_payload_counts_once_in_a_run_and_after_it(void **state)
{
	struct bench *b = *state;
	static struct message m;

	for (uint64_t seq = 1; seq <= 2; seq++) {
		make_with(&m, secret, 'x', seq, 128 * (uint32_t)seq);
		send_record(b, &m);
	}
	assert_int_equal(credit(b), 0);
	make_with(&m, secret, 'x', 3, 256);
	send_record(b, &m);
	assert_int_equal(credit(b), 0);
	/* One that another payload begins with is another. */
	make_with(&m, secret, 'x', 4, 256);
	m.payload_len = 63;
	assert_int_equal(sign_once(&m, QUEUE_ARN, secret), 0);
	send_record(b, &m);
	assert_int_equal(credit(b), 256);
	/* A number that comes again, as after a restored disk of the producer,
	 * takes no credit away. */
	make_with(&m, secret, 'y', 4, 256);
	send_record(b, &m);
	assert_int_equal(credit(b), 256);
}

static void two_producers_do_not_count_one_payload_twice(void **state)
{
	struct bench *b = *state;
	static struct message m;

	agent_offline_close(&b->offline);
	trust_as(b->keys, "other.pub", other);
	open_offline(b);
	make_with(&m, secret, 'x', 1, 128);
	send_record(b, &m);
	make_with(&m, other, 'x', 1, 128);
	send_record(b, &m);
	assert_int_equal(credit(b), 0);
	make_with(&m, secret, 'y', 2, 128);
	send_record(b, &m);
	make_with(&m, other, 'z', 2, 128);
	send_record(b, &m);
	assert_int_equal(credit(b), 256);
}

/* What anybody may send: the payload of m without a valid signature. */
static void send_copies(const struct bench *b, const struct message *m)
{
	static struct message copy;

	copy = *m;
	copy.signature[0] ^= 1;
	send_record(b, &copy);
	copy.entropy_len = 0;
	send_record(b, &copy);
	copy.signature_len = 0;
	send_record(b, &copy);
}

static void copies_take_no_credit_away_in_either_order(void **state)
{
	static const struct {
		enum credit_unsigned policy;
		double bits_per_byte;
	} cases[] = {{CREDIT_MIX, 0}, {CREDIT_REFUSE, 0}, {CREDIT_CREDIT, 0},
	    {CREDIT_CREDIT, 1}, {CREDIT_CREDIT, 4}};
	struct bench *b = *state;
	static struct message m;
	uint64_t seq = 0;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		b->conf.policy.unsigned_messages = cases[i].policy;
		b->conf.policy.bits_per_byte = cases[i].bits_per_byte;
		for (int first = 0; first < 2; first++) {
			make_signed(&m, ++seq, 256);
			if (first)
				send_copies(b, &m);
			send_record(b, &m);
			if (!first)
				send_copies(b, &m);
			assert_int_equal(credit(b), 256);
		}
	}
}

/* With the policy "credit" a payload without a signature (128 bits) and the
 * same one with it are one payload. */
static void a_payload_is_not_credited_with_and_without_a_signature(void **state)
{
	struct bench *b = *state;
	static struct message m;

	b->conf.policy.unsigned_messages = CREDIT_CREDIT;
	b->conf.policy.bits_per_byte = 2;
	for (int first = 0; first < 2; first++) {
		make_signed(&m, 1 + (uint64_t)first, 250);
		if (first)
			send_copies(b, &m);
		send_record(b, &m);
		if (!first)
			send_copies(b, &m);
		/* Nor with two of them. */
		make_with(&m, secret, (char)m.payload[0], 3, 250);
		send_record(b, &m);
		assert_int_equal(credit(b), 0);
	}
}

/* "bits":N of each message of the last run's status. */
static void assert_status_bits(struct bench *b, const char *expected)
{
	char text[8192], bits[256] = "";
	size_t len;

	assert_int_equal(file_read(keys_path(b->keys, STATUS_NAME), text,
			     sizeof text - 1, &len),
	    0);
	text[len] = '\0';
	for (const char *p = text; (p = strstr(p, "\"bits\":")) != NULL; p++)
		(void)snprintf(bits + strlen(bits), sizeof bits - strlen(bits),
		    "%d ", atoi(p + 7));
	assert_string_equal(bits, expected);
}

/* What gave way to a signed message is not shown as if it had counted. */
static void a_copy_that_gave_way_has_no_bits(void **state)
{
	struct bench *b = *state;
	static struct message m;

	b->conf.policy.unsigned_messages = CREDIT_CREDIT;
	b->conf.policy.bits_per_byte = 2;
	make_signed(&m, 1, 256);
	send_copies(b, &m);
	send_record(b, &m);
	assert_int_equal(credit(b), 256);
	assert_status_bits(b, "0 0 0 256 ");
}

/* It is discarded, and what comes after it is used. */
static void what_is_sealed_for_others_stops_nothing(void **state)
{
	struct bench *b = *state;
	static struct message m;
	struct claim claim = {
	    .seq = 1, .time = wall(), .bits = 256, .seal = CLAIM_SEAL_X25519};

	make_signed(&m, 1, 256);
	claim_format(&claim, m.entropy);
	m.entropy_len = (uint32_t)strlen(m.entropy);
	send_record(b, &m);
	make_signed(&m, 2, 256);
	send_record(b, &m);
	assert_int_equal(credit(b), 256);
	assert_int_equal(delivered(b, 2), 64);
	assert_status_bits(b, "0 256 ");
}

/* Nor do they cost a write of it. */
static void copies_leave_the_memory_as_it_was(void **state)
{
	static uint8_t before[1 << 20], after[1 << 20];
	struct bench *b = *state;
	static struct message m;
	size_t len, after_len;

	make_signed(&m, 1, 256);
	assert_int_equal(
	    file_read(keys_path(b->keys, "seen"), before, sizeof before, &len),
	    0);
	send_copies(b, &m);
	assert_int_equal(credit(b), 0);
	assert_int_equal(file_read(keys_path(b->keys, "seen"), after,
			     sizeof after, &after_len),
	    0);
	assert_int_equal(len, after_len);
	assert_memory_equal(before, after, len);
	send_record(b, &m);
	assert_int_equal(credit(b), 256);
}

static void what_the_service_told_counts(void **state)
{
	struct bench *b = *state;
	static struct message m;
	static const int64_t sent[] = {0, -1, INT64_MIN, 1, INT64_MAX};
	static const uint32_t counts[] = {0, 2, UINT32_MAX};
	uint64_t seq = 1;

	for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++) {
		make_signed(&m, seq++, 256);
		m.sent = sent[i];
		send_record(b, &m);
		assert_int_equal(credit(b), 0);
	}
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		make_signed(&m, seq++, 256);
		m.receive_count = counts[i];
		send_record(b, &m);
		assert_int_equal(credit(b), 0);
	}
}

/* The text ends where its length says, not where a NUL may or may not be. */
static void what_lies_behind_the_claim_is_nothing(void **state)
{
	struct bench *b = *state;
	static struct message m;

	make_signed(&m, 1, 256);
	memset(
	    m.entropy + m.entropy_len, 'x', sizeof m.entropy - m.entropy_len);
	send_record(b, &m);
	assert_int_equal(credit(b), 256);
	make_signed(&m, 2, 256);
	memset(m.entropy, 'x', sizeof m.entropy);
	m.entropy_len = MESSAGE_ENTROPY_MAX;
	send_record(b, &m);
	assert_int_equal(credit(b), 0);
}

static void send_found(const struct bench *b, uint32_t entry,
    const char *account, const char *name)
{
	struct record_queue queue = {
	    .entry = entry, .found = {.region = REGION}};

	(void)strcpy(queue.found.account, account);
	(void)strcpy(queue.found.name, name);
	send_raw(b, RECORD_QUEUE, &queue, sizeof queue);
}

static void send_queue(const struct bench *b, const char *name)
{
	send_found(b, 0, ACCOUNT, name);
}

static void a_configured_queue_is_not_talked_over(void **state)
{
	struct bench *b = *state;
	static struct message m;

	send_queue(b, "other");
	make_signed(&m, 1, 256);
	send_record(b, &m);
	assert_int_equal(credit(b), 256);
}

/* The instance tag names the queue, and only the online half can read it. */
static void a_queue_that_is_not_configured_is_told_once_and_first(void **state)
{
	struct bench *b = *state;
	static struct message m;

	b->conf.common.queues[0][0] = '\0';
	make_signed(&m, 1, 256);
	/* Not told: nothing is signed for nowhere. */
	send_record(b, &m);
	assert_int_equal(credit(b), 0);
	send_queue(b, "queue");
	make_signed(&m, 2, 256);
	send_record(b, &m);
	assert_int_equal(credit(b), 256);
	send_queue(b, "other");
	make_signed(&m, 3, 256);
	send_record(b, &m);
	assert_int_equal(credit(b), 0);
}

static void a_second_queue_ends_the_run(void **state)
{
	struct bench *b = *state;
	static struct message m;

	send_queue(b, "queue");
	send_queue(b, "queue");
	assert_int_equal(run(b), ERR_INTERNAL);
	/* The messages before it are used, what comes after is not read. */
	make_signed(&m, 1, 256);
	send_record(b, &m);
	send_queue(b, "queue");
	assert_int_equal(run(b), 0);
	assert_int_equal(delivered(b, 1), 64);
	send_queue(b, "a/b");
	assert_int_equal(run(b), ERR_INTERNAL);
}

/* A signature holds for the queue that the message says it is from. */
static void each_of_several_queues_has_its_own_arn(void **state)
{
	struct bench *b = *state;
	static struct message m;

	strcpy(
	    b->conf.common.queues[0], "arn:aws:sqs:" REGION ":999999999999:a");
	strcpy(b->conf.common.queues[1], QUEUE_URL);
	strcpy(b->conf.common.queues[2], "queue");
	for (uint32_t entry = 0; entry < 3; entry++) {
		make_signed(&m, (uint8_t)(entry + 1), 256);
		m.entry = entry;
		if (entry == 2)
			send_found(b, 2, ACCOUNT, "queue");
		send_record(b, &m);
		assert_int_equal(credit(b), entry == 0 ? 0 : 256);
	}
	/* What is found does not make one configured queue into another. */
	send_found(b, 0, ACCOUNT, "queue");
	make_signed(&m, 4, 256);
	m.entry = 0;
	send_record(b, &m);
	assert_int_equal(credit(b), 0);
}

static void the_same_payload_in_two_queues_counts_once(void **state)
{
	struct bench *b = *state;
	static struct message m;

	strcpy(b->conf.common.queues[1],
	    "arn:aws:sqs:" REGION ":" ACCOUNT ":queue");
	make_signed(&m, 1, 128);
	send_record(b, &m);
	m.entry = 1;
	send_record(b, &m);
	assert_int_equal(credit(b), 0);
	make_signed(&m, 2, 128);
	send_record(b, &m);
	make_signed(&m, 3, 128);
	m.entry = 1;
	send_record(b, &m);
	assert_int_equal(credit(b), 256);
}

static void a_queue_that_is_not_configured_ends_the_run(void **state)
{
	struct bench *b = *state;
	static struct message m;

	strcpy(b->conf.common.queues[1], "queue");
	send_found(b, 2, ACCOUNT, "queue");
	assert_int_equal(run(b), ERR_INTERNAL);
	make_signed(&m, 1, 256);
	m.entry = 2;
	send_record(b, &m);
	assert_int_equal(run(b), ERR_INTERNAL);
	/* Each may be told once, before its messages. */
	make_signed(&m, 2, 256);
	m.entry = 1;
	send_found(b, 0, ACCOUNT, "queue");
	send_found(b, 1, ACCOUNT, "queue");
	send_record(b, &m);
	send_found(b, 1, "999999999999", "queue");
	m.entry = 1;
	send_record(b, &m);
	assert_int_equal(run(b), 0);
	assert_int_equal(delivered(b, 2), 64);
}

static void without_memory_nothing_is_credited(void **state)
{
	struct bench *b = *state;
	static struct message m;

	agent_offline_close(&b->offline);
	(void)keys_put(b->keys, "seen", "damaged", 0600);
	open_offline(b);
	assert_false(b->offline.remembers);
	make_signed(&m, 1, 256);
	send_record(b, &m);
	assert_int_equal(credit(b), 0);
	assert_int_equal(delivered(b, 1), 64);
}

/* By another agent, or by anything else that holds flock(2). */
static void a_locked_memory_costs_a_quarter_of_the_time(void **state)
{
	const int64_t deadline = in_ms(8000);
	struct bench *b = *state;
	static struct message m;
	struct err err = {0};
	int fd;

	agent_offline_close(&b->offline);
	fd = open(keys_path(b->keys, "seen"), O_RDONLY);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	assert_int_equal(
	    agent_offline_open(&b->offline, &b->conf, deadline, &err), 0);
	agent_offline_recall(&b->offline);
	/* A machine that is busy has 6 s for this step. */
	assert_in_range(deadline - in_ms(0), 1, 6000);
	assert_false(b->offline.remembers);
	make_signed(&m, 1, 256);
	send_record(b, &m);
	assert_int_equal(credit(b), 0);
	assert_int_equal(delivered(b, 1), 64);
	(void)close(fd);
}

static void memory_that_fails_withholds_credit(void **state)
{
	struct bench *b = *state;
	static struct message m;
	int fd = b->offline.replay.file.fd;

	/* As a full disk: every write fails. */
	b->offline.replay.file.fd = open("/dev/full", O_WRONLY);
	assert_true(b->offline.replay.file.fd >= 0);
	make_signed(&m, 1, 256);
	send_record(b, &m);
	assert_int_equal(credit(b), 0);
	assert_int_equal(delivered(b, 1), 64);
	(void)close(b->offline.replay.file.fd);
	b->offline.replay.file.fd = fd;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_signed_message_counts_once),
	    T(halves_do_not_add_up_from_copies),
	    T(a_payload_counts_once_in_a_run_and_after_it),
	    T(two_producers_do_not_count_one_payload_twice),
	    T(copies_take_no_credit_away_in_either_order),
	    T(a_payload_is_not_credited_with_and_without_a_signature),
	    T(a_copy_that_gave_way_has_no_bits),
	    T(what_is_sealed_for_others_stops_nothing),
	    T(copies_leave_the_memory_as_it_was),
	    T(what_the_service_told_counts),
	    T(what_lies_behind_the_claim_is_nothing),
	    T(a_configured_queue_is_not_talked_over),
	    T(a_queue_that_is_not_configured_is_told_once_and_first),
	    T(a_second_queue_ends_the_run),
	    T(each_of_several_queues_has_its_own_arn),
	    T(the_same_payload_in_two_queues_counts_once),
	    T(a_queue_that_is_not_configured_ends_the_run),
	    T(without_memory_nothing_is_credited),
	    T(a_locked_memory_costs_a_quarter_of_the_time),
	    T(memory_that_fails_withholds_credit),
	};

	return cmocka_run_group_tests_name(
	    "agent offline credit", tests, NULL, NULL);
}

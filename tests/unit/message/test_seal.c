/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aid/failing.h"
#include "base/err.h"
#include "message/seal.h"
#include "message/sign.h"

/* X25519 ignores three bits of the first byte. */
static const uint8_t fleet[KEYS_LEN] = {0, 1};
static const uint8_t others[KEYS_LEN] = {0, 2};

static struct message m, before;

static void make(size_t len)
{
	memset(&m, 0, sizeof m);
	message_set_claim(&m, "v=1");
	m.payload_len = (uint32_t)len;
	for (size_t i = 0; i < len; i++)
		m.payload[i] = (uint8_t)(i * 7);
	memcpy(&before, &m, sizeof m);
}

static int seal(void)
{
	uint8_t public_key[KEYS_LEN];

	assert_int_equal(keys_x25519_public(public_key, fleet), 0);
	return message_seal(&m, public_key);
}

static void what_is_sealed_opens_to_the_same_payload(void **state)
{
	static const size_t lengths[] = {
	    MESSAGE_PAYLOAD_MIN, 512, MESSAGE_PAYLOAD_MAX - HPKE_OVERHEAD};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		make(lengths[i]);
		assert_int_equal(seal(), 0);
		assert_int_equal(m.payload_len, lengths[i] + HPKE_OVERHEAD);
		assert_memory_not_equal(
		    m.payload, before.payload, before.payload_len);
		assert_int_equal(message_open(&m, fleet), 0);
		assert_int_equal(m.payload_len, lengths[i]);
		assert_memory_equal(m.payload, before.payload, lengths[i]);
	}
}

static void too_long_a_payload_is_not_sealed(void **state)
{
	(void)state;
	make(MESSAGE_PAYLOAD_MAX - HPKE_OVERHEAD + 1);
	assert_int_equal(seal(), ERR_LIMIT);
	assert_memory_equal(&m, &before, sizeof m);
}

/* Another key, another claim, a changed or cut text: and nothing is changed. */
static void what_does_not_open_stays_as_it_is(void **state)
{
	(void)state;
	make(64);
	assert_int_equal(seal(), 0);
	memcpy(&before, &m, sizeof m);
	assert_int_equal(message_open(&m, others), ERR_DENIED);
	assert_memory_equal(&m, &before, sizeof m);
	message_set_claim(&m, "v=2");
	assert_int_equal(message_open(&m, fleet), ERR_DENIED);
	memcpy(&m, &before, sizeof m);
	for (size_t i = 0; i < before.payload_len; i++) {
		m.payload[i] ^= 1;
		assert_int_equal(message_open(&m, fleet), ERR_DENIED);
		m.payload[i] ^= 1;
	}
	for (m.payload_len = 0; m.payload_len < before.payload_len;
	     m.payload_len++)
		assert_int_equal(message_open(&m, fleet), ERR_DENIED);
	assert_int_equal(message_open(&m, fleet), 0);
}

/* Not denied, which would blame the message. */
static void without_memory_nothing_is_sealed_or_opened(void **state)
{
	(void)state;
#ifdef __x86_64__
	make(64);
	failing_next("buf_new_zero");
	assert_int_equal(seal(), ERR_NOMEM);
	assert_memory_equal(&m, &before, sizeof m);
	assert_int_equal(seal(), 0);
	memcpy(&before, &m, sizeof m);
	failing_next("buf_new_zero");
	assert_int_equal(message_open(&m, fleet), ERR_NOMEM);
	assert_memory_equal(&m, &before, sizeof m);
#else
	print_message(
	    "skipped: aid/failing.c has no code for this processor\n");
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_sealed_opens_to_the_same_payload),
	    cmocka_unit_test(too_long_a_payload_is_not_sealed),
	    cmocka_unit_test(what_does_not_open_stays_as_it_is),
	    cmocka_unit_test(without_memory_nothing_is_sealed_or_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

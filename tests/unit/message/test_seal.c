/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aid/failing.h"
#include "aid/openssl.h"
#include "base/err.h"
#include "message/seal.h"
#include "message/sign.h"

/* X25519 ignores three bits of the first byte. */
static const uint8_t fleet[KEYS_LEN] = {0, 1};
static const uint8_t others[KEYS_LEN] = {0, 2};

static struct message m, before;
static enum hpke_kem kem;

static int by_x25519(void **state)
{
	(void)state;
	kem = HPKE_X25519;
	return 0;
}

static int by_xwing(void **state)
{
	(void)state;
	kem = HPKE_XWING;
	return 0;
}

static void skip_without_kem(void)
{
	if (kem == HPKE_XWING && !openssl_should_have_mlkem())
		skip();
}

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
	uint8_t public_key[HPKE_PUBLIC_MAX];

	assert_int_equal(hpke_public(kem, public_key, fleet), 0);
	return message_seal(&m, kem, public_key);
}

static void what_is_sealed_opens_to_the_same_payload(void **state)
{
	const size_t more = hpke_overhead(kem);
	const size_t lengths[] = {
	    MESSAGE_PAYLOAD_MIN, 512, MESSAGE_PAYLOAD_MAX - more};

	(void)state;
	skip_without_kem();
	for (size_t i = 0; i < 3; i++) {
		make(lengths[i]);
		assert_int_equal(seal(), 0);
		assert_int_equal(m.payload_len, lengths[i] + more);
		assert_memory_not_equal(
		    m.payload, before.payload, before.payload_len);
		assert_int_equal(message_open(&m, kem, fleet), 0);
		assert_int_equal(m.payload_len, lengths[i]);
		assert_memory_equal(m.payload, before.payload, lengths[i]);
	}
}

static void too_long_a_payload_is_not_sealed(void **state)
{
	(void)state;
	skip_without_kem();
	make(MESSAGE_PAYLOAD_MAX - hpke_overhead(kem) + 1);
	assert_int_equal(seal(), ERR_LIMIT);
	assert_memory_equal(&m, &before, sizeof m);
}

/* Another key, another claim, a changed or cut text: and nothing is changed. */
static void what_does_not_open_stays_as_it_is(void **state)
{
	(void)state;
	skip_without_kem();
	make(64);
	assert_int_equal(seal(), 0);
	memcpy(&before, &m, sizeof m);
	assert_int_equal(message_open(&m, kem, others), ERR_DENIED);
	assert_memory_equal(&m, &before, sizeof m);
	message_set_claim(&m, "v=2");
	assert_int_equal(message_open(&m, kem, fleet), ERR_DENIED);
	memcpy(&m, &before, sizeof m);
	for (size_t i = 0; i < before.payload_len; i++) {
		m.payload[i] ^= 1;
		assert_int_equal(message_open(&m, kem, fleet), ERR_DENIED);
		m.payload[i] ^= 1;
	}
	for (m.payload_len = 0; m.payload_len < before.payload_len;
	     m.payload_len++)
		assert_int_equal(message_open(&m, kem, fleet), ERR_DENIED);
	assert_int_equal(message_open(&m, kem, fleet), 0);
}

/* Not denied, which would blame the message. */
static void without_memory_nothing_is_sealed_or_opened(void **state)
{
	(void)state;
#ifdef __x86_64__
	skip_without_kem();
	make(64);
	failing_next("buf_new_zero");
	assert_int_equal(seal(), ERR_NOMEM);
	assert_memory_equal(&m, &before, sizeof m);
	assert_int_equal(seal(), 0);
	memcpy(&before, &m, sizeof m);
	failing_next("buf_new_zero");
	assert_int_equal(message_open(&m, kem, fleet), ERR_NOMEM);
	assert_memory_equal(&m, &before, sizeof m);
#else
	print_message(
	    "skipped: aid/failing.c has no code for this processor\n");
	skip();
#endif
}

/* The sizes that the documents name, which X-Wing's draft gives. */
static void sealing_adds_what_the_documents_say(void **state)
{
	(void)state;
	assert_int_equal(hpke_overhead(HPKE_X25519), 48);
	assert_int_equal(hpke_overhead(HPKE_XWING), 1136);
}

/* Not another seal in its place. */
static void without_mlkem_nothing_is_sealed_by_xwing(void **state)
{
	static const uint8_t public_key[HPKE_PUBLIC_MAX] = {1};

	(void)state;
	if (openssl_should_have_mlkem()) {
		print_message("skipped: this OpenSSL has ML-KEM\n");
		skip();
	}
	make(64);
	assert_int_equal(
	    message_seal(&m, HPKE_XWING, public_key), ERR_UNSUPPORTED);
	assert_memory_equal(&m, &before, sizeof m);
	make(2000);
	assert_int_equal(message_open(&m, HPKE_XWING, fleet), ERR_UNSUPPORTED);
	assert_memory_equal(&m, &before, sizeof m);
}

#define BOTH(name)                                                             \
	cmocka_unit_test_setup(name, by_x25519),                               \
	    cmocka_unit_test_setup(name, by_xwing)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(what_is_sealed_opens_to_the_same_payload),
	    BOTH(too_long_a_payload_is_not_sealed),
	    BOTH(what_does_not_open_stays_as_it_is),
	    BOTH(without_memory_nothing_is_sealed_or_opened),
	    cmocka_unit_test(sealing_adds_what_the_documents_say),
	    cmocka_unit_test(without_mlkem_nothing_is_sealed_by_xwing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

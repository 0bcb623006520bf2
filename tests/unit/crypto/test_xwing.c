/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aid/hex.h"
#include "aid/openssl.h"
#include "crypto/xwing.h"

/* draft-connolly-cfrg-xwing-kem, appendix C, the first vector; long texts by
 * their SHA-256. */
#define SECRET                                                                 \
	"7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"
#define RANDOM                                                                 \
	"3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e2"     \
	"35b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2"
#define SHARED                                                                 \
	"d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384"
#define PUBLIC_SUM                                                             \
	"2e816deebcd76c5c80d0cd2d174478871658e8e2ff42bc9d4a6e486372e856bb"
#define TEXT_SUM                                                               \
	"17cd532d657e44c897ca6583e548a5424fc70bf54f99515a4d2bcf99e3469f33"

static uint8_t secret[KEYS_LEN], public_key[XWING_PUBLIC_LEN];
static uint8_t random_bytes[XWING_RANDOM_LEN], text[XWING_TEXT_LEN];
static uint8_t shared[XWING_SHARED_LEN], got[XWING_SHARED_LEN];

static int setup(void **state)
{
	(void)state;
	hex_exactly(secret, sizeof secret, SECRET);
	hex_exactly(random_bytes, sizeof random_bytes, RANDOM);
	hex_exactly(shared, sizeof shared, SHARED);
	if (!openssl_should_have_mlkem())
		return 0;
	return xwing_public(public_key, secret) != 0 ||
	       xwing_encapsulate(got, text, public_key, random_bytes) != 0;
}

static void keys_and_secrets_are_those_of_the_draft(void **state)
{
	(void)state;
	if (!openssl_should_have_mlkem())
		skip();
	openssl_assert_sum(public_key, sizeof public_key, PUBLIC_SUM);
	openssl_assert_sum(text, sizeof text, TEXT_SUM);
	assert_memory_equal(got, shared, sizeof got);
	memset(got, 0xaa, sizeof got);
	assert_int_equal(xwing_decapsulate(got, secret, text), 0);
	assert_memory_equal(got, shared, sizeof got);
}

/* Of each half: of X25519's even the bit that X25519 ignores. */
static void each_half_of_a_text_counts(void **state)
{
	static const size_t bits[] = {0, 8 * MLKEM_TEXT_LEN - 1,
	    8 * MLKEM_TEXT_LEN, 8 * XWING_TEXT_LEN - 1};

	(void)state;
	if (!openssl_should_have_mlkem())
		skip();
	for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
		hex_flip(text, bits[i]);
		assert_int_equal(xwing_decapsulate(got, secret, text), 0);
		assert_memory_not_equal(got, shared, sizeof got);
		hex_flip(text, bits[i]);
	}
	secret[KEYS_LEN - 1] ^= 1;
	assert_int_equal(xwing_decapsulate(got, secret, text), 0);
	assert_memory_not_equal(got, shared, sizeof got);
}

/* The whole secret would be ML-KEM's alone. */
static void a_half_that_is_no_key_is_refused(void **state)
{
	(void)state;
	if (!openssl_should_have_mlkem())
		skip();
	memset(text + MLKEM_TEXT_LEN, 0, KEYS_LEN);
	assert_int_equal(xwing_decapsulate(got, secret, text), ERR_DENIED);
	memset(public_key + MLKEM_PUBLIC_LEN, 0, KEYS_LEN);
	assert_int_equal(
	    xwing_encapsulate(got, text, public_key, random_bytes), ERR_DENIED);
	assert_int_equal(xwing_public(public_key, secret), 0);
	memset(public_key, 0xff, 3);
	assert_int_equal(
	    xwing_encapsulate(got, text, public_key, random_bytes), ERR_DENIED);
}

static void without_mlkem_there_is_no_xwing(void **state)
{
	(void)state;
	if (openssl_should_have_mlkem()) {
		print_message("skipped: this OpenSSL has ML-KEM\n");
		skip();
	}
	assert_int_equal(xwing_public(public_key, secret), ERR_UNSUPPORTED);
	assert_int_equal(xwing_encapsulate(got, text, public_key, random_bytes),
	    ERR_UNSUPPORTED);
	assert_int_equal(xwing_decapsulate(got, secret, text), ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(
		keys_and_secrets_are_those_of_the_draft, setup),
	    cmocka_unit_test_setup(each_half_of_a_text_counts, setup),
	    cmocka_unit_test_setup(a_half_that_is_no_key_is_refused, setup),
	    cmocka_unit_test_setup(without_mlkem_there_is_no_xwing, setup)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

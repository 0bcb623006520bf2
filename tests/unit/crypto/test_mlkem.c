/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aid/hex.h"
#include "aid/openssl.h"
#include "crypto/mlkem.h"

/* The first of NIST's round 3 seeds; long texts by their SHA-256. */
#define SEED                                                                   \
	"7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2d"     \
	"8626ed79d451140800e03b59b956f8210e556067407d13dc90fa9e8b872bfb8f"
#define RANDOM                                                                 \
	"147c03f7a5bebba406c8fae1874d7f13c80efe79a3a9a874cc09fe76f6997615"
#define SHARED                                                                 \
	"e7184a0975ee3470878d2d159ec83129c8aec253d4ee17b4810311d198cd0368"
#define PUBLIC_SUM                                                             \
	"86adbca81f4fee893e2fb58fb98aa2fe188f501fed268d7f4056f8c05c4e53c4"
#define TEXT_SUM                                                               \
	"36829a2f35cbf4deb62c0a12a15c22dae9f8d2c252566fc24f88abe805cb575e"

static uint8_t seed[MLKEM_SEED_LEN], public_key[MLKEM_PUBLIC_LEN];
static uint8_t random_bytes[MLKEM_RANDOM_LEN], text[MLKEM_TEXT_LEN];
static uint8_t shared[MLKEM_SHARED_LEN], got[MLKEM_SHARED_LEN];

static int setup(void **state)
{
	(void)state;
	hex_exactly(seed, sizeof seed, SEED);
	hex_exactly(random_bytes, sizeof random_bytes, RANDOM);
	hex_exactly(shared, sizeof shared, SHARED);
	memset(public_key, 0xaa, sizeof public_key);
	memset(text, 0xaa, sizeof text);
	memset(got, 0xaa, sizeof got);
	return 0;
}

static void make_text(void)
{
	assert_int_equal(mlkem_public(public_key, seed), 0);
	assert_int_equal(
	    mlkem_encapsulate(got, text, public_key, random_bytes), 0);
}

static void keys_and_secrets_are_those_of_nist(void **state)
{
	(void)state;
	if (!openssl_should_have_mlkem())
		skip();
	make_text();
	openssl_assert_sum(public_key, sizeof public_key, PUBLIC_SUM);
	openssl_assert_sum(text, sizeof text, TEXT_SUM);
	assert_memory_equal(got, shared, sizeof got);
	memset(got, 0xaa, sizeof got);
	assert_int_equal(mlkem_decapsulate(got, seed, text), 0);
	assert_memory_equal(got, shared, sizeof got);
}

/* FIPS 203 section 6.3: implicit rejection. */
static void a_changed_text_gives_another_secret(void **state)
{
	(void)state;
	if (!openssl_should_have_mlkem())
		skip();
	make_text();
	for (size_t i = 0; i < sizeof text; i++) {
		text[i] ^= 1;
		assert_int_equal(mlkem_decapsulate(got, seed, text), 0);
		assert_memory_not_equal(got, shared, sizeof got);
		text[i] ^= 1;
	}
	seed[0] ^= 1;
	assert_int_equal(mlkem_decapsulate(got, seed, text), 0);
	assert_memory_not_equal(got, shared, sizeof got);
}

/* FIPS 203 section 7.2, modulus check: 12 bits of 3329 and more. */
static void a_coefficient_out_of_range_makes_no_key(void **state)
{
	(void)state;
	if (!openssl_should_have_mlkem())
		skip();
	assert_int_equal(mlkem_public(public_key, seed), 0);
	public_key[0] = 0x01;
	public_key[1] = 0x0d | (public_key[1] & 0xf0);
	assert_int_equal(
	    mlkem_encapsulate(got, text, public_key, random_bytes), ERR_DENIED);
	hex_assert_wiped(got, sizeof got);
	public_key[0] = 0x00; /* 3328 is the greatest */
	assert_int_equal(
	    mlkem_encapsulate(got, text, public_key, random_bytes), 0);
}

static void an_older_openssl_is_named_as_the_reason(void **state)
{
	(void)state;
	if (openssl_should_have_mlkem()) {
		print_message("skipped: this OpenSSL has ML-KEM\n");
		skip();
	}
	assert_int_equal(mlkem_public(public_key, seed), ERR_UNSUPPORTED);
	assert_int_equal(mlkem_encapsulate(got, text, public_key, random_bytes),
	    ERR_UNSUPPORTED);
	assert_int_equal(mlkem_decapsulate(got, seed, text), ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(keys_and_secrets_are_those_of_nist, setup),
	    cmocka_unit_test_setup(a_changed_text_gives_another_secret, setup),
	    cmocka_unit_test_setup(
		a_coefficient_out_of_range_makes_no_key, setup),
	    cmocka_unit_test_setup(
		an_older_openssl_is_named_as_the_reason, setup)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>

#include "aid/hex.h"
#include "aid/refused.h"
#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/keys.h"

#define COUNT(a)       (sizeof(a) / sizeof(a)[0])
#define TEXT_MAX       1100
#define SIGNATURE_BITS (8 * KEYS_SIGNATURE_LEN)
#define KEY_BITS       (8 * KEYS_LEN)

/* RFC 8032 section 7.1. */
static const struct {
	const char *secret, *public_key, *message, *signature;
} signatures[] = {
    /* TEST 1 */
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac03"
     "1cae7f60",
	"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68"
	"f707511a",
	"",
	"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065"
	"224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
	"655141438e7a100b"},
    /* TEST 2 */
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed"
     "4fb8a6fb",
	"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f1"
	"2af4660c",
	"72",
	"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223"
	"ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
	"b00d291612bb0c00"},
    /* TEST 3 */
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e"
     "0b4458f7",
	"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb9115"
	"48908025",
	"af82",
	"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7"
	"db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
	"c027beceea1ec40a"},
    /* TEST 1024 */
    {"f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255"
     "f5cc0ee5",
	"278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c59"
	"7f1d426e",
	"08b8b2b733424243760fe426a4b54908632110a66c2f6591eabd3345"
	"e3e4eb98fa6e264bf09efe12ee50f8f54e9f77b1e355f6c50544e23f"
	"b1433ddf73be84d879de7c0046dc4996d9e773f4bc9efe5738829adb"
	"26c81b37c93a1b270b20329d658675fc6ea534e0810a4432826bf58c"
	"941efb65d57a338bbd2e26640f89ffbc1a858efcb8550ee3a5e1998b"
	"d177e93a7363c344fe6b199ee5d02e82d522c4feba15452f80288a82"
	"1a579116ec6dad2b3b310da903401aa62100ab5d1a36553e06203b33"
	"890cc9b832f79ef80560ccb9a39ce767967ed628c6ad573cb116dbef"
	"efd75499da96bd68a8a97b928a8bbc103b6621fcde2beca1231d206b"
	"e6cd9ec7aff6f6c94fcd7204ed3455c68c83f4a41da4af2b74ef5c53"
	"f1d8ac70bdcb7ed185ce81bd84359d44254d95629e9855a94a7c1958"
	"d1f8ada5d0532ed8a5aa3fb2d17ba70eb6248e594e1a2297acbbb39d"
	"502f1a8c6eb6f1ce22b3de1a1f40cc24554119a831a9aad6079cad88"
	"425de6bde1a9187ebb6092cf67bf2b13fd65f27088d78b7e883c8759"
	"d2c4f5c65adb7553878ad575f9fad878e80a0c9ba63bcbcc2732e694"
	"85bbc9c90bfbd62481d9089beccf80cfe2df16a2cf65bd92dd597b07"
	"07e0917af48bbb75fed413d238f5555a7a569d80c3414a8d0859dc65"
	"a46128bab27af87a71314f318c782b23ebfe808b82b0ce26401d2e22"
	"f04d83d1255dc51addd3b75a2b1ae0784504df543af8969be3ea7082"
	"ff7fc9888c144da2af58429ec96031dbcad3dad9af0dcbaaaf268cb8"
	"fcffead94f3c7ca495e056a9b47acdb751fb73e666c6c655ade82972"
	"97d07ad1ba5e43f1bca32301651339e22904cc8c42f58c30c04aafdb"
	"038dda0847dd988dcda6f3bfd15c4b4c4525004aa06eeff8ca61783a"
	"acec57fb3d1f92b0fe2fd1a85f6724517b65e614ad6808d6f6ee34df"
	"f7310fdc82aebfd904b01e1dc54b2927094b2db68d6f903b68401ade"
	"bf5a7e08d78ff4ef5d63653a65040cf9bfd4aca7984a74d371459867"
	"80fc0b16ac451649de6188a7dbdf191f64b5fc5e2ab47b57f7f7276c"
	"d419c17a3ca8e1b939ae49e488acba6b965610b5480109c8b17b80e1"
	"b7b750dfc7598d5d5011fd2dcc5600a32ef5b52a1ecc820e308aa342"
	"721aac0943bf6686b64b2579376504ccc493d97e6aed3fb0f9cd71a4"
	"3dd497f01f17c0e2cb3797aa2a2f256656168e6c496afc5fb93246f6"
	"b1116398a346f1a641f3b041e989f7914f90cc2c7fff357876e506b5"
	"0d334ba77c225bc307ba537152f3f1610e4eafe595f6d9d90d11faa9"
	"33a15ef1369546868a7f3a45a96768d40fd9d03412c091c6315cf4fd"
	"e7cb68606937380db2eaaa707b4c4185c32eddcdd306705e4dc1ffc8"
	"72eeee475a64dfac86aba41c0618983f8741c5ef68d3a101e8a3b8ca"
	"c60c905c15fc910840b94c00a0b9d0",
	"0aab4c900501b3e24d7cdf4663326a3a87df5e4843b2cbdb67cbf6e4"
	"60fec350aa5371b1508f9f4528ecea23c436d94b5e8fcd4f681e30a6"
	"ac00a9704a188a03"},
    /* TEST SHA(abc) */
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b9"
     "6dca3d42",
	"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf81968"
	"3467e2bf",
	"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee6"
	"4b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e"
	"2a9ac94fa54ca49f",
	"dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea218"
	"6c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17a"
	"d9bef1177331a704"},
};

static void random_bytes_differ_and_stay_within_their_buffer(void **state)
{
	uint8_t a[64] = {0}, b[64] = {0};
	uint8_t guarded[34] = {0};
	size_t bits = 0, i;

	(void)state;
	assert_int_equal(keys_random(a, sizeof a), 0);
	assert_int_equal(keys_random(b, sizeof b), 0);
	assert_memory_not_equal(a, b, sizeof a);
	for (i = 0; i < 8 * sizeof a; i++)
		bits += a[i / 8] >> (i % 8) & 1;
	assert_in_range(bits, 128, 384);
	assert_int_equal(keys_random(guarded + 1, 32), 0);
	assert_int_equal(guarded[0], 0);
	assert_int_equal(guarded[33], 0);
	assert_int_equal(keys_random(a, 0), 0);
}

static void ed25519_gives_the_signatures_of_rfc_8032(void **state)
{
	uint8_t secret[KEYS_LEN], key[KEYS_LEN];
	uint8_t expected[KEYS_SIGNATURE_LEN], got[KEYS_SIGNATURE_LEN];
	uint8_t text[TEXT_MAX];
	size_t i, len;

	(void)state;
	for (i = 0; i < COUNT(signatures); i++) {
		hex_exactly(secret, sizeof secret, signatures[i].secret);
		hex_exactly(expected, sizeof expected, signatures[i].signature);
		len = hex_bytes(text, sizeof text, signatures[i].message);
		assert_int_equal(keys_ed25519_public(key, secret), 0);
		assert_int_equal(keys_ed25519_sign(got, secret, text, len), 0);
		assert_memory_equal(got, expected, sizeof got);
		assert_int_equal(keys_ed25519_verify(got, key, text, len), 0);
		hex_exactly(expected, sizeof key, signatures[i].public_key);
		assert_memory_equal(key, expected, sizeof key);
	}
}

static void a_signer_gives_the_same_signatures_again_and_again(void **state)
{
	uint8_t secret[KEYS_LEN], public_key[KEYS_LEN], key[KEYS_LEN];
	uint8_t expected[KEYS_SIGNATURE_LEN], got[KEYS_SIGNATURE_LEN];
	struct keys_signer *s;

	(void)state;
	hex_exactly(secret, sizeof secret, signatures[2].secret);
	hex_exactly(public_key, sizeof public_key, signatures[2].public_key);
	s = keys_signer_new(secret);
	assert_non_null(s);
	memset(secret, 0, sizeof secret);
	assert_int_equal(keys_signer_public(s, key), 0);
	assert_memory_equal(key, public_key, sizeof key);
	hex_exactly(expected, sizeof expected, signatures[2].signature);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(keys_signer_sign(s, got, "\xaf\x82", 2), 0);
		assert_memory_equal(got, expected, sizeof got);
		assert_int_equal(keys_signer_sign(s, got, NULL, 0), 0);
		assert_int_equal(keys_ed25519_verify(got, key, NULL, 0), 0);
	}
	keys_signer_free(s);
	keys_signer_free(NULL);
}

static void an_empty_text_can_be_signed(void **state)
{
	uint8_t secret[KEYS_LEN], key[KEYS_LEN];
	uint8_t signature[KEYS_SIGNATURE_LEN];

	(void)state;
	hex_exactly(secret, sizeof secret, signatures[0].secret);
	hex_exactly(key, sizeof key, signatures[0].public_key);
	assert_int_equal(keys_ed25519_sign(signature, secret, NULL, 0), 0);
	assert_int_equal(keys_ed25519_verify(signature, key, NULL, 0), 0);
	assert_int_equal(
	    keys_ed25519_verify(signature, key, "", 1), ERR_DENIED);
}

struct signed_text {
	uint8_t signature[KEYS_SIGNATURE_LEN];
	uint8_t key[KEYS_LEN];
	uint8_t text[TEXT_MAX];
	size_t len;
};

static struct signed_text take_vector(size_t i)
{
	struct signed_text s;

	hex_exactly(s.signature, sizeof s.signature, signatures[i].signature);
	hex_exactly(s.key, sizeof s.key, signatures[i].public_key);
	s.len = hex_bytes(s.text, sizeof s.text, signatures[i].message);
	return s;
}

static int verify(const struct signed_text *s)
{
	return keys_ed25519_verify(s->signature, s->key, s->text, s->len);
}

static void refuse_each_bit(struct signed_text *s, void *at, size_t bits)
{
	size_t bit;

	for (bit = 0; bit < bits; bit++) {
		hex_flip(at, bit);
		assert_int_equal(verify(s), ERR_DENIED);
		hex_flip(at, bit);
	}
	assert_int_equal(verify(s), 0);
}

static void ed25519_refuses_any_flipped_bit(void **state)
{
	struct signed_text s = take_vector(4);

	(void)state;
	refuse_each_bit(&s, s.signature, SIGNATURE_BITS);
	refuse_each_bit(&s, s.key, KEY_BITS);
	refuse_each_bit(&s, s.text, 8 * s.len);
	s.len--;
	assert_int_equal(verify(&s), ERR_DENIED);
}

static void a_signature_verifies_under_its_own_key_alone(void **state)
{
	struct signed_text s = take_vector(2);
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(signatures); i++) {
		hex_exactly(s.key, sizeof s.key, signatures[i].public_key);
		assert_int_equal(verify(&s), i == 2 ? 0 : ERR_DENIED);
	}
	memset(s.signature, 0, sizeof s.signature);
	assert_int_equal(verify(&s), ERR_DENIED);
	memset(s.signature, 0xff, sizeof s.signature);
	assert_int_equal(verify(&s), ERR_DENIED);
	/* No point of the curve. */
	memset(s.key, 0, sizeof s.key);
	s.key[0] = 2;
	assert_int_equal(verify(&s), ERR_DENIED);
}

/* RFC 8032 section 8.4: S + L would be a second signature of the same text. */
static void a_signature_with_the_order_added_is_refused(void **state)
{
	struct signed_text s = take_vector(1);
	uint8_t order[32];
	unsigned sum = 0;
	size_t i;

	(void)state;
	hex_exactly(order, sizeof order,
	    "edd3f55c1a631258d69cf7a2def9de14"
	    "00000000000000000000000000000010");
	for (i = 0; i < sizeof order; i++) {
		sum += (unsigned)s.signature[32 + i] + order[i];
		s.signature[32 + i] = (uint8_t)sum;
		sum >>= 8;
	}
	assert_int_equal(sum, 0);
	assert_int_equal(verify(&s), ERR_DENIED);
}

/* Under the key 1 (the neutral point) R = 1, S = 0 fits every text. */
static void ed25519_refuses_keys_of_small_order(void **state)
{
	static const char *const keys[] = {
	    "0000000000000000000000000000000000000000000000000000000000000000",
	    "0100000000000000000000000000000000000000000000000000000000000000",
	    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
	struct signed_text s = {.signature = {1}};
	size_t i, r;

	(void)state;
	for (i = 0; i < 2 * COUNT(keys); i++) {
		hex_exactly(s.key, sizeof s.key, keys[i / 2]);
		if (i % 2 == 1)
			hex_flip(s.key, KEY_BITS - 1);
		/* Any text: one in eight fits an order of eight. */
		for (s.len = 0; s.len < 64; s.len++)
			for (r = 0; r < COUNT(keys); r++) {
				hex_exactly(s.signature, 32, keys[r]);
				assert_int_equal(verify(&s), ERR_DENIED);
			}
	}
}

/* libcurl would take what is left behind for a failure of its own. */
static void a_refusal_leaves_openssls_error_queue_as_it_was(void **state)
{
	static const uint8_t nothing[KEYS_LEN];
	struct signed_text s = take_vector(2);
	uint8_t got[KEYS_LEN];
	uint8_t key[KEYS_LEN] = {9}, nonce[AEAD_NONCE_LEN] = {0};

	(void)state;
	ERR_clear_error();
	ERR_raise(ERR_LIB_USER, 1);
	s.signature[0] ^= 1;
	assert_int_equal(verify(&s), ERR_DENIED);
	assert_int_equal(keys_x25519(got, s.key, nothing), ERR_DENIED);
	assert_int_equal(
	    aead_open(got, key, nonce, NULL, 0, s.signature, 40), ERR_DENIED);
	assert_int_equal(ERR_GET_REASON(ERR_get_error()), 1);
	assert_int_equal(ERR_get_error(), 0);
}

/* What the program does when refused_run() runs it. */
static int when_refused(void)
{
	uint8_t a[KEYS_LEN] = {7}, b[KEYS_LEN] = {9};
	uint8_t out[KEYS_SIGNATURE_LEN] = {0};

	if (keys_ed25519_public(b, a) != ERR_INTERNAL)
		return 1;
	if (keys_ed25519_sign(out, a, "", 0) != ERR_INTERNAL)
		return 2;
	if (keys_ed25519_verify(out, b, "", 0) != ERR_INTERNAL)
		return 3;
	if (keys_signer_new(a) != NULL)
		return 9;
	if (keys_x25519_public(b, a) != ERR_INTERNAL)
		return 4;
	out[0] = 0xaa;
	if (keys_x25519(out, a, b) != ERR_INTERNAL || out[0] != 0)
		return 5;
	if (aead_seal(out, a, b, "", 0, "text", 4) != ERR_INTERNAL)
		return 6;
	out[0] = 0xaa;
	if (aead_open(out, a, b, "", 0, a, 20) != ERR_INTERNAL)
		return 7;
	return out[0] == 0 ? 0 : 8;
}

static void a_key_operation_that_openssl_refuses_is_an_error(void **state)
{
	(void)state;
	refused_run("--refused");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_bytes_differ_and_stay_within_their_buffer),
	    cmocka_unit_test(ed25519_gives_the_signatures_of_rfc_8032),
	    cmocka_unit_test(
		a_signer_gives_the_same_signatures_again_and_again),
	    cmocka_unit_test(an_empty_text_can_be_signed),
	    cmocka_unit_test(ed25519_refuses_any_flipped_bit),
	    cmocka_unit_test(a_signature_verifies_under_its_own_key_alone),
	    cmocka_unit_test(a_signature_with_the_order_added_is_refused),
	    cmocka_unit_test(ed25519_refuses_keys_of_small_order),
	    cmocka_unit_test(a_refusal_leaves_openssls_error_queue_as_it_was),
	    cmocka_unit_test(a_key_operation_that_openssl_refuses_is_an_error)};

	if (argc == 2 && strcmp(argv[1], "--refused") == 0)
		return when_refused();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

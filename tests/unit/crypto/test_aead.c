/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aid/hex.h"
#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/keys.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define TEXT_MAX 300
#define KEY_BITS (8 * KEYS_LEN)

/* RFC 8439. */
static const struct {
	const char *key, *nonce, *aad, *text, *sealed;
} sealings[] = {
    /* section 2.8.2 */
    {"808182838485868788898a8b8c8d8e8f909192939495969798999a9b"
     "9c9d9e9f",
	"070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
	"4c616469657320616e642047656e746c656d656e206f662074686520"
	"636c617373206f66202739393a204966204920636f756c64206f6666"
	"657220796f75206f6e6c79206f6e652074697020666f722074686520"
	"6675747572652c2073756e73637265656e20776f756c642062652069"
	"742e",
	"d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a7"
	"36ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b29"
	"05d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4"
	"fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b"
	"61161ae10b594f09e26a7e902ecbd0600691"},
    /* appendix A.5 */
    {"1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc"
     "207075c0",
	"000000000102030405060708", "f33388860000000000004e91",
	"496e7465726e65742d4472616674732061726520647261667420646f"
	"63756d656e74732076616c696420666f722061206d6178696d756d20"
	"6f6620736978206d6f6e74687320616e64206d617920626520757064"
	"617465642c207265706c616365642c206f72206f62736f6c65746564"
	"206279206f7468657220646f63756d656e747320617420616e792074"
	"696d652e20497420697320696e617070726f70726961746520746f20"
	"75736520496e7465726e65742d447261667473206173207265666572"
	"656e6365206d6174657269616c206f7220746f206369746520746865"
	"6d206f74686572207468616e206173202fe2809c776f726b20696e20"
	"70726f67726573732e2fe2809d",
	"64a0861575861af460f062c79be643bd5e805cfd345cf389f108670a"
	"c76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100"
	"d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e"
	"008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b350638"
	"3606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216"
	"cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa115"
	"5b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb23160"
	"53fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
	"49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d"
	"6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f"
	"38"},
};

/* RFC 7748 section 5.2, and section 6.1 both ways. */
static const struct {
	const char *secret, *peer, *shared;
} agreements[] = {
    {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
	"e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
	"c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
    {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
	"e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
	"95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
    {"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
	"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
	"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
    {"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
	"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
	"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"}};

static void x25519_gives_the_secrets_of_rfc_7748(void **state)
{
	uint8_t secret[KEYS_LEN], peer[KEYS_LEN];
	uint8_t expected[KEYS_LEN], got[KEYS_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(agreements); i++) {
		hex_exactly(secret, sizeof secret, agreements[i].secret);
		hex_exactly(peer, sizeof peer, agreements[i].peer);
		hex_exactly(expected, sizeof expected, agreements[i].shared);
		assert_int_equal(keys_x25519(got, secret, peer), 0);
		assert_memory_equal(got, expected, sizeof got);
	}
	hex_exactly(secret, sizeof secret, agreements[2].secret);
	hex_exactly(expected, sizeof expected, agreements[3].peer);
	assert_int_equal(keys_x25519_public(got, secret), 0);
	assert_memory_equal(got, expected, sizeof got);
}

/* RFC 7748 section 5.2: the scalar and the point chase each other. */
static void x25519_holds_over_a_thousand_iterations(void **state)
{
	uint8_t k[KEYS_LEN] = {9}, u[KEYS_LEN] = {9};
	uint8_t expected[KEYS_LEN], next[KEYS_LEN];
	int i;

	(void)state;
	for (i = 1; i <= 1000; i++) {
		assert_int_equal(keys_x25519(next, k, u), 0);
		memcpy(u, k, sizeof u);
		memcpy(k, next, sizeof k);
		if (i == 1)
			hex_exactly(expected, sizeof expected,
			    "422c8e7a6227d7bca1350b3e2bb7279f"
			    "7897b87bb6854b783c60e80311ae3079");
		if (i == 1000)
			hex_exactly(expected, sizeof expected,
			    "684cf59ba83309552800ef566f2f4d3c"
			    "1c3887c49360e3875f2eb94d99532c51");
		if (i == 1 || i == 1000)
			assert_memory_equal(k, expected, sizeof k);
	}
}

/* Each bit but those that clamping and masking ignore (section 5). */
static void any_bit_that_counts_gives_another_shared_secret(void **state)
{
	uint8_t secret[KEYS_LEN], peer[KEYS_LEN];
	uint8_t expected[KEYS_LEN], got[KEYS_LEN];
	size_t bit;

	(void)state;
	hex_exactly(secret, sizeof secret, agreements[0].secret);
	hex_exactly(peer, sizeof peer, agreements[0].peer);
	hex_exactly(expected, sizeof expected, agreements[0].shared);
	for (bit = 0; bit < KEY_BITS - 1; bit++) {
		hex_flip(peer, bit);
		assert_int_equal(keys_x25519(got, secret, peer), 0);
		assert_memory_not_equal(got, expected, sizeof got);
		hex_flip(peer, bit);
	}
	for (bit = 3; bit < KEY_BITS - 2; bit++) {
		hex_flip(secret, bit);
		assert_int_equal(keys_x25519(got, secret, peer), 0);
		assert_memory_not_equal(got, expected, sizeof got);
		hex_flip(secret, bit);
	}
}

/* The points whose order divides 8, with their second encodings. */
static void x25519_refuses_points_of_small_order(void **state)
{
	static const char *const points[] = {
	    "0000000000000000000000000000000000000000000000000000000000000000",
	    "0100000000000000000000000000000000000000000000000000000000000000",
	    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
	uint8_t secret[KEYS_LEN], peer[KEYS_LEN];
	uint8_t got[KEYS_LEN];
	size_t i;

	(void)state;
	hex_exactly(secret, sizeof secret, agreements[0].secret);
	for (i = 0; i < 2 * COUNT(points); i++) {
		hex_exactly(peer, sizeof peer, points[i / 2]);
		if (i % 2 == 1)
			hex_flip(peer, KEY_BITS - 1);
		memset(got, 0xaa, sizeof got);
		assert_int_equal(keys_x25519(got, secret, peer), ERR_DENIED);
		hex_assert_wiped(got, sizeof got);
	}
}

struct sealing {
	uint8_t key[KEYS_LEN], nonce[AEAD_NONCE_LEN];
	uint8_t aad[16], text[TEXT_MAX], sealed[TEXT_MAX + AEAD_TAG_LEN];
	size_t aad_len, len;
	uint8_t got[TEXT_MAX + AEAD_TAG_LEN];
};

static void take_sealing(struct sealing *s, size_t i)
{
	hex_exactly(s->key, sizeof s->key, sealings[i].key);
	hex_exactly(s->nonce, sizeof s->nonce, sealings[i].nonce);
	s->aad_len = hex_bytes(s->aad, sizeof s->aad, sealings[i].aad);
	s->len = hex_bytes(s->text, sizeof s->text, sealings[i].text);
	hex_exactly(s->sealed, s->len + AEAD_TAG_LEN, sealings[i].sealed);
}

static int open_sealing(struct sealing *s, size_t len)
{
	memset(s->got, 0xaa, sizeof s->got);
	return aead_open(
	    s->got, s->key, s->nonce, s->aad, s->aad_len, s->sealed, len);
}

static void aead_seals_and_opens_the_vectors_of_rfc_8439(void **state)
{
	struct sealing s;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(sealings); i++) {
		take_sealing(&s, i);
		memset(s.got, 0xaa, sizeof s.got);
		assert_int_equal(aead_seal(s.got, s.key, s.nonce, s.aad,
				     s.aad_len, s.text, s.len),
		    0);
		assert_memory_equal(s.got, s.sealed, s.len + AEAD_TAG_LEN);
		assert_int_equal(s.got[s.len + AEAD_TAG_LEN], 0xaa);
		assert_int_equal(open_sealing(&s, s.len + AEAD_TAG_LEN), 0);
		assert_memory_equal(s.got, s.text, s.len);
		assert_int_equal(s.got[s.len], 0xaa);
	}
}

static void refuse_each_bit_sealed(struct sealing *s, void *at, size_t len)
{
	size_t bit;

	for (bit = 0; bit < 8 * len; bit++) {
		hex_flip(at, bit);
		assert_int_equal(
		    open_sealing(s, s->len + AEAD_TAG_LEN), ERR_DENIED);
		hex_assert_wiped(s->got, s->len);
		assert_int_equal(s->got[s->len], 0xaa);
		hex_flip(at, bit);
	}
	assert_int_equal(open_sealing(s, s->len + AEAD_TAG_LEN), 0);
}

static void a_sealed_text_with_any_bit_flipped_is_not_opened(void **state)
{
	struct sealing s;
	size_t len;

	(void)state;
	take_sealing(&s, 0);
	refuse_each_bit_sealed(&s, s.key, sizeof s.key);
	refuse_each_bit_sealed(&s, s.nonce, sizeof s.nonce);
	refuse_each_bit_sealed(&s, s.aad, s.aad_len);
	refuse_each_bit_sealed(&s, s.sealed, s.len + AEAD_TAG_LEN);
	for (len = 0; len < s.len + AEAD_TAG_LEN; len++)
		assert_int_equal(open_sealing(&s, len), ERR_DENIED);
	s.aad_len--;
	assert_int_equal(open_sealing(&s, s.len + AEAD_TAG_LEN), ERR_DENIED);
}

static void a_text_of_any_length_is_sealed_and_opened(void **state)
{
	struct sealing s;
	size_t len;

	(void)state;
	take_sealing(&s, 1);
	for (len = 0; len <= s.len; len++) {
		assert_int_equal(aead_seal(s.sealed, s.key, s.nonce, s.aad,
				     len % 12, s.text, len),
		    0);
		s.aad_len = len % 12;
		assert_int_equal(open_sealing(&s, len + AEAD_TAG_LEN), 0);
		assert_memory_equal(s.got, s.text, len);
	}
	assert_int_equal(
	    aead_seal(s.sealed, s.key, s.nonce, NULL, 0, NULL, 0), 0);
	assert_int_equal(
	    aead_open(s.got, s.key, s.nonce, NULL, 0, s.sealed, AEAD_TAG_LEN),
	    0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(x25519_gives_the_secrets_of_rfc_7748),
	    cmocka_unit_test(x25519_holds_over_a_thousand_iterations),
	    cmocka_unit_test(any_bit_that_counts_gives_another_shared_secret),
	    cmocka_unit_test(x25519_refuses_points_of_small_order),
	    cmocka_unit_test(aead_seals_and_opens_the_vectors_of_rfc_8439),
	    cmocka_unit_test(a_sealed_text_with_any_bit_flipped_is_not_opened),
	    cmocka_unit_test(a_text_of_any_length_is_sealed_and_opened)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

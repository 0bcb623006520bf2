/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aid/hex.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/hpke.h"

#define OVERHEAD   ((size_t)(KEYS_LEN + AEAD_TAG_LEN)) /* of X25519 */
#define TEXT_MAX   16384
#define SEALED_MAX (TEXT_MAX + OVERHEAD)

struct fixture {
	uint8_t recipient[KEYS_LEN]; /* pkRm */
	uint8_t secret[KEYS_LEN];    /* skRm */
	uint8_t ephemeral[KEYS_LEN]; /* skEm */
	uint8_t info[64], aad[64];
	size_t info_len, aad_len, len; /* len: of text */
	uint8_t text[TEXT_MAX];
	uint8_t sealed[SEALED_MAX + 1]; /* enc || ct */
	uint8_t got[SEALED_MAX + 1];
};

/* RFC 9180 appendix A.2.1 and A.2.1.1, sequence number 0. */
static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	if (f == NULL)
		return -1;
	hex_exactly(f->recipient, KEYS_LEN,
	    "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
	hex_exactly(f->secret, KEYS_LEN,
	    "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
	hex_exactly(f->ephemeral, KEYS_LEN,
	    "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600");
	f->info_len = hex_bytes(f->info, sizeof f->info,
	    "4f6465206f6e2061204772656369616e2055726e");
	f->aad_len = hex_bytes(f->aad, sizeof f->aad, "436f756e742d30");
	f->len = hex_bytes(f->text, sizeof f->text,
	    "4265617574792069732074727574682c20747275746820626561757479");
	hex_exactly(f->sealed, f->len + OVERHEAD,
	    "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
	    "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db"
	    "21993c62ce81883d2dd1b51a28");
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static int seal(struct fixture *f, uint8_t *out)
{
	memset(out, 0xaa, SEALED_MAX + 1);
	return hpke_seal(HPKE_X25519, out, f->recipient, f->ephemeral, f->info,
	    f->info_len, f->aad, f->aad_len, f->text, f->len);
}

static int open_len(struct fixture *f, size_t len)
{
	memset(f->got, 0xaa, sizeof f->got);
	return hpke_open(HPKE_X25519, f->got, f->secret, f->info, f->info_len,
	    f->aad, f->aad_len, f->sealed, len);
}

static int open_sealed(struct fixture *f)
{
	return open_len(f, f->len + OVERHEAD);
}

static void hpke_seals_and_opens_the_vector_of_rfc_9180(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(seal(f, f->got), 0);
	assert_memory_equal(f->got, f->sealed, f->len + OVERHEAD);
	assert_int_equal(f->got[f->len + OVERHEAD], 0xaa);
	assert_int_equal(open_sealed(f), 0);
	assert_memory_equal(f->got, f->text, f->len);
	assert_int_equal(f->got[f->len], 0xaa);
}

static void refuse_each_bit(struct fixture *f, void *at, size_t len)
{
	size_t bit;

	for (bit = 0; bit < 8 * len; bit++) {
		hex_flip(at, bit);
		assert_int_equal(open_sealed(f), ERR_DENIED);
		hex_assert_wiped(f->got, f->len);
		assert_int_equal(f->got[f->len], 0xaa);
		hex_flip(at, bit);
	}
	assert_int_equal(open_sealed(f), 0);
}

/* enc's highest bit, which X25519 ignores, counts in the key schedule. */
static void hpke_opens_nothing_with_any_bit_flipped(void **state)
{
	struct fixture *f = *state;

	refuse_each_bit(f, f->sealed, f->len + OVERHEAD);
	refuse_each_bit(f, f->info, f->info_len);
	refuse_each_bit(f, f->aad, f->aad_len);
}

/* Clamping leaves five bits of a secret key without effect (RFC 7748). */
static void another_secret_key_opens_nothing(void **state)
{
	struct fixture *f = *state;
	size_t bit;

	for (bit = 0; bit < 8 * sizeof f->secret; bit++) {
		const bool ignored = bit < 3 || bit >= 254;

		hex_flip(f->secret, bit);
		assert_int_equal(open_sealed(f), ignored ? 0 : ERR_DENIED);
		hex_flip(f->secret, bit);
	}
	memcpy(f->secret, f->ephemeral, sizeof f->secret);
	assert_int_equal(open_sealed(f), ERR_DENIED);
}

static void info_and_aad_of_another_length_open_nothing(void **state)
{
	struct fixture *f = *state;

	f->info_len--;
	assert_int_equal(open_sealed(f), ERR_DENIED);
	f->info_len += 2;
	assert_int_equal(open_sealed(f), ERR_DENIED);
	f->info_len--;
	f->aad_len--;
	assert_int_equal(open_sealed(f), ERR_DENIED);
	f->aad_len += 2;
	assert_int_equal(open_sealed(f), ERR_DENIED);
}

static void a_sealed_text_of_another_length_is_not_opened(void **state)
{
	struct fixture *f = *state;
	size_t len;

	for (len = 0; len < f->len + OVERHEAD; len++)
		assert_int_equal(
		    open_len(f, len), len < OVERHEAD ? ERR_FORMAT : ERR_DENIED);
	assert_int_equal(open_len(f, f->len + OVERHEAD + 1), ERR_DENIED);
}

static void hpke_opens_what_it_sealed_at_any_length(void **state)
{
	static const size_t lengths[] = {
	    0, 1, 31, 32, 63, 64, 65, 512, TEXT_MAX - 1, TEXT_MAX};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof f->text; i++)
		f->text[i] = (uint8_t)(i * 31 + (i >> 8));
	for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		f->len = lengths[i];
		f->info_len = i;
		f->aad_len = i == 1 ? 0 : 64 - i;
		assert_int_equal(
		    keys_random(f->ephemeral, sizeof f->ephemeral), 0);
		assert_int_equal(seal(f, f->sealed), 0);
		assert_int_equal(f->sealed[f->len + OVERHEAD], 0xaa);
		assert_int_equal(open_sealed(f), 0);
		assert_memory_equal(f->got, f->text, f->len);
	}
}

static void nothing_at_all_can_be_sealed_and_opened(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(hpke_seal(HPKE_X25519, f->sealed, f->recipient,
			     f->ephemeral, NULL, 0, NULL, 0, NULL, 0),
	    0);
	assert_int_equal(hpke_open(HPKE_X25519, f->got, f->secret, NULL, 0,
			     NULL, 0, f->sealed, OVERHEAD),
	    0);
}

/* RFC 9180 section 7.1.4: no secret is shared with the zero point, and the
 * others of small order. */
static void hpke_refuses_points_of_small_order(void **state)
{
	static const char *const points[] = {
	    "0000000000000000000000000000000000000000000000000000000000000000",
	    "0100000000000000000000000000000000000000000000000000000000000000",
	    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof points / sizeof points[0]; i++) {
		hex_exactly(f->recipient, KEYS_LEN, points[i]);
		assert_int_equal(seal(f, f->got), ERR_DENIED);
		hex_assert_wiped(f->got, f->len + OVERHEAD);
		assert_int_equal(f->got[f->len + OVERHEAD], 0xaa);
		memcpy(f->sealed, f->recipient, KEYS_LEN);
		assert_int_equal(open_sealed(f), ERR_DENIED);
		hex_assert_wiped(f->got, f->len);
	}
}

/* What is derived on the way of the vector, and how often it was wiped. */
static struct secret {
	uint8_t at[32];
	size_t len;
	unsigned wiped;
} dh, eae_prk, shared, secret, key, nonce;

static void note_wiped(struct secret *s, const void *p, size_t len)
{
	if (s->len > 0 && memmem(p, len, s->at, s->len) != NULL)
		s->wiped++;
}

/* The linker calls ours (--wrap in tests/rules.mk), Fortify by the second
 * name. */
void __wrap_explicit_bzero(void *p, size_t len);
void __wrap_explicit_bzero(void *p, size_t len)
{
	note_wiped(&dh, p, len);
	note_wiped(&eae_prk, p, len);
	note_wiped(&shared, p, len);
	note_wiped(&secret, p, len);
	note_wiped(&key, p, len);
	note_wiped(&nonce, p, len);
	memset(p, 0, len);
}

void __wrap___explicit_bzero_chk(void *p, size_t len, size_t room);
void __wrap___explicit_bzero_chk(void *p, size_t len, size_t room)
{
	assert_in_range(len, 0, room);
	__wrap_explicit_bzero(p, len);
}

static void expect_secret(struct secret *s, const char *hex)
{
	s->len = hex_bytes(s->at, sizeof s->at, hex);
	s->wiped = 0;
}

static void derive_secrets(const struct fixture *f)
{
	const struct digest_part parts[] = {
	    {"HPKE-v1", 7}, {"KEM\0\x20", 5}, {"eae_prk", 7}, {dh.at, 32}};

	assert_int_equal(keys_x25519(dh.at, f->ephemeral, f->recipient), 0);
	assert_int_equal(digest_hmac_sha256(eae_prk.at, "", 0, parts, 4), 0);
	dh.len = eae_prk.len = 32;
	dh.wiped = eae_prk.wiped = 0;
	/* As in appendix A.2.1. */
	expect_secret(&shared,
	    "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7");
	expect_secret(&secret,
	    "5b9cd775e64b437a2335cf499361b2e0d5e444d5cb41a8a53336d8fe402282c6");
	expect_secret(&key,
	    "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91");
	expect_secret(&nonce, "5c4d98150661b848853b547f");
}

/* Once for each place where it was.  Nothing more is looked for: elsewhere what
 * is wiped may have been left unset. */
static void assert_wiped_once(void)
{
	struct secret *const all[] = {
	    &dh, &eae_prk, &shared, &secret, &key, &nonce};

	assert_int_equal(dh.wiped, 1);
	assert_int_equal(eae_prk.wiped, 1);
	assert_int_equal(shared.wiped, 2);
	assert_int_equal(secret.wiped, 1);
	assert_int_equal(key.wiped, 2);
	assert_int_equal(nonce.wiped, 2);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		all[i]->len = 0;
}

static void what_hpke_derives_is_wiped_wherever_it_was(void **state)
{
	struct fixture *f = *state;

	derive_secrets(f);
	assert_int_equal(seal(f, f->got), 0);
	assert_wiped_once();
	derive_secrets(f);
	assert_int_equal(open_sealed(f), 0);
	assert_wiped_once();
	derive_secrets(f);
	f->aad[0] ^= 1;
	assert_int_equal(open_sealed(f), ERR_DENIED);
	assert_wiped_once();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(hpke_seals_and_opens_the_vector_of_rfc_9180),
	    TEST(hpke_opens_nothing_with_any_bit_flipped),
	    TEST(another_secret_key_opens_nothing),
	    TEST(info_and_aad_of_another_length_open_nothing),
	    TEST(a_sealed_text_of_another_length_is_not_opened),
	    TEST(hpke_opens_what_it_sealed_at_any_length),
	    TEST(nothing_at_all_can_be_sealed_and_opened),
	    TEST(what_hpke_derives_is_wiped_wherever_it_was),
	    TEST(hpke_refuses_points_of_small_order)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/offline/verify.h"
#include "aid/hex.h"
#include "aid/keys.h"
#include "aid/openssl.h"
#include "aid/sign_once.h"
#include "crypto/digest.h"
#include "crypto/hpke.h"

#define ARN "arn:aws:sqs:eu-west-1:123456789012:queue"
#define LEN 64

static const uint8_t secret[KEYS_LEN] = {1};
static const uint8_t stranger[KEYS_LEN] = {2};
/* X25519 ignores three bits of the first byte. */
static const uint8_t fleet[KEYS_LEN] = {0, 1};
static const uint8_t others[KEYS_LEN] = {0, 2};
static const uint8_t ephemeral[HPKE_EPHEMERAL_MAX] = {0, 3};

static struct verify v;
static struct err err;
static struct message m;
static struct verdict got;

static void trust(struct keys *k, const char *name, const uint8_t *of)
{
	uint8_t public_key[KEYS_LEN];

	assert_int_equal(keys_ed25519_public(public_key, of), 0);
	assert_int_equal(keyfile_create(KEYFILE_SIGN_PUBLIC, keys_path(k, name),
			     public_key, &err),
	    0);
}

/* An agent that trusts secret and holds fleet's key. */
static int setup(void **state)
{
	struct keys *k;
	int rc = keys_setup(state);

	if (rc != 0)
		return rc;
	k = *state;
	trust(k, "pi.pub", secret);
	rc = keyfile_create(
	    KEYFILE_SEAL_SECRET, keys_path(k, "fleet.key"), fleet, &err);
	if (rc == 0)
		rc = verify_open(&v, k->dir, k->path, &err);
	return rc;
}

static int teardown(void **state)
{
	verify_close(&v);
	return keys_teardown(state);
}

static void claim(const uint8_t *of, enum claim_seal seal)
{
	uint8_t public_key[KEYS_LEN];
	struct claim c = {
	    .seq = 7, .time = 1795000000000, .bits = 256, .seal = seal};

	assert_int_equal(keys_ed25519_public(public_key, of), 0);
	assert_int_equal(keyfile_id(public_key, c.key), 0);
	claim_format(&c, m.entropy);
	m.entropy_len = (uint32_t)strlen(m.entropy);
}

static void sign(const uint8_t *with)
{
	assert_int_equal(sign_once(&m, ARN, with), 0);
}

/* A message in m, signed by the holder of that key. */
static void make(const uint8_t *by, enum claim_seal seal)
{
	memset(&m, 0, sizeof m);
	m.payload_len = LEN;
	for (size_t i = 0; i < LEN; i++)
		m.payload[i] = (uint8_t)(i * 7);
	claim(by, seal);
	sign(by);
}

static void make_sealed_by(enum hpke_kem kem, const uint8_t *to, size_t len)
{
	uint8_t public_key[HPKE_PUBLIC_MAX], clear[LEN];

	make(secret, kem == HPKE_XWING ? CLAIM_SEAL_XWING : CLAIM_SEAL_X25519);
	memcpy(clear, m.payload, sizeof clear);
	assert_int_equal(hpke_public(kem, public_key, to), 0);
	assert_int_equal(
	    hpke_seal(kem, m.payload, public_key, ephemeral, MESSAGE_DOMAIN,
		strlen(MESSAGE_DOMAIN), m.entropy, m.entropy_len, clear, len),
	    0);
	m.payload_len = (uint32_t)(len + hpke_overhead(kem));
	sign(secret);
}

static void make_sealed(const uint8_t *to, size_t len)
{
	make_sealed_by(HPKE_X25519, to, len);
}

static enum credit_trust judged(const char *path)
{
	memset(&got, 0xff, sizeof got);
	assert_int_equal(verify_message(&v, &m, path, &got), 0);
	return got.trust;
}

static void a_signature_counts_for_a_trusted_key_and_its_queue(void **state)
{
	(void)state;
	make(secret, CLAIM_SEAL_NONE);
	assert_int_equal(judged(ARN), CREDIT_SIGNED);
	assert_string_equal(got.producer, "pi");
	assert_int_equal(got.claim.seq, 7);
	assert_int_equal(got.claim.bits, 256);
	make(stranger, CLAIM_SEAL_NONE);
	assert_int_equal(judged(ARN), CREDIT_UNKNOWN_KEY);
	assert_null(got.producer);
	claim(secret, CLAIM_SEAL_NONE);
	sign(stranger);
	assert_int_equal(judged(ARN), CREDIT_BAD_SIGNATURE);
	assert_null(got.producer);
	make(secret, CLAIM_SEAL_NONE);
	assert_int_equal(judged(ARN "2"), CREDIT_BAD_SIGNATURE);
	assert_int_equal(judged("arn:aws:sqs:eu-west-2:123456789012:queue"),
	    CREDIT_BAD_SIGNATURE);
	assert_int_equal(judged(""), CREDIT_BAD_SIGNATURE);
	assert_int_equal(judged(""), CREDIT_BAD_SIGNATURE);
}

static void a_message_with_a_part_missing_is_not_signed(void **state)
{
	(void)state;
	make(secret, CLAIM_SEAL_NONE);
	m.signature_len = 0;
	assert_int_equal(judged(ARN), CREDIT_BAD_SIGNATURE);
	m.signature_len = MESSAGE_SIGNATURE_LEN - 1;
	assert_int_equal(judged(ARN), CREDIT_BAD_SIGNATURE);
	m.signature_len = MESSAGE_SIGNATURE_LEN;
	m.entropy_len = 0;
	assert_int_equal(judged(ARN), CREDIT_BAD_CLAIM);
	m.signature_len = 0;
	assert_int_equal(judged(ARN), CREDIT_NO_SIGNATURE);
	assert_int_equal(got.claim.bits, 0);
	assert_null(got.producer);
}

static bool never_signed(void)
{
	const enum credit_trust trust = judged(ARN);

	assert_null(got.producer);
	return trust != CREDIT_SIGNED && trust != CREDIT_NO_SIGNATURE;
}

static void every_bit_counts(void **state)
{
	(void)state;
	make(secret, CLAIM_SEAL_NONE);
	for (size_t bit = 0; bit < 8 * m.entropy_len; bit++) {
		hex_flip(m.entropy, bit);
		assert_true(never_signed());
		hex_flip(m.entropy, bit);
	}
	for (size_t bit = 0; bit < 8 * sizeof m.signature; bit++) {
		hex_flip(m.signature, bit);
		assert_true(never_signed());
		hex_flip(m.signature, bit);
	}
	for (size_t bit = 0; bit < (size_t)8 * LEN; bit++) {
		hex_flip(m.payload, bit);
		assert_true(never_signed());
		hex_flip(m.payload, bit);
	}
	assert_int_equal(judged(ARN), CREDIT_SIGNED);
}

static void every_length_counts(void **state)
{
	(void)state;
	make(secret, CLAIM_SEAL_NONE);
	for (uint32_t len = 1; len <= MESSAGE_ENTROPY_MAX; len++) {
		const uint32_t right = (uint32_t)strlen(m.entropy);

		if (len == right)
			continue;
		m.entropy_len = len;
		assert_int_equal(judged(ARN), CREDIT_BAD_CLAIM);
		m.entropy_len = right;
	}
	for (uint32_t len = MESSAGE_PAYLOAD_MIN; len < 2 * LEN; len++) {
		m.payload_len = len;
		if (len != LEN)
			assert_int_equal(judged(ARN), CREDIT_BAD_SIGNATURE);
	}
	m.payload_len = LEN;
	assert_int_equal(judged(ARN), CREDIT_SIGNED);
}

/* ---- what is remembered */

static void assert_digest(const uint8_t *payload, size_t len)
{
	const struct digest_part part = {payload, len};
	uint8_t expected[DIGEST_SHA256_LEN];

	assert_int_equal(digest_sha256(expected, &part, 1), 0);
	assert_memory_equal(got.digest, expected, sizeof expected);
}

/* Whoever signed it, for what queue, with what claim, sealed or not. */
static void the_digest_is_of_the_payload_alone(void **state)
{
	uint8_t clear[LEN];

	(void)state;
	make(secret, CLAIM_SEAL_NONE);
	memcpy(clear, m.payload, sizeof clear);
	assert_int_equal(judged(ARN), CREDIT_SIGNED);
	assert_digest(clear, LEN);
	assert_int_equal(judged(ARN "x"), CREDIT_BAD_SIGNATURE);
	assert_digest(clear, LEN);
	make(stranger, CLAIM_SEAL_NONE);
	assert_int_equal(judged(ARN), CREDIT_UNKNOWN_KEY);
	assert_digest(clear, LEN);
	m.entropy_len = m.signature_len = 0;
	assert_int_equal(judged(ARN), CREDIT_NO_SIGNATURE);
	assert_digest(clear, LEN);
	make_sealed(fleet, LEN);
	assert_int_equal(judged(ARN), CREDIT_SIGNED);
	assert_digest(clear, LEN);
}

static void the_digest_tells_payloads_apart(void **state)
{
	(void)state;
	make(secret, CLAIM_SEAL_NONE);
	for (size_t bit = 0; bit < (size_t)8 * LEN; bit++) {
		hex_flip(m.payload, bit);
		(void)judged(ARN);
		assert_digest(m.payload, LEN);
		hex_flip(m.payload, bit);
	}
	/* One that another begins with is another. */
	m.payload_len = LEN - 1;
	(void)judged(ARN);
	assert_digest(m.payload, LEN - 1);
}

/* ---- trusted keys */

static void of_keys_that_share_an_id_each_is_tried(void **state)
{
	struct keys *k = *state;

	trust(k, "a-stranger.pub", stranger);
	verify_close(&v);
	assert_int_equal(verify_open(&v, k->dir, "", &err), 0);
	assert_int_equal(v.trusted.n, 2);
	/* 64 bits can collide: both are tried. */
	memcpy(v.trusted.at[0].id, v.trusted.at[1].id, KEYFILE_ID_LEN);
	make(secret, CLAIM_SEAL_NONE);
	assert_int_equal(judged(ARN), CREDIT_SIGNED);
	assert_string_equal(got.producer, "pi");
	sign(stranger);
	assert_int_equal(judged(ARN), CREDIT_SIGNED);
	assert_string_equal(got.producer, "a-stranger");
	sign(others);
	assert_int_equal(judged(ARN), CREDIT_BAD_SIGNATURE);
}

static void nobody_is_trusted_in_an_empty_directory(void **state)
{
	struct keys *k = *state;

	verify_close(&v);
	assert_int_equal(unlink(keys_path(k, "pi.pub")), 0);
	assert_int_equal(verify_open(&v, k->dir, "", &err), 0);
	make(secret, CLAIM_SEAL_NONE);
	assert_int_equal(judged(ARN), CREDIT_UNKNOWN_KEY);
	verify_close(&v);
	assert_int_equal(verify_open(&v, "/nonexistent", "", &err), 0);
	assert_int_equal(v.trusted.n, 0);
}

static void bad_key_files_are_not_gone_without(void **state)
{
	struct keys *k = *state;
	char key[160];

	verify_close(&v);
	(void)snprintf(key, sizeof key, "%s", keys_path(k, "fleet.key"));
	assert_int_equal(chmod(key, 0640), 0);
	assert_int_equal(verify_open(&v, k->dir, key, &err), ERR_CONFIG);
	assert_null(v.seal_keys);
	assert_non_null(strstr(err.text, key));
	assert_int_equal(unlink(key), 0);
	assert_int_equal(verify_open(&v, k->dir, key, &err), ERR_CONFIG);
	assert_int_equal(chmod(k->dir, 0777), 0);
	assert_int_equal(verify_open(&v, k->dir, "", &err), ERR_CONFIG);
	assert_int_equal(chmod(k->dir, 0755), 0);
}

static void a_bad_file_costs_its_own_key(void **state)
{
	struct keys *k = *state;

	(void)keys_put(k, "bad.pub", "sqs-entropy-ed25519 AAAA\n", 0644);
	verify_close(&v);
	err = (struct err){.code = 0};
	assert_int_equal(verify_open(&v, k->dir, "", &err), 0);
	assert_int_equal(v.trusted.n, 1);
	make(secret, CLAIM_SEAL_NONE);
	assert_int_equal(judged(ARN), CREDIT_SIGNED);
	assert_string_equal(got.producer, "pi");
}

/* A seal key that is good makes up for no directory that is not. */
static void each_kind_of_key_has_to_be_read(void **state)
{
	struct keys *k = *state;
	char key[160];

	verify_close(&v);
	(void)snprintf(key, sizeof key, "%s", keys_path(k, "fleet.key"));
	assert_int_equal(chmod(k->dir, 0777), 0);
	assert_int_equal(verify_open(&v, k->dir, key, &err), ERR_CONFIG);
	assert_int_equal(chmod(k->dir, 0755), 0);
	assert_int_equal(verify_open(&v, k->dir, key, &err), 0);
}

/* The linker calls ours (--wrap in tests/rules.mk). */
static int verifying_fails;

int __real_message_verify(
    const struct message *signed_one, const char *arn, const uint8_t *key);
int __wrap_message_verify(
    const struct message *signed_one, const char *arn, const uint8_t *key);
int __wrap_message_verify(
    const struct message *signed_one, const char *arn, const uint8_t *key)
{
	return verifying_fails != 0
		   ? verifying_fails
		   : __real_message_verify(signed_one, arn, key);
}

/* It is no verdict on the message that there was no memory to verify it. */
static void a_failure_to_verify_ends_the_run(void **state)
{
	(void)state;
	make(secret, CLAIM_SEAL_NONE);
	verifying_fails = ERR_NOMEM;
	assert_int_equal(verify_message(&v, &m, ARN, &got), ERR_NOMEM);
	verifying_fails = 0;
	assert_int_equal(judged(ARN), CREDIT_SIGNED);
}

/* What --check shows, which is expected as a format for the directory and the
 * owner of files. */
static void assert_shown(struct keys *k, const char *seal_key, const char *as)
{
	const struct passwd *user = getpwuid(geteuid());
	char *shown = NULL, expected[1024], number[24];
	size_t len;
	FILE *to = open_memstream(&shown, &len);

	assert_non_null(to);
	(void)snprintf(number, sizeof number, "%u", (unsigned)geteuid());
	verify_show(&v, k->dir, seal_key, to);
	assert_int_equal(fclose(to), 0);
	(void)snprintf(expected, sizeof expected, as, k->dir,
	    user != NULL ? user->pw_name : number);
	assert_string_equal(shown, expected);
	free(shown);
}

static void the_keys_are_shown(void **state)
{
	struct keys *k = *state;
	char key[160];

	(void)snprintf(key, sizeof key, "%s", keys_path(k, "fleet.key"));
	assert_shown(k, key,
	    "# trusted pi: key fa4d86c3b551aa6c  # %1$s/pi.pub, owner %2$s, "
	    "mode 0644\n"
	    "# ignored %1$s/fleet.key: its name does not end in .pub\n"
	    "# seal-key x25519: key a7157ce056c15389  # %1$s/fleet.key, owner %2$s, "
	    "mode 0600\n");
	assert_int_equal(unlink(keys_path(k, "pi.pub")), 0);
	(void)keys_put(k, ".pi.pub", "", 0644);
	assert_int_equal(unlink(key), 0);
	verify_close(&v);
	assert_int_equal(verify_open(&v, k->dir, "", &err), 0);
	assert_shown(k, "",
	    "# ignored %1$s/.pi.pub: its name begins with a dot\n"
	    "# trusted: no key in %1$s, so no signature earns credit\n");
}

/* ---- sealed messages */

static void sealed_messages_are_opened(void **state)
{
	(void)state;
	for (size_t len = MESSAGE_PAYLOAD_MIN; len <= LEN; len++) {
		make_sealed(fleet, len);
		assert_int_equal(judged(ARN), CREDIT_SIGNED);
		assert_int_equal(m.payload_len, len);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(m.payload[i], (uint8_t)(i * 7));
	}
	/* Opened or not is not a matter of the signature. */
	make_sealed(fleet, LEN);
	m.signature_len = 0;
	assert_int_equal(judged(ARN), CREDIT_BAD_SIGNATURE);
	assert_int_equal(m.payload_len, LEN);
}

static void assert_denied(void)
{
	const uint32_t len = m.payload_len;

	assert_int_equal(verify_message(&v, &m, ARN, &got), ERR_DENIED);
	assert_int_equal(m.payload_len, len);
}

static void what_does_not_open_is_denied(void **state)
{
	struct keys *k = *state;

	make_sealed(others, LEN);
	assert_denied();
	make(secret, CLAIM_SEAL_X25519);
	assert_denied();
	make_sealed(fleet, MESSAGE_PAYLOAD_MIN - 1);
	assert_denied();
	make_sealed(fleet, LEN);
	for (size_t bit = 0; bit < 8 * (size_t)m.payload_len; bit++) {
		hex_flip(m.payload, bit);
		assert_denied();
		hex_flip(m.payload, bit);
	}
	claim(stranger, CLAIM_SEAL_X25519);
	assert_denied();
	verify_close(&v);
	assert_int_equal(verify_open(&v, k->dir, "", &err), 0);
	make_sealed(fleet, LEN);
	assert_denied();
}

static void what_claims_not_to_be_sealed_is_not_opened(void **state)
{
	(void)state;
	make_sealed(fleet, LEN);
	claim(secret, CLAIM_SEAL_NONE);
	assert_int_equal(judged(ARN), CREDIT_BAD_SIGNATURE);
	assert_int_equal(m.payload_len, LEN + hpke_overhead(HPKE_X25519));
	sign(secret);
	assert_int_equal(judged(ARN), CREDIT_SIGNED);
	assert_int_equal(m.payload_len, LEN + hpke_overhead(HPKE_X25519));
}

/* ---- keys of several kinds */

/* The fleet's key for X25519, and others' for X-Wing. */
#define X25519_LINE                                                            \
	"sqs-entropy-x25519-secret "                                           \
	"AAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
#define XWING_LINE                                                             \
	"sqs-entropy-xwing-secret "                                            \
	"AAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

static int open_with(struct keys *k, const char *lines)
{
	const char *path = keys_put(k, "several", lines, 0600);

	verify_close(&v);
	err = (struct err){.code = 0};
	return verify_open(&v, k->dir, path, &err);
}

static void a_key_of_each_kind_opens_its_own(void **state)
{
	struct keys *k = *state;

	if (!openssl_should_have_mlkem())
		skip();
	assert_int_equal(open_with(k, X25519_LINE XWING_LINE), 0);
	for (size_t len = MESSAGE_PAYLOAD_MIN; len <= LEN; len++) {
		make_sealed_by(HPKE_XWING, others, len);
		assert_int_equal(judged(ARN), CREDIT_SIGNED);
		assert_int_equal(m.payload_len, len);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(m.payload[i], (uint8_t)(i * 7));
	}
	make_sealed(fleet, LEN);
	assert_int_equal(judged(ARN), CREDIT_SIGNED);
	/* Neither opens what is the other's. */
	make_sealed_by(HPKE_XWING, fleet, LEN);
	assert_denied();
	make_sealed(others, LEN);
	assert_denied();
	make_sealed_by(HPKE_XWING, others, LEN);
	claim(secret, CLAIM_SEAL_X25519);
	sign(secret);
	assert_denied();
	assert_int_equal(open_with(k, XWING_LINE), 0);
	make_sealed(fleet, LEN);
	assert_denied();
}

static void the_keys_of_each_kind_are_shown(void **state)
{
	struct keys *k = *state;

	if (!openssl_should_have_mlkem())
		skip();
	assert_int_equal(open_with(k, XWING_LINE X25519_LINE), 0);
	assert_int_equal(unlink(keys_path(k, "fleet.key")), 0);
	assert_shown(k, keys_path(k, "several"),
	    "# trusted pi: key fa4d86c3b551aa6c  # %1$s/pi.pub, owner %2$s, "
	    "mode 0644\n"
	    "# ignored %1$s/several: its name does not end in .pub\n"
	    "# seal-key x25519: key a7157ce056c15389  # %1$s/several, owner "
	    "%2$s, mode 0600\n"
	    "# seal-key xwing: key 219e4163d6e0c8c4  # %1$s/several, owner "
	    "%2$s, mode 0600\n");
}

/* The other key alone would open less in silence. */
static void a_key_that_openssl_cannot_use_is_refused(void **state)
{
	struct keys *k = *state;

	if (openssl_should_have_mlkem()) {
		print_message("skipped: this OpenSSL has ML-KEM\n");
		skip();
	}
	assert_int_equal(open_with(k, X25519_LINE XWING_LINE), ERR_UNSUPPORTED);
	assert_null(v.seal_keys);
	assert_string_equal(err.text,
	    "seal-key: OpenSSL on this host has no ML-KEM-768: take the "
	    "sqs-entropy-xwing-secret line out, and have this host's queue "
	    "filled with messages that are not sealed so, or give it OpenSSL "
	    "3.5 or later (Debian 13 has it)");
}

static void what_a_seal_needs_is_explained(void **state)
{
	static const char other[] = "does not open with this seal-key";
	struct seal_keys keys = {.has = {[HPKE_XWING] = 1}};

	(void)state;
	assert_string_equal(verify_explain(&v, CLAIM_SEAL_X25519), other);
	assert_string_equal(verify_explain(&v, CLAIM_SEAL_XWING),
	    "seal-key has no key for seal=xwing: add the fleet's "
	    "sqs-entropy-xwing-secret line, which takes OpenSSL 3.5 or later "
	    "(Debian 13 has it)");
	assert_int_equal(verify_take_keys(&v, &keys, 1), 0);
	assert_string_equal(verify_explain(&v, CLAIM_SEAL_XWING), other);
	assert_string_equal(verify_explain(&v, CLAIM_SEAL_X25519),
	    "seal-key has no key for seal=x25519: add the fleet's "
	    "sqs-entropy-x25519-secret line");
	buf_reset(v.seal_keys);
	assert_string_equal(
	    verify_explain(&v, CLAIM_SEAL_X25519), "no seal-key is configured");
	assert_string_equal(verify_explain(&v, CLAIM_SEAL_XWING),
	    "no seal-key is configured, and seal=xwing takes OpenSSL 3.5 or "
	    "later as well (Debian 13 has it)");
}

/* As where a parameter's key has just been replaced by another. */
static void the_keys_of_each_version_are_tried(void **state)
{
	struct seal_keys keys[] = {
	    {.has = {[HPKE_X25519] = 1}}, {.has = {[HPKE_X25519] = 1}}};

	(void)state;
	memcpy(keys[0].key[HPKE_X25519], others, KEYS_LEN);
	memcpy(keys[1].key[HPKE_X25519], fleet, KEYS_LEN);
	assert_int_equal(verify_take_keys(&v, keys, 2), 0);
	make_sealed(others, LEN);
	assert_int_equal(judged(ARN), CREDIT_SIGNED);
	make_sealed(fleet, LEN);
	assert_int_equal(judged(ARN), CREDIT_SIGNED);
	make_sealed(stranger, LEN);
	assert_denied();
	assert_false(verify_opens(&v, HPKE_XWING));
	keys[1].has[HPKE_X25519] = 0;
	keys[1].has[HPKE_XWING] = 1;
	assert_int_equal(verify_take_keys(&v, keys, 2), 0);
	assert_true(verify_opens(&v, HPKE_X25519));
	assert_true(verify_opens(&v, HPKE_XWING));
}

/* Whatever OpenSSL there is: without its key no other is tried. */
static void a_seal_without_its_key_is_denied(void **state)
{
	(void)state;
	make_sealed(fleet, LEN);
	claim(secret, CLAIM_SEAL_XWING);
	sign(secret);
	assert_denied();
	assert_int_equal(got.claim.seal, CLAIM_SEAL_XWING);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_signature_counts_for_a_trusted_key_and_its_queue),
	    T(a_message_with_a_part_missing_is_not_signed),
	    T(every_bit_counts),
	    T(every_length_counts),
	    T(the_digest_is_of_the_payload_alone),
	    T(the_digest_tells_payloads_apart),
	    T(of_keys_that_share_an_id_each_is_tried),
	    T(nobody_is_trusted_in_an_empty_directory),
	    T(bad_key_files_are_not_gone_without),
	    T(a_bad_file_costs_its_own_key),
	    T(each_kind_of_key_has_to_be_read),
	    T(a_failure_to_verify_ends_the_run),
	    T(the_keys_are_shown),
	    T(sealed_messages_are_opened),
	    T(what_does_not_open_is_denied),
	    T(what_claims_not_to_be_sealed_is_not_opened),
	    T(a_key_of_each_kind_opens_its_own),
	    T(the_keys_of_each_kind_are_shown),
	    T(a_key_that_openssl_cannot_use_is_refused),
	    T(what_a_seal_needs_is_explained),
	    T(the_keys_of_each_version_are_tried),
	    T(a_seal_without_its_key_is_denied),
	};

	return cmocka_run_group_tests_name("agent verify", tests, NULL, NULL);
}

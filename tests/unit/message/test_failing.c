/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenSSL, or the allocator, refuses for once fails what it is for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "aid/failing.h"
#include "aid/openssl.h"
#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/hpke.h"
#include "message/keyfile.h"
#include "message/seal.h"
#include "message/sign.h"

#define QUEUE "arn:aws:sqs:eu-west-1:123456789012:entropy"
#define TEXT  "text"
#define LEN   sizeof TEXT

static const uint8_t secret[KEYS_LEN] = {8, 1}, nonce[AEAD_NONCE_LEN];
static const struct digest_part part = {TEXT, LEN};

static uint8_t public_key[KEYS_LEN], signer[KEYS_LEN];
static uint8_t sealed[LEN + KEYS_LEN + AEAD_TAG_LEN],
    locked[LEN + AEAD_TAG_LEN];
static uint8_t signature[KEYS_SIGNATURE_LEN];
static struct message closed, clear;

static int group_setup(void **state)
{
	(void)state;
	message_set_claim(&clear, "v=1");
	clear.payload_len = MESSAGE_PAYLOAD_MIN;
	closed = clear;
	return keys_x25519_public(public_key, secret) != 0 ||
	       keys_ed25519_public(signer, secret) != 0 ||
	       keys_ed25519_sign(signature, secret, TEXT, LEN) != 0 ||
	       message_seal(&closed, HPKE_X25519, public_key) != 0 ||
	       hpke_seal(HPKE_X25519, sealed, public_key, secret, "i", 1, "a",
		   1, TEXT, LEN) != 0 ||
	       aead_seal(locked, secret, nonce, "a", 1, TEXT, LEN) != 0;
}

static int lock_text(void *state)
{
	uint8_t out[sizeof locked];

	(void)state;
	return aead_seal(out, secret, nonce, "a", 1, TEXT, LEN);
}

static int unlock_text(void *state)
{
	uint8_t out[LEN];

	(void)state;
	return aead_open(out, secret, nonce, "a", 1, locked, sizeof locked);
}

static int hash_text(void *state)
{
	uint8_t out[DIGEST_SHA256_LEN];

	(void)state;
	return digest_sha256(out, &part, 1);
}

static int hash_text_md5(void *state)
{
	uint8_t out[DIGEST_MD5_LEN];

	(void)state;
	return digest_md5(out, &part, 1);
}

static int mac_text(void *state)
{
	uint8_t out[DIGEST_SHA256_LEN];

	(void)state;
	return digest_hmac_sha256(out, "key", 3, &part, 1);
}

static int seal_text(void *state)
{
	uint8_t out[sizeof sealed];

	(void)state;
	return hpke_seal(
	    HPKE_X25519, out, public_key, secret, "i", 1, "a", 1, TEXT, LEN);
}

/* The secret's own public key is in what is derived, too. */
static int open_text(void *state)
{
	uint8_t out[LEN];

	(void)state;
	return hpke_open(
	    HPKE_X25519, out, secret, "i", 1, "a", 1, sealed, sizeof sealed);
}

static int sign_text(void *state)
{
	uint8_t out[KEYS_SIGNATURE_LEN];

	(void)state;
	return keys_ed25519_sign(out, secret, TEXT, LEN);
}

static int read_signer(void *state)
{
	uint8_t out[KEYS_LEN];
	struct keys_signer *s = keys_signer_new(secret);
	const int rc = s != NULL ? keys_signer_public(s, out) : ERR_NOMEM;

	(void)state;
	keys_signer_free(s);
	return rc;
}

static int verify_text(void *state)
{
	(void)state;
	return keys_ed25519_verify(signature, signer, TEXT, LEN);
}

static int draw_bytes(void *state)
{
	uint8_t out[KEYS_LEN];

	(void)state;
	return keys_random(out, sizeof out);
}

static int seal_message(void *state)
{
	struct message m = clear;

	(void)state;
	return message_seal(&m, HPKE_X25519, public_key);
}

static int seal_and_open_by_xwing(void *state)
{
	static uint8_t xwing_key[XWING_PUBLIC_LEN];
	struct message m = clear;
	int rc = hpke_public(HPKE_XWING, xwing_key, secret);

	(void)state;
	if (rc == 0)
		rc = message_seal(&m, HPKE_XWING, xwing_key);
	if (rc == 0)
		rc = message_open(&m, HPKE_XWING, secret);
	if (rc == 0)
		assert_memory_equal(m.payload, clear.payload, m.payload_len);
	return rc;
}

static int open_message(void *state)
{
	struct message m = closed;

	(void)state;
	return message_open(&m, HPKE_X25519, secret);
}

static int sign_and_verify(void *state)
{
	struct message m = clear;
	struct keys_signer *s = keys_signer_new(secret);
	int rc = s != NULL ? message_sign(&m, QUEUE, s) : ERR_NOMEM;

	(void)state;
	if (rc == 0)
		rc = message_verify(&m, QUEUE, signer);
	else
		assert_int_equal(m.signature_len, 0);
	keys_signer_free(s);
	return rc;
}

static int write_key(void *state)
{
	char path[] = "/tmp/sqs-entropy-failing-XXXXXX";
	uint8_t key[KEYS_LEN];
	struct err err = {0};
	int rc;

	(void)state;
	failing_hold(true);
	assert_non_null(mkdtemp(path));
	assert_int_equal(chdir(path), 0);
	failing_hold(false);
	rc = keyfile_create(KEYFILE_SIGN_SECRET, "key", secret, &err);
	if (rc == 0)
		rc = keyfile_read(KEYFILE_SIGN_SECRET, "key", key, &err);
	failing_hold(true);
	assert_int_equal(err.code, rc);
	if (rc == 0)
		assert_memory_equal(key, secret, KEYS_LEN);
	(void)unlink("key");
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(path), 0);
	failing_hold(false);
	return rc;
}

/* Of each, every call fails in turn. */
static failing_work *const works[] = {lock_text, unlock_text, hash_text,
    hash_text_md5, mac_text, seal_text, open_text, sign_text, read_signer,
    verify_text, draw_bytes, seal_message, open_message, sign_and_verify,
    write_key};

static void each_call_may_fail(void **state)
{
	unsigned calls = 0;

	(void)state;
	for (size_t i = 0; i < sizeof works / sizeof works[0]; i++)
		calls += failing_each(works[i], NULL, false);
	if (openssl_should_have_mlkem())
		calls += failing_each(seal_and_open_by_xwing, NULL, false);
	print_message("%u calls failed\n", calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_call_may_fail)};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}

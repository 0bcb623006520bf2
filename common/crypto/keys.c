/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/keys.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

/* Between ERR_set_mark() and ERR_pop_to_mark(), as in digest.c. */

int keys_random(void *out, size_t len)
{
	int rc = 0;

	(void)ERR_set_mark();
	if (RAND_priv_bytes_ex(NULL, out, len, 0) != 1) {
		explicit_bzero(out, len);
		rc = ERR_INTERNAL;
	}
	(void)ERR_pop_to_mark();
	return rc;
}

static int read_public(const EVP_PKEY *key, uint8_t *out)
{
	size_t len = KEYS_LEN;

	return EVP_PKEY_get_raw_public_key(key, out, &len) == 1 &&
		       len == KEYS_LEN
		   ? 0
		   : ERR_INTERNAL;
}

static int public_of(int type, uint8_t *out, const uint8_t *secret)
{
	EVP_PKEY *key = NULL;
	int rc = ERR_INTERNAL;

	(void)ERR_set_mark();
	key = EVP_PKEY_new_raw_private_key(type, NULL, secret, KEYS_LEN);
	if (key != NULL)
		rc = read_public(key, out);
	EVP_PKEY_free(key);
	(void)ERR_pop_to_mark();
	return rc;
}

int keys_ed25519_public(
    uint8_t public_key[static KEYS_LEN], const uint8_t secret[static KEYS_LEN])
{
	return public_of(EVP_PKEY_ED25519, public_key, secret);
}

struct keys_signer {
	EVP_PKEY *key; /* OpenSSL wipes the secret in it when it frees it */
};

struct keys_signer *keys_signer_new(const uint8_t secret[static KEYS_LEN])
{
	struct keys_signer *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	(void)ERR_set_mark();
	s->key = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, secret, KEYS_LEN);
	(void)ERR_pop_to_mark();
	if (s->key == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void keys_signer_free(struct keys_signer *s)
{
	if (s == NULL)
		return;
	EVP_PKEY_free(s->key);
	free(s);
}

int keys_signer_public(
    const struct keys_signer *s, uint8_t out[static KEYS_LEN])
{
	int rc;

	(void)ERR_set_mark();
	rc = read_public(s->key, out);
	(void)ERR_pop_to_mark();
	return rc;
}

int keys_signer_sign(const struct keys_signer *s,
    uint8_t out[static KEYS_SIGNATURE_LEN], const void *data, size_t len)
{
	size_t out_len = KEYS_SIGNATURE_LEN;
	EVP_MD_CTX *ctx = NULL;
	int rc = ERR_INTERNAL;

	(void)ERR_set_mark();
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL ||
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, s->key) != 1)
		goto out;
	if (EVP_DigestSign(ctx, out, &out_len, data, len) == 1 &&
	    out_len == KEYS_SIGNATURE_LEN)
		rc = 0;
out:
	EVP_MD_CTX_free(ctx);
	(void)ERR_pop_to_mark();
	return rc;
}

int keys_ed25519_sign(uint8_t out[static KEYS_SIGNATURE_LEN],
    const uint8_t secret[static KEYS_LEN], const void *data, size_t len)
{
	struct keys_signer *s = keys_signer_new(secret);
	const int rc =
	    s != NULL ? keys_signer_sign(s, out, data, len) : ERR_INTERNAL;

	keys_signer_free(s);
	return rc;
}

/*
 * The y coordinates of the points whose order divides 8, little-endian, with
 * the two that have a second encoding.  A signature that fits such a "key" can
 * be made for any text without a secret, and RFC 8032 lets it pass.
 */
static bool is_small_order(const uint8_t *key)
{
	static const uint8_t y[][KEYS_LEN] = {{0}, {1},
	    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
		0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3,
		0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc,
		0x05},
	    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
		0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c,
		0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03,
		0x7a},
	    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x7f},
	    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x7f},
	    {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0x7f}};
	const uint8_t last = key[KEYS_LEN - 1] & 0x7f; /* no sign of x */
	bool found = false;
	size_t i;

	for (i = 0; i < sizeof y / sizeof y[0]; i++)
		found = found || (last == y[i][KEYS_LEN - 1] &&
				     digest_equal(key, y[i], KEYS_LEN - 1));
	return found;
}

static EVP_PKEY *start_verifying(
    EVP_MD_CTX *ctx, const uint8_t public_key[static KEYS_LEN])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, public_key, KEYS_LEN);

	if (key != NULL && ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

bool keys_ed25519_verifies(void)
{
	static const uint8_t any[KEYS_LEN] = {1};
	EVP_MD_CTX *ctx;
	EVP_PKEY *key;

	(void)ERR_set_mark();
	ctx = EVP_MD_CTX_new();
	key = start_verifying(ctx, any);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	(void)ERR_pop_to_mark();
	return key != NULL;
}

int keys_ed25519_verify(const uint8_t signature[static KEYS_SIGNATURE_LEN],
    const uint8_t public_key[static KEYS_LEN], const void *data, size_t len)
{
	EVP_MD_CTX *ctx;
	EVP_PKEY *key;
	int rc = ERR_INTERNAL;

	if (is_small_order(public_key))
		return ERR_DENIED;
	(void)ERR_set_mark();
	ctx = EVP_MD_CTX_new();
	key = start_verifying(ctx, public_key);
	if (key != NULL)
		rc = EVP_DigestVerify(
			 ctx, signature, KEYS_SIGNATURE_LEN, data, len) == 1
			 ? 0
			 : ERR_DENIED;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	(void)ERR_pop_to_mark();
	return rc;
}

int keys_x25519_public(
    uint8_t public_key[static KEYS_LEN], const uint8_t secret[static KEYS_LEN])
{
	return public_of(EVP_PKEY_X25519, public_key, secret);
}

/* Of what can fail, only this depends on the peer's key. */
static int derive(uint8_t *shared, EVP_PKEY_CTX *ctx, EVP_PKEY *peer)
{
	static const uint8_t zero[KEYS_LEN];
	size_t len = KEYS_LEN;

	if (EVP_PKEY_derive_set_peer(ctx, peer) != 1 ||
	    EVP_PKEY_derive(ctx, shared, &len) != 1 || len != KEYS_LEN ||
	    digest_equal(shared, zero, KEYS_LEN))
		return ERR_DENIED;
	return 0;
}

int keys_x25519(uint8_t shared[static KEYS_LEN],
    const uint8_t secret[static KEYS_LEN], const uint8_t peer[static KEYS_LEN])
{
	EVP_PKEY *mine = NULL, *theirs = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	int rc = ERR_INTERNAL;

	(void)ERR_set_mark();
	mine = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_X25519, NULL, secret, KEYS_LEN);
	theirs =
	    EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, KEYS_LEN);
	if (mine == NULL || theirs == NULL)
		goto out;
	ctx = EVP_PKEY_CTX_new(mine, NULL);
	if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1)
		goto out;
	rc = derive(shared, ctx, theirs);
out:
	if (rc != 0)
		explicit_bzero(shared, KEYS_LEN);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(mine);
	(void)ERR_pop_to_mark();
	return rc;
}

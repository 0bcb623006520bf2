/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/algorithms.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/keys.h"
#include "crypto/mlkem.h"

#define NAMES_MAX 192

static int try_sha256(void)
{
	uint8_t sum[DIGEST_SHA256_LEN];

	return digest_sha256(sum, NULL, 0);
}

static int try_hmac(void)
{
	uint8_t sum[DIGEST_SHA256_LEN];

	return digest_hmac_sha256(sum, NULL, 0, NULL, 0);
}

static int try_random(void)
{
	uint8_t byte;

	return keys_random(&byte, sizeof byte);
}

static int try_ed25519(void)
{
	static const uint8_t secret[KEYS_LEN] = {1};
	uint8_t public_key[KEYS_LEN], signature[KEYS_SIGNATURE_LEN];
	int rc = keys_ed25519_public(public_key, secret);

	if (rc == 0)
		rc = keys_ed25519_sign(signature, secret, "", 0);
	if (rc == 0)
		rc = keys_ed25519_verify(signature, public_key, "", 0);
	return rc;
}

static int try_ed25519_verify(void)
{
	return keys_ed25519_verifies() ? 0 : ERR_UNSUPPORTED;
}

static int try_x25519(void)
{
	static const uint8_t secret[KEYS_LEN] = {1};
	uint8_t public_key[KEYS_LEN], shared[KEYS_LEN];
	int rc = keys_x25519_public(public_key, secret);

	return rc != 0 ? rc : keys_x25519(shared, secret, public_key);
}

static int try_chacha20(void)
{
	static const uint8_t key[KEYS_LEN] = {1}, nonce[AEAD_NONCE_LEN] = {1};
	uint8_t sealed[AEAD_TAG_LEN];

	return aead_seal(sealed, key, nonce, NULL, 0, NULL, 0);
}

static int try_md5(void)
{
	uint8_t sum[DIGEST_MD5_LEN];

	return digest_md5(sum, NULL, 0);
}

static int try_sha3(void)
{
	uint8_t sum[DIGEST_SHA3_256_LEN], byte;
	const int rc = digest_sha3_256(sum, NULL, 0);

	return rc != 0 ? rc : digest_shake256(&byte, sizeof byte, NULL, 0);
}

static int try_mlkem(void)
{
	static const uint8_t seed[MLKEM_SEED_LEN] = {1};
	uint8_t public_key[MLKEM_PUBLIC_LEN], text[MLKEM_TEXT_LEN];
	uint8_t shared[MLKEM_SHARED_LEN];
	int rc = mlkem_public(public_key, seed);

	if (rc == 0)
		rc = mlkem_encapsulate(shared, text, public_key, seed);
	return rc != 0 ? rc : mlkem_decapsulate(shared, seed, text);
}

static const struct {
	enum algorithms bit;
	const char *name;
	int (*attempt)(void);
} table[] = {
    {ALGORITHM_SHA256, "SHA-256", try_sha256},
    {ALGORITHM_HMAC, "HMAC-SHA-256", try_hmac},
    {ALGORITHM_RANDOM, "random generator", try_random},
    {ALGORITHM_ED25519, "Ed25519", try_ed25519},
    {ALGORITHM_ED25519_VERIFY, "Ed25519", try_ed25519_verify},
    {ALGORITHM_X25519, "X25519", try_x25519},
    {ALGORITHM_CHACHA20, "ChaCha20-Poly1305", try_chacha20},
    {ALGORITHM_SHA3, "SHA-3", try_sha3},
    {ALGORITHM_MLKEM, "ML-KEM-768", try_mlkem},
    {ALGORITHM_MD5, "MD5", try_md5},
};

static bool is_fips(void)
{
	return EVP_default_properties_is_fips_enabled(NULL) == 1;
}

int algorithms_need(
    unsigned wanted, const char *what, const char *remedy, struct err *err)
{
	char names[NAMES_MAX] = "";
	size_t i, len = 0;

	for (i = 0; i < sizeof table / sizeof table[0]; i++)
		if ((wanted & table[i].bit) != 0 && table[i].attempt() != 0)
			len += (size_t)snprintf(names + len, sizeof names - len,
			    "%s%s", len > 0 ? " and no " : "", table[i].name);
	if (len == 0)
		return 0;
	return err_set(err, ERR_UNSUPPORTED,
	    "%s: OpenSSL on this host%s has no %s: %s", what,
	    is_fips() ? ", which is in FIPS mode," : "", names, remedy);
}

int algorithms_start(const char **caution, struct err *err)
{
	const int rc =
	    algorithms_need(ALGORITHMS_REQUEST, "no request can be signed",
		"look at which providers its configuration loads (openssl.cnf, "
		"OPENSSL_CONF)",
		err);

	*caution = NULL;
	if (rc == 0 && try_md5() != 0)
		*caution = "OpenSSL on this host has no MD5: SQS's checksums "
			   "of messages are not compared, TLS alone protects "
			   "them";
	return rc;
}

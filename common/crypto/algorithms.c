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

#define NAMES_MAX 160

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

/* RFC 8032, 7.1, test 1.  To sign first would take twice as long. */
static int try_ed25519_verify(void)
{
	static const uint8_t public_key[KEYS_LEN] = {0xd7, 0x5a, 0x98, 0x01,
	    0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07,
	    0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02,
	    0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
	static const uint8_t signature[KEYS_SIGNATURE_LEN] = {0xe5, 0x56, 0x43,
	    0x00, 0xc3, 0x60, 0xac, 0x72, 0x90, 0x86, 0xe2, 0xcc, 0x80, 0x6e,
	    0x82, 0x8a, 0x84, 0x87, 0x7f, 0x1e, 0xb8, 0xe5, 0xd9, 0x74, 0xd8,
	    0x73, 0xe0, 0x65, 0x22, 0x49, 0x01, 0x55, 0x5f, 0xb8, 0x82, 0x15,
	    0x90, 0xa3, 0x3b, 0xac, 0xc6, 0x1e, 0x39, 0x70, 0x1c, 0xf9, 0xb4,
	    0x6b, 0xd2, 0x5b, 0xf5, 0xf0, 0x59, 0x5b, 0xbe, 0x24, 0x65, 0x51,
	    0x41, 0x43, 0x8e, 0x7a, 0x10, 0x0b};

	return keys_ed25519_verify(signature, public_key, "", 0);
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

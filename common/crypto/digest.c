/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

/*
 * Every use is between ERR_set_mark() and ERR_pop_to_mark(): a refusal left in
 * OpenSSL's queue would be read by libcurl as the failure of its own call.
 */
static int add_parts(EVP_MD_CTX *ctx, const struct digest_part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) != 1)
			return ERR_INTERNAL;
	return 0;
}

static int hash_parts(uint8_t *out, size_t out_len, const char *name,
    const char *properties, const struct digest_part *parts, size_t n)
{
	EVP_MD_CTX *ctx = NULL;
	EVP_MD *md = NULL;
	int rc = ERR_INTERNAL;
	bool xof;

	(void)ERR_set_mark();
	md = EVP_MD_fetch(NULL, name, properties);
	ctx = EVP_MD_CTX_new();
	if (md == NULL || ctx == NULL)
		goto out;
	xof = (EVP_MD_get_flags(md) & EVP_MD_FLAG_XOF) != 0;
	if (!xof && EVP_MD_get_size(md) != (int)out_len)
		goto out;
	if (EVP_DigestInit_ex2(ctx, md, NULL) != 1 ||
	    add_parts(ctx, parts, n) != 0)
		goto out;
	if ((xof ? EVP_DigestFinalXOF(ctx, out, out_len)
		 : EVP_DigestFinal_ex(ctx, out, NULL)) == 1)
		rc = 0;
out:
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
	(void)ERR_pop_to_mark();
	return rc;
}

int digest_sha256(uint8_t out[static DIGEST_SHA256_LEN],
    const struct digest_part *parts, size_t n)
{
	return hash_parts(out, DIGEST_SHA256_LEN, "SHA256", NULL, parts, n);
}

int digest_sha3_256(uint8_t out[static DIGEST_SHA3_256_LEN],
    const struct digest_part *parts, size_t n)
{
	return hash_parts(out, DIGEST_SHA3_256_LEN, "SHA3-256", NULL, parts, n);
}

int digest_shake256(
    uint8_t *out, size_t len, const struct digest_part *parts, size_t n)
{
	return hash_parts(out, len, "SHAKE256", NULL, parts, n);
}

/* "-fips": a checksum protects nothing, and may come from the default provider
 * where one is loaded beside a FIPS provider (property(7)). */
int digest_md5(uint8_t out[static DIGEST_MD5_LEN],
    const struct digest_part *parts, size_t n)
{
	if (hash_parts(out, DIGEST_MD5_LEN, "MD5", "-fips", parts, n) != 0)
		return ERR_UNSUPPORTED;
	return 0;
}

int digest_hmac_sha256(uint8_t out[static DIGEST_SHA256_LEN], const void *key,
    size_t key_len, const struct digest_part *parts, size_t n)
{
	char name[] = "SHA256";
	const OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
	    OSSL_PARAM_construct_end()};
	/* HMAC pads its key with zeros (RFC 2104).  To OpenSSL a NULL key means
	 * "the key of before", and a FIPS provider may refuse a short one. */
	static const uint8_t zeros[DIGEST_SHA256_LEN];
	EVP_MAC_CTX *ctx = NULL;
	EVP_MAC *mac = NULL;
	int rc = ERR_INTERNAL;
	size_t i;

	if (key_len == 0) {
		key = zeros;
		key_len = sizeof zeros;
	}
	(void)ERR_set_mark();
	mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (mac == NULL)
		goto out;
	ctx = EVP_MAC_CTX_new(mac);
	if (ctx == NULL || EVP_MAC_init(ctx, key, key_len, params) != 1)
		goto out;
	for (i = 0; i < n; i++)
		if (EVP_MAC_update(ctx, parts[i].data, parts[i].len) != 1)
			goto out;
	if (EVP_MAC_final(ctx, out, NULL, DIGEST_SHA256_LEN) == 1)
		rc = 0;
out:
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	(void)ERR_pop_to_mark();
	return rc;
}

bool digest_equal(const void *a, const void *b, size_t len)
{
	return len == 0 || CRYPTO_memcmp(a, b, len) == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/mlkem.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define NAME  "ML-KEM-768"
/* EVP_PKEY-ML-KEM(7) and EVP_KEM-ML-KEM(7); the headers of OpenSSL 3.0 have no
 * macros for these parameters. */
#define SEED  "seed"
#define INPUT "ikme"

/* Between ERR_set_mark() and ERR_pop_to_mark(), as in digest.c. */

static bool has_mlkem(void)
{
	EVP_KEM *kem;

	(void)ERR_set_mark();
	kem = EVP_KEM_fetch(NULL, NAME, NULL);
	EVP_KEM_free(kem);
	(void)ERR_pop_to_mark();
	return kem != NULL;
}

/* OpenSSL takes what it only reads without const. */
static OSSL_PARAM octets(const char *name, const uint8_t *data, size_t len)
{
	return OSSL_PARAM_construct_octet_string(name, (void *)data, len);
}

/* OpenSSL wipes the key when it is freed. */
static EVP_PKEY *read_seed(const uint8_t *seed)
{
	OSSL_PARAM params[] = {
	    octets(SEED, seed, MLKEM_SEED_LEN), OSSL_PARAM_construct_end()};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, NAME, NULL);
	EVP_PKEY *key = NULL;

	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

int mlkem_public(uint8_t out[static MLKEM_PUBLIC_LEN],
    const uint8_t seed[static MLKEM_SEED_LEN])
{
	size_t len = MLKEM_PUBLIC_LEN;
	EVP_PKEY *key;
	int rc = ERR_INTERNAL;

	if (!has_mlkem())
		return ERR_UNSUPPORTED;
	(void)ERR_set_mark();
	key = read_seed(seed);
	if (key != NULL && EVP_PKEY_get_raw_public_key(key, out, &len) == 1 &&
	    len == MLKEM_PUBLIC_LEN)
		rc = 0;
	EVP_PKEY_free(key);
	(void)ERR_pop_to_mark();
	return rc;
}

int mlkem_encapsulate(uint8_t shared[static MLKEM_SHARED_LEN],
    uint8_t text[static MLKEM_TEXT_LEN],
    const uint8_t public_key[static MLKEM_PUBLIC_LEN],
    const uint8_t random[static MLKEM_RANDOM_LEN])
{
	OSSL_PARAM params[] = {octets(INPUT, random, MLKEM_RANDOM_LEN),
	    OSSL_PARAM_construct_end()};
	size_t text_len = MLKEM_TEXT_LEN, len = MLKEM_SHARED_LEN;
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key;
	int rc = ERR_INTERNAL;

	if (!has_mlkem())
		return ERR_UNSUPPORTED;
	(void)ERR_set_mark();
	key = EVP_PKEY_new_raw_public_key_ex(
	    NULL, NAME, NULL, public_key, MLKEM_PUBLIC_LEN);
	if (key == NULL) {
		rc = ERR_DENIED;
		goto out;
	}
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (ctx != NULL && EVP_PKEY_encapsulate_init(ctx, params) == 1 &&
	    EVP_PKEY_encapsulate(ctx, text, &text_len, shared, &len) == 1 &&
	    text_len == MLKEM_TEXT_LEN && len == MLKEM_SHARED_LEN)
		rc = 0;
out:
	if (rc != 0)
		explicit_bzero(shared, MLKEM_SHARED_LEN);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	(void)ERR_pop_to_mark();
	return rc;
}

int mlkem_decapsulate(uint8_t shared[static MLKEM_SHARED_LEN],
    const uint8_t seed[static MLKEM_SEED_LEN],
    const uint8_t text[static MLKEM_TEXT_LEN])
{
	size_t len = MLKEM_SHARED_LEN;
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key;
	int rc = ERR_INTERNAL;

	if (!has_mlkem())
		return ERR_UNSUPPORTED;
	(void)ERR_set_mark();
	key = read_seed(seed);
	if (key != NULL)
		ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (ctx != NULL && EVP_PKEY_decapsulate_init(ctx, NULL) == 1 &&
	    EVP_PKEY_decapsulate(ctx, shared, &len, text, MLKEM_TEXT_LEN) ==
		1 &&
	    len == MLKEM_SHARED_LEN)
		rc = 0;
	if (rc != 0)
		explicit_bzero(shared, MLKEM_SHARED_LEN);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	(void)ERR_pop_to_mark();
	return rc;
}

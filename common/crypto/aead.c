/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aead.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

struct aead {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *ctx;
};

/* Up to the text: key, nonce and aad are in. */
static int begin_text(struct aead *a, bool seal, const uint8_t *key,
    const uint8_t *nonce, const void *aad, size_t aad_len)
{
	int n;

	(void)ERR_set_mark();
	a->ctx = NULL;
	a->cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
	if (a->cipher == NULL || aad_len > INT_MAX)
		return ERR_INTERNAL;
	a->ctx = EVP_CIPHER_CTX_new();
	if (a->ctx == NULL ||
	    EVP_CipherInit_ex2(a->ctx, a->cipher, key, nonce, seal, NULL) != 1)
		return ERR_INTERNAL;
	if (aad_len > 0 &&
	    EVP_CipherUpdate(a->ctx, NULL, &n, aad, (int)aad_len) != 1)
		return ERR_INTERNAL;
	return 0;
}

/* A stream cipher: what goes in comes out at once, and nothing at the end. */
static int add_text(struct aead *a, uint8_t *out, const void *data, size_t len)
{
	int n = 0;

	if (len > INT_MAX)
		return ERR_INTERNAL;
	if (len > 0 && EVP_CipherUpdate(a->ctx, out, &n, data, (int)len) != 1)
		return ERR_INTERNAL;
	return n == (int)len ? 0 : ERR_INTERNAL;
}

static void end_text(struct aead *a)
{
	EVP_CIPHER_CTX_free(a->ctx);
	EVP_CIPHER_free(a->cipher);
	(void)ERR_pop_to_mark();
}

int aead_seal(uint8_t *out, const uint8_t key[static KEYS_LEN],
    const uint8_t nonce[static AEAD_NONCE_LEN], const void *aad, size_t aad_len,
    const void *data, size_t len)
{
	uint8_t nothing[1];
	struct aead a;
	int n, rc;

	rc = begin_text(&a, true, key, nonce, aad, aad_len);
	if (rc == 0)
		rc = add_text(&a, out, data, len);
	if (rc == 0 && (EVP_CipherFinal_ex(a.ctx, nothing, &n) != 1 ||
			   EVP_CIPHER_CTX_ctrl(a.ctx, EVP_CTRL_AEAD_GET_TAG,
			       AEAD_TAG_LEN, out + len) != 1))
		rc = ERR_INTERNAL;
	end_text(&a);
	return rc;
}

int aead_open(uint8_t *out, const uint8_t key[static KEYS_LEN],
    const uint8_t nonce[static AEAD_NONCE_LEN], const void *aad, size_t aad_len,
    const void *data, size_t len)
{
	uint8_t tag[AEAD_TAG_LEN], nothing[1];
	struct aead a;
	int n, rc;

	if (len < AEAD_TAG_LEN)
		return ERR_DENIED;
	len -= AEAD_TAG_LEN;
	memcpy(tag, (const uint8_t *)data + len, sizeof tag);
	rc = begin_text(&a, false, key, nonce, aad, aad_len);
	if (rc == 0 && EVP_CIPHER_CTX_ctrl(a.ctx, EVP_CTRL_AEAD_SET_TAG,
			   AEAD_TAG_LEN, tag) != 1)
		rc = ERR_INTERNAL;
	if (rc == 0)
		rc = add_text(&a, out, data, len);
	if (rc == 0 && EVP_CipherFinal_ex(a.ctx, nothing, &n) != 1)
		rc = ERR_DENIED;
	if (rc != 0)
		explicit_bzero(out, len);
	end_text(&a);
	return rc;
}

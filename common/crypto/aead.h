/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CRYPTO_AEAD_H
#define SQS_ENTROPY_CRYPTO_AEAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/keys.h"

#define AEAD_NONCE_LEN 12
#define AEAD_TAG_LEN   16

/* ChaCha20-Poly1305 (RFC 8439).  out has len + AEAD_TAG_LEN bytes. */
int aead_seal(uint8_t *out, const uint8_t key[static KEYS_LEN],
    const uint8_t nonce[static AEAD_NONCE_LEN], const void *aad, size_t aad_len,
    const void *data, size_t len) MUST_CHECK;

/* data has len bytes with the tag; out has len - AEAD_TAG_LEN.  ERR_DENIED
 * when it is not genuine (out is wiped), ERR_INTERNAL. */
int aead_open(uint8_t *out, const uint8_t key[static KEYS_LEN],
    const uint8_t nonce[static AEAD_NONCE_LEN], const void *aad, size_t aad_len,
    const void *data, size_t len) MUST_CHECK;

#endif

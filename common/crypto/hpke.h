/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CRYPTO_HPKE_H
#define SQS_ENTROPY_CRYPTO_HPKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/keys.h"

/*
 * Hybrid Public Key Encryption (RFC 9180), base mode, single shot, in the one
 * suite DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256 0x0001,
 * ChaCha20Poly1305 0x0003.  A sealed text is enc || ct.
 */
#define HPKE_OVERHEAD (KEYS_LEN + AEAD_TAG_LEN) /* 48 bytes */

/* Seal len bytes for the holder of the secret key to recipient; out has
 * len + HPKE_OVERHEAD bytes.  ephemeral is a fresh secret key from
 * keys_random(), never used again, passed in so that tests can use RFC
 * 9180's.  ERR_DENIED: recipient is no proper key; ERR_NOMEM, ERR_INTERNAL. */
int hpke_seal(uint8_t *out, const uint8_t recipient[static KEYS_LEN],
    const uint8_t ephemeral[static KEYS_LEN], const void *info, size_t info_len,
    const void *aad, size_t aad_len, const void *data, size_t len) MUST_CHECK;

/* Open len bytes of enc || ct; out has len - HPKE_OVERHEAD bytes.
 * ERR_DENIED: sealed for somebody else, or not genuine; ERR_FORMAT: shorter
 * than HPKE_OVERHEAD.  out is wiped then. */
int hpke_open(uint8_t *out, const uint8_t secret[static KEYS_LEN],
    const void *info, size_t info_len, const void *aad, size_t aad_len,
    const void *data, size_t len) MUST_CHECK;

#endif

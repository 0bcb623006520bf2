/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CRYPTO_HPKE_H
#define SQS_ENTROPY_CRYPTO_HPKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/keys.h"
#include "crypto/xwing.h"

/*
 * Hybrid Public Key Encryption (RFC 9180), base mode, single shot, with
 * HKDF-SHA256 0x0001, ChaCha20Poly1305 0x0003 and one of two KEMs.  A sealed
 * text is enc || ct.  Secret keys have KEYS_LEN bytes.
 */
enum hpke_kem {
	HPKE_X25519, /* 0x0020, DHKEM(X25519, HKDF-SHA256) */
	HPKE_XWING   /* 0x647A, X-Wing (xwing.h, draft-ietf-hpke-pq) */
};

#define HPKE_KEMS          2
#define HPKE_PUBLIC_MAX    XWING_PUBLIC_LEN
#define HPKE_EPHEMERAL_MAX XWING_RANDOM_LEN
#define HPKE_OVERHEAD_MAX  (XWING_TEXT_LEN + AEAD_TAG_LEN)

/* Bytes of what hpke_seal() draws from, and by which a sealed text is longer
 * than the text: 32 and 48 of HPKE_X25519; 64 and 1,136 of HPKE_XWING. */
size_t hpke_ephemeral_len(enum hpke_kem kem);
size_t hpke_overhead(enum hpke_kem kem);

/* Of these, HPKE_XWING is ERR_UNSUPPORTED where OpenSSL has no ML-KEM-768. */

/* The public key of a secret one: KEYS_LEN bytes of HPKE_X25519,
 * XWING_PUBLIC_LEN of HPKE_XWING.  ERR_INTERNAL. */
int hpke_public(enum hpke_kem kem, uint8_t *public_key,
    const uint8_t secret[static KEYS_LEN]) MUST_CHECK;

/* Seal len bytes for the holder of the secret key to recipient; out has
 * len + hpke_overhead() bytes.  ephemeral is fresh from keys_random(), never
 * used again, passed in so that tests can use published ones.  ERR_DENIED:
 * recipient is no proper key; ERR_NOMEM, ERR_INTERNAL. */
int hpke_seal(enum hpke_kem kem, uint8_t *out, const uint8_t *recipient,
    const uint8_t *ephemeral, const void *info, size_t info_len,
    const void *aad, size_t aad_len, const void *data, size_t len) MUST_CHECK;

/* Open len bytes of enc || ct; out has len - hpke_overhead() bytes.
 * ERR_DENIED: sealed for somebody else, or not genuine; ERR_FORMAT: shorter
 * than hpke_overhead().  out is wiped then. */
int hpke_open(enum hpke_kem kem, uint8_t *out,
    const uint8_t secret[static KEYS_LEN], const void *info, size_t info_len,
    const void *aad, size_t aad_len, const void *data, size_t len) MUST_CHECK;

#endif

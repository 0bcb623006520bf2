/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CRYPTO_XWING_H
#define SQS_ENTROPY_CRYPTO_XWING_H

#include <stdint.h>

#include "base/err.h"
#include "crypto/keys.h"
#include "crypto/mlkem.h"

/*
 * X-Wing (draft-connolly-cfrg-xwing-kem): ML-KEM-768 and X25519 together, so
 * that the shared secret is safe as long as one of the two is.  A secret key is
 * a seed of KEYS_LEN bytes.  Where OpenSSL has no ML-KEM-768, each of these is
 * ERR_UNSUPPORTED.
 */
#define XWING_PUBLIC_LEN (MLKEM_PUBLIC_LEN + KEYS_LEN) /* 1,216 bytes */
#define XWING_TEXT_LEN   (MLKEM_TEXT_LEN + KEYS_LEN)   /* 1,120 bytes */
#define XWING_RANDOM_LEN (MLKEM_RANDOM_LEN + KEYS_LEN) /* eseed */
#define XWING_SHARED_LEN 32

/* The public key of a secret one.  ERR_INTERNAL. */
int xwing_public(uint8_t out[static XWING_PUBLIC_LEN],
    const uint8_t secret[static KEYS_LEN]) MUST_CHECK;

/* A shared secret, and the ciphertext that tells it to the holder of the secret
 * key.  random is fresh from keys_random(), never used again.  ERR_DENIED: that
 * is no public key; ERR_INTERNAL. */
int xwing_encapsulate(uint8_t shared[static XWING_SHARED_LEN],
    uint8_t text[static XWING_TEXT_LEN],
    const uint8_t public_key[static XWING_PUBLIC_LEN],
    const uint8_t random[static XWING_RANDOM_LEN]) MUST_CHECK;

/* The shared secret of a ciphertext; another one, and no error, if the
 * ciphertext is not genuine.  ERR_DENIED: its X25519 half is a point of small
 * order, which no honest sender makes; ERR_INTERNAL. */
int xwing_decapsulate(uint8_t shared[static XWING_SHARED_LEN],
    const uint8_t secret[static KEYS_LEN],
    const uint8_t text[static XWING_TEXT_LEN]) MUST_CHECK;

#endif

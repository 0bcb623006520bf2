/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CRYPTO_MLKEM_H
#define SQS_ENTROPY_CRYPTO_MLKEM_H

#include <stdint.h>

#include "base/err.h"

/*
 * ML-KEM-768 (FIPS 203), which OpenSSL has from version 3.5 on.  It is asked
 * for by its name when the program runs: what was compiled against an older
 * OpenSSL uses it where the library of the host has it.  Without it each of
 * these is ERR_UNSUPPORTED.
 */
#define MLKEM_SEED_LEN   64   /* d || z, the secret key */
#define MLKEM_PUBLIC_LEN 1184 /* the encapsulation key */
#define MLKEM_TEXT_LEN   1088 /* of a ciphertext */
#define MLKEM_RANDOM_LEN 32   /* m, drawn for one encapsulation */
#define MLKEM_SHARED_LEN 32

/* The public key of a secret one.  ERR_INTERNAL. */
int mlkem_public(uint8_t out[static MLKEM_PUBLIC_LEN],
    const uint8_t seed[static MLKEM_SEED_LEN]) MUST_CHECK;

/* A shared secret, and the ciphertext that tells it to the holder of the secret
 * key.  ERR_DENIED: a coefficient of the public key is out of range (FIPS 203
 * section 7.2), so that it is none; ERR_INTERNAL. */
int mlkem_encapsulate(uint8_t shared[static MLKEM_SHARED_LEN],
    uint8_t text[static MLKEM_TEXT_LEN],
    const uint8_t public_key[static MLKEM_PUBLIC_LEN],
    const uint8_t random[static MLKEM_RANDOM_LEN]) MUST_CHECK;

/* The shared secret of a ciphertext.  A ciphertext that is not genuine gives
 * another secret, and no error (implicit rejection).  ERR_INTERNAL. */
int mlkem_decapsulate(uint8_t shared[static MLKEM_SHARED_LEN],
    const uint8_t seed[static MLKEM_SEED_LEN],
    const uint8_t text[static MLKEM_TEXT_LEN]) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CRYPTO_KEYS_H
#define SQS_ENTROPY_CRYPTO_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/digest.h"

/* Random keys, signatures and key agreement. */
#define KEYS_LEN           32 /* each kind, public or secret */
#define KEYS_SIGNATURE_LEN 64

/* From OpenSSL's generator for private values.  May wait until the kernel's
 * generator is ready.  ERR_INTERNAL. */
int keys_random(void *out, size_t len) MUST_CHECK;

/* Ed25519 (RFC 8032): the public key of a secret one (its 32-byte seed). */
int keys_ed25519_public(uint8_t public_key[static KEYS_LEN],
    const uint8_t secret[static KEYS_LEN]) MUST_CHECK;

/* A deterministic signature of data.  ERR_INTERNAL. */
int keys_ed25519_sign(uint8_t out[static KEYS_SIGNATURE_LEN],
    const uint8_t secret[static KEYS_LEN], const void *data, size_t len)
    MUST_CHECK;

/*
 * A secret Ed25519 key that signs again and again.  Half of the time of
 * keys_ed25519_sign() goes into the public key, which a signature needs too and
 * which is computed here once.  NULL: OpenSSL refuses.  Wiped when freed.
 */
struct keys_signer;
struct keys_signer *keys_signer_new(const uint8_t secret[static KEYS_LEN]);
void keys_signer_free(struct keys_signer *s);

/* Its public key.  ERR_INTERNAL. */
int keys_signer_public(
    const struct keys_signer *s, uint8_t out[static KEYS_LEN]) MUST_CHECK;

/* As keys_ed25519_sign(). */
int keys_signer_sign(const struct keys_signer *s,
    uint8_t out[static KEYS_SIGNATURE_LEN], const void *data, size_t len)
    MUST_CHECK;

/* 0 when it is genuine; ERR_DENIED when it is not, or the key has a small
 * order, under which anybody can sign; ERR_INTERNAL. */
int keys_ed25519_verify(const uint8_t signature[static KEYS_SIGNATURE_LEN],
    const uint8_t public_key[static KEYS_LEN], const void *data, size_t len)
    MUST_CHECK;

/* True if this OpenSSL can verify: it has the algorithm, which is all that one
 * lacks (in FIPS mode), and is found without the time of a verification. */
bool keys_ed25519_verifies(void);

/* X25519 (RFC 7748).  The shared secret's all-zero value is refused
 * (ERR_DENIED), as RFC 9180 section 7.1.4 wants. */
int keys_x25519_public(uint8_t public_key[static KEYS_LEN],
    const uint8_t secret[static KEYS_LEN]) MUST_CHECK;
int keys_x25519(uint8_t shared[static KEYS_LEN],
    const uint8_t secret[static KEYS_LEN], const uint8_t peer[static KEYS_LEN])
    MUST_CHECK;

#endif

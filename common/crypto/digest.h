/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CRYPTO_DIGEST_H
#define SQS_ENTROPY_CRYPTO_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* This folder is the one user of OpenSSL.  A part is (data, len); parts are
 * hashed one after the other, so that nobody concatenates secrets. */
struct digest_part {
	const void *data;
	size_t len;
};

#define DIGEST_SHA256_LEN   32
#define DIGEST_SHA3_256_LEN 32
#define DIGEST_MD5_LEN      16

/* SHA-256 (FIPS 180-4).  ERR_INTERNAL when OpenSSL refuses. */
int digest_sha256(uint8_t out[static DIGEST_SHA256_LEN],
    const struct digest_part *parts, size_t n) MUST_CHECK;

/* SHA3-256 and len bytes of SHAKE256 (FIPS 202).  ERR_INTERNAL. */
int digest_sha3_256(uint8_t out[static DIGEST_SHA3_256_LEN],
    const struct digest_part *parts, size_t n) MUST_CHECK;
int digest_shake256(uint8_t *out, size_t len, const struct digest_part *parts,
    size_t n) MUST_CHECK;

/* HMAC-SHA-256 (RFC 2104, FIPS 198-1).  out may be the key itself, for chains
 * of derivations.  ERR_INTERNAL. */
int digest_hmac_sha256(uint8_t out[static DIGEST_SHA256_LEN], const void *key,
    size_t key_len, const struct digest_part *parts, size_t n) MUST_CHECK;

/* MD5 (RFC 1321), for SQS's transport check only.  ERR_UNSUPPORTED where
 * nothing but a FIPS provider is loaded. */
int digest_md5(uint8_t out[static DIGEST_MD5_LEN],
    const struct digest_part *parts, size_t n) MUST_CHECK;

/* Compare in time that depends on len alone. */
bool digest_equal(const void *a, const void *b, size_t len);

#endif

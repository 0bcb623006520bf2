/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_OPENSSL_H
#define SQS_ENTROPY_AID_OPENSSL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <openssl/crypto.h>

#include "aid/hex.h"
#include "crypto/digest.h"

/* Whether this OpenSSL should have ML-KEM, by its version alone: a test must
 * not ask the code that it is about.  Where not, that is printed. */
static inline bool openssl_should_have_mlkem(void)
{
	const bool should = OpenSSL_version_num() >= 0x30500000UL;

	if (!should)
		printf("%s has no ML-KEM: its refusal is tested\n",
		    OpenSSL_version(OPENSSL_VERSION));
	return should;
}

/* The SHA-256 of a long text is that, in hexadecimal. */
static inline void openssl_assert_sum(
    const void *data, size_t len, const char *hex)
{
	const struct digest_part part = {data, len};
	uint8_t sum[DIGEST_SHA256_LEN], expected[DIGEST_SHA256_LEN];

	hex_exactly(expected, sizeof expected, hex);
	assert_int_equal(digest_sha256(sum, &part, 1), 0);
	assert_memory_equal(sum, expected, sizeof sum);
}

#endif

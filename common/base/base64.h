/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_BASE64_H
#define SQS_ENTROPY_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* RFC 4648 section 4: the standard alphabet, padded, one line. */

/* Characters that encode len bytes, without a NUL. */
#define BASE64_LEN(len)     (((len) + 2) / 3 * 4)

/* Bytes that chars characters can decode to, at most. */
#define BASE64_BYTES(chars) ((chars) / 4 * 3)

/* Write BASE64_LEN(len) characters and a NUL to out, which has room. */
void base64_encode(char *out, const uint8_t *data, size_t len);

/*
 * Decode exactly len characters into out, which holds max bytes; *out_len is
 * what came.  Strict: canonical padding, the alphabet alone, no white space,
 * unused trailing bits zero (RFC 4648 sections 3.2, 3.3, 3.5), so that a
 * payload has one encoding.  ERR_FORMAT, or ERR_LIMIT when out is too small;
 * out is wiped then.  Time depends on len, not on the characters' values.
 */
int base64_decode(uint8_t *out, size_t max, size_t *out_len, const char *text,
    size_t len) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_MESSAGE_SIGN_H
#define SQS_ENTROPY_MESSAGE_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "crypto/keys.h"
#include "message/message.h"

#define MESSAGE_DOMAIN   "sqs-entropy message v1"
#define MESSAGE_PATH_MAX LIMIT_PATH

/* Append what is signed: the domain, a zero byte, then attribute, queue path
 * and payload, each preceded by its length as 32-bit big-endian.  ERR_LIMIT,
 * ERR_NOMEM. */
int message_signed_bytes(struct buf *out, const char *entropy,
    size_t entropy_len, const char *queue_path, size_t path_len,
    const uint8_t *payload, size_t payload_len)
    __attribute__((warn_unused_result));
#define MESSAGE_SIGNED_MAX                                                     \
	(64 + MESSAGE_ENTROPY_MAX + MESSAGE_PATH_MAX + MESSAGE_PAYLOAD_MAX)

/* Sign, or verify against one public key.  0, ERR_DENIED (what is too long to
 * have been signed, too), ERR_NOMEM, ERR_INTERNAL; signing what is too long is
 * ERR_LIMIT. */
int message_sign(uint8_t signature[static MESSAGE_SIGNATURE_LEN],
    const uint8_t secret[static KEYS_LEN], const char *entropy,
    const char *queue_path, const uint8_t *payload, size_t len)
    __attribute__((warn_unused_result));
int message_verify(const uint8_t signature[static MESSAGE_SIGNATURE_LEN],
    const uint8_t public_key[static KEYS_LEN], const char *entropy,
    const char *queue_path, const uint8_t *payload, size_t len)
    __attribute__((warn_unused_result));

#endif

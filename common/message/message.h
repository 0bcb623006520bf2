/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_MESSAGE_MESSAGE_H
#define SQS_ENTROPY_MESSAGE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/base64.h"

/*
 * The message, version 1: the body is the base64 of the payload and nothing
 * else, as in the seed article, whose scripts read and write it too.  Pure.
 */
#define MESSAGE_PAYLOAD_MIN     32
#define MESSAGE_PAYLOAD_MAX     16384
#define MESSAGE_PAYLOAD_DEFAULT 512
#define MESSAGE_BODY_MAX        BASE64_LEN(MESSAGE_PAYLOAD_MAX)

/* Message attributes of signed messages (see docs/architecture.md). */
#define MESSAGE_ATTR_ENTROPY    "Entropy"
#define MESSAGE_ATTR_SIGNATURE  "Signature"
#define MESSAGE_ENTROPY_MAX     255 /* characters */
#define MESSAGE_SIGNATURE_LEN   64  /* bytes */

/* body has BASE64_LEN(len) + 1 bytes.  ERR_LIMIT unless len is within
 * MESSAGE_PAYLOAD_MIN..MESSAGE_PAYLOAD_MAX. */
int message_encode(char *body, const uint8_t *payload, size_t len)
    __attribute__((warn_unused_result));

/*
 * Decode a body of len characters into payload[MESSAGE_PAYLOAD_MAX].  One
 * final line feed, as a shell's base64 leaves it, is accepted.  ERR_LIMIT:
 * the payload is shorter or longer than allowed; ERR_FORMAT: not base64.
 */
int message_decode(uint8_t payload[static MESSAGE_PAYLOAD_MAX], size_t *len,
    const char *body, size_t body_len) __attribute__((warn_unused_result));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_MESSAGE_SIGN_H
#define SQS_ENTROPY_MESSAGE_SIGN_H

#include <stdint.h>

#include "base/arn.h"
#include "base/buf.h"
#include "base/err.h"
#include "crypto/keys.h"
#include "message/message.h"

/*
 * Signatures of messages: Ed25519 (RFC 8032) over MESSAGE_DOMAIN, a zero byte,
 * then the claim, the queue's ARN and the payload, each preceded by its length
 * as 32-bit big-endian.  Errors beside those named: ERR_NOMEM,
 * ERR_INTERNAL.
 */
#define MESSAGE_DOMAIN "sqs-entropy message v1"

/* What is signed, in a new buffer *out that the caller frees even after a
 * failure.  ERR_LIMIT: longer than an ARN or a message may be. */
int message_signed_bytes(
    const struct message *m, const char *arn, struct buf **out) MUST_CHECK;

/* Set the signature.  ERR_LIMIT as above, and without an ARN. */
int message_sign(struct message *m, const char *arn,
    const struct keys_signer *by) MUST_CHECK;

/* 0 if the holder of the secret key signed the message.  ERR_DENIED if not, if
 * it bears no signature, if it is too long to be signed, or without an ARN. */
int message_verify(const struct message *m, const char *arn,
    const uint8_t public_key[static KEYS_LEN]) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_MESSAGE_SIGN_H
#define SQS_ENTROPY_MESSAGE_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "crypto/keys.h"
#include "message/message.h"

/*
 * The attribute "Entropy" and what "Signature" covers, version 1:
 *   v=1;key=<16 hex>;seq=<decimal>;time=<epoch ms>;bits=<decimal>;
 *   seal=<none|hpke>
 * in one line.
 */
#define MESSAGE_DOMAIN     "sqs-entropy message v1"
#define MESSAGE_KEY_ID_LEN 8
#define MESSAGE_PATH_MAX   LIMIT_PATH

enum message_seal { MESSAGE_SEAL_NONE, MESSAGE_SEAL_HPKE };

struct message_claim {
	uint8_t key[MESSAGE_KEY_ID_LEN];
	uint64_t seq;
	int64_t time;  /* epoch ms, not negative */
	uint32_t bits; /* min-entropy of the whole payload */
	enum message_seal seal;
};

/* The attribute's text with its NUL; always fits. */
void message_claim_format(const struct message_claim *claim,
    char text[static MESSAGE_ENTROPY_MAX + 1]);

/* Strict: this order, lower-case hex, decimals without sign or leading zero,
 * no overflow, nothing behind; so that one claim has one text.  ERR_FORMAT. */
int message_claim_parse(const char *text, size_t len,
    struct message_claim *claim) __attribute__((warn_unused_result));

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

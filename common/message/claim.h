/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_MESSAGE_CLAIM_H
#define SQS_ENTROPY_MESSAGE_CLAIM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "message/keyfile.h"
#include "message/message.h"

/*
 * What a producer claims of a message, as the attribute "Entropy" says it in
 * one line:
 *   v=1;key=<16 hex>;seq=<decimal>;time=<epoch ms>;bits=<decimal>;
 *   seal=<none|x25519|xwing>
 */
enum claim_seal { CLAIM_SEAL_NONE, CLAIM_SEAL_X25519, CLAIM_SEAL_XWING };

struct claim {
	uint8_t key[KEYFILE_ID_LEN]; /* see keyfile_id() */
	uint64_t seq;
	int64_t time;  /* epoch ms, not negative */
	uint32_t bits; /* min-entropy of the whole payload */
	enum claim_seal seal;
};

/* The attribute's text with its NUL; it always fits. */
void claim_format(
    const struct claim *claim, char text[static MESSAGE_ENTROPY_MAX + 1]);

/* Strict, so that one claim has one text: this order, lower-case hex, decimals
 * without sign or leading zero, no overflow, nothing behind.  ERR_FORMAT. */
int claim_parse(const char *text, size_t len, struct claim *claim) MUST_CHECK;

#endif

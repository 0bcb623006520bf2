/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_MESSAGE_SEAL_H
#define SQS_ENTROPY_MESSAGE_SEAL_H

#include <stdint.h>

#include "base/err.h"
#include "crypto/hpke.h"
#include "message/message.h"

/*
 * Sealing a payload for the holders of a fleet's secret key: HPKE (RFC 9180,
 * hpke.h) with MESSAGE_DOMAIN as info and the claim as aad.  The payload grows
 * by HPKE_OVERHEAD bytes.  Errors beside those named: ERR_NOMEM, ERR_INTERNAL.
 */

/* ERR_LIMIT: the sealed payload would be longer than allowed; ERR_DENIED:
 * recipient is no proper key. */
int message_seal(struct message *m, const uint8_t recipient[static KEYS_LEN])
    MUST_CHECK;

/* ERR_DENIED: sealed for somebody else, not genuine, or too short to hold a
 * payload; the message is as it was then. */
int message_open(struct message *m, const uint8_t secret[static KEYS_LEN])
    MUST_CHECK;

#endif

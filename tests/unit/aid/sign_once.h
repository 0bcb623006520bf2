/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_SIGN_ONCE_H
#define SQS_ENTROPY_AID_SIGN_ONCE_H

#include "message/sign.h"

/* message_sign() by a secret key; ERR_INTERNAL also if it cannot be one. */
int sign_once(struct message *m, const char *arn,
    const uint8_t secret[static KEYS_LEN]) MUST_CHECK;

#endif

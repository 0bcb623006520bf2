/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_TRIAL_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_TRIAL_H

#include <stdint.h>

#include "base/err.h"
#include "message/message.h"
#include "producer/offline/signer.h"

/*
 * For --setup: judge a message that s has just made as an agent will, before
 * it leaves: the body decodes to the payload, the claim is well formed, fresh
 * at epoch ms wall and names the key, and the key that agents are to trust has
 * signed all of it for the queue's ARN.  A sealed payload stays closed: only
 * the fleet can open it.  ERR_UNUSABLE, ERR_NOMEM.
 */
int trial_verify(const struct signer *s, const struct message *m, int64_t wall,
    struct err *err) MUST_CHECK;

#endif

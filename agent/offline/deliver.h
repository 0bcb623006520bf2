/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_DELIVER_H
#define SQS_ENTROPY_AGENT_OFFLINE_DELIVER_H

#include "agent/offline/offline.h"
#include "agent/offline/take.h"
#include "base/err.h"

/*
 * Remember the messages that were taken, mix what sets this machine apart, and
 * put the payloads into the sink in one go; *credit is the bits that it was
 * given.  Logs what it did.  ERR_UNUSABLE: --strict, and no credit was given;
 * otherwise sink_put()'s errors.
 */
int deliver(struct agent_offline *o, struct taken *t, unsigned *credit,
    struct err *err) MUST_CHECK;

#endif

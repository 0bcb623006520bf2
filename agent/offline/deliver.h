/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_DELIVER_H
#define SQS_ENTROPY_AGENT_OFFLINE_DELIVER_H

#include "agent/offline/offline.h"
#include "agent/offline/take.h"
#include "base/err.h"

/* Mix into the kernel what sets this machine apart, without credit, so that two
 * machines that are handed the same bytes do not end in one state. */
void deliver_identity(const struct agent_offline *o);

/*
 * Remember the messages that were taken, and put their payloads into the sink
 * in one go; *credit is the bits that it was
 * given.  Logs what it did.  ERR_UNUSABLE: --strict, and no credit was given;
 * otherwise sink_put()'s errors.
 */
int deliver(struct agent_offline *o, struct taken *t, unsigned *credit,
    struct err *err) MUST_CHECK;

#endif

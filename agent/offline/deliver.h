/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_DELIVER_H
#define SQS_ENTROPY_AGENT_OFFLINE_DELIVER_H

#include "agent/offline/offline.h"
#include "agent/offline/take.h"
#include "base/buf.h"
#include "base/err.h"

/* Mix into the kernel what sets this machine apart, without credit, so that two
 * machines that are handed the same bytes do not end in one state. */
void deliver_identity(const struct agent_offline *o);

/* Inject bytes that came in place of a message, without credit, and say so.
 * How many there were: 0, also where the kernel did not take them, which is
 * logged. */
size_t deliver_fallback(const struct agent_offline *o, const struct buf *bytes);

/* Why the messages together earn no credit, in the words of credit_reason(),
 * each once: "not signed, used before".  size is DELIVER_WHY_MAX or more. */
#define DELIVER_WHY_MAX 320
void deliver_explain(const struct taken *t, char *text, size_t size);

/*
 * Remember the messages that were taken, and put their payloads into the sink
 * in one go; *credit is the bits that it was
 * given.  Logs what it did.  ERR_UNUSABLE: --strict, and no credit was given;
 * otherwise sink_put()'s errors.
 */
int deliver(struct agent_offline *o, struct taken *t, unsigned *credit,
    struct err *err) MUST_CHECK;

#endif

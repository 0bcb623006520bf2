/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_ONLINE_SEAL_KEY_H
#define SQS_ENTROPY_AGENT_ONLINE_SEAL_KEY_H

#include <stdint.h>

#include "agent/record.h"
#include "base/err.h"
#include "sqs/session.h"

/*
 * The sealing key that comes by the role ("seal-key" with "ssm:"): this half
 * has it for as long as it takes to hand it over.  Fill out, which the caller
 * wipes. That the version before the newest cannot be had is a warning alone.
 * Errors of session_open_service() and ssm_seal_keys(), with "seal-key: "
 * and the parameter before them.
 */
int seal_key_find(struct session *s, const char *parameter, int64_t deadline,
    struct record_seal_keys *out, struct err *err) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_ONLINE_ONLINE_H
#define SQS_ENTROPY_AGENT_ONLINE_ONLINE_H

#include <stdint.h>

#include "agent/conf.h"
#include "base/err.h"
#include "sqs/session.h"

/*
 * The half that talks to the network.  It gets credentials, receives messages,
 * deletes them, and hands over those whose delete the service has confirmed.
 * It logs why it failed.  Returns what it told the offline half: 0, ERR_EMPTY,
 * or the error that ended it.
 */
int agent_online_run(int fd, const struct conf *conf, int64_t deadline)
    MUST_CHECK;

/* Check what can be checked without the network: queue, endpoint, region, CA
 * bundle.  ERR_CONFIG. */
int agent_online_check(const struct conf *conf, struct err *err) MUST_CHECK;

/* The session of a run, for --doctor, too; conf is borrowed. */
struct session_config agent_session(const struct conf *conf);

#endif

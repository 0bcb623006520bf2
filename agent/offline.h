/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_H
#define SQS_ENTROPY_AGENT_OFFLINE_H

#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "sink.h"

/*
 * The privileged half: takes deleted messages from the online half, judges
 * their credit and injects all of them at once.  It opens no network socket
 * and parses nothing but records of a fixed layout.
 */

/*
 * Serve fd until the online half has ended or the deadline (CLOCK_MONOTONIC
 * ms) has passed, then inject what came.  0 when at least one message was
 * used; ERR_EMPTY, ERR_UNUSABLE, the online half's own code, ERR_TIMEOUT or
 * sink_put()'s errors otherwise.  Logs what it did, and in case of failure
 * what the online half has not logged already.
 */
int offline_run(int fd, const struct sink *sink, const struct conf *conf,
    int64_t deadline) __attribute__((warn_unused_result));

#endif

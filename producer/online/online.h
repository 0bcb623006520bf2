/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ONLINE_ONLINE_H
#define SQS_ENTROPY_PRODUCER_ONLINE_ONLINE_H

#include <stdint.h>

#include "base/err.h"
#include "producer/conf.h"
#include "sqs/session.h"

/*
 * The half that talks to the network.  It looks at the queue, asks the offline
 * half for as many messages as the refill rule says, and sends them, until
 * cancel_fd is readable (0), or, with conf->once, for one look and one top-up.
 * A failure is logged here and tried again after the interval, except with
 * conf->once, when the configuration itself is wrong, or when a file that the
 * failure may come from can be read only by a new process (ERR_ABSENT).  The
 * half gives a sign of life (heartbeat.h) several times in watchdog_ms; 0:
 * nobody watches. Returns 0 or the error that ended it.
 */
int producer_online_run(int fd, const struct conf *conf, int cancel_fd,
    int64_t watchdog_ms) MUST_CHECK;

/* Check what can be checked without the network: queue, endpoint, region, CA
 * bundle.  ERR_CONFIG. */
int producer_online_check(const struct conf *conf, struct err *err) MUST_CHECK;

/* The session of a run, for --doctor, too; conf is borrowed. */
struct session_config producer_session(const struct conf *conf, int cancel_fd);

#endif

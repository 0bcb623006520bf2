/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ONLINE_ONLINE_H
#define SQS_ENTROPY_PRODUCER_ONLINE_ONLINE_H

#include "base/err.h"
#include <stdint.h>

#include "producer/conf.h"

/*
 * The half that talks to the network: looks at the queue, asks the offline
 * half for as many messages as the refill rule says, and sends them.
 */

/*
 * Run until cancel_fd is readable (0), or, with conf->once, for one look and
 * one top-up.  What failed is logged here and tried again after the interval,
 * save with conf->once or when the configuration itself is wrong.  Gives a
 * sign of life (alive.h) several times in watchdog_ms, 0: when it likes.  0 or
 * the error that ended it.
 */
int producer_online_run(int fd, const struct conf *conf, int cancel_fd,
    int64_t watchdog_ms) MUST_CHECK;

/* What of the configuration the network would not have to be asked for is
 * wrong: queue, endpoint, region, CA bundle.  ERR_CONFIG. */
int producer_online_check(const struct conf *conf, struct err *err) MUST_CHECK;

#endif

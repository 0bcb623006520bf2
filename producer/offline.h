/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_H

#include "conf.h"
#include "source.h"

/*
 * The half that holds the source: makes as many messages as it is asked for.
 * It opens no network socket.
 */

/* Serve fd until the online half has ended (0) or cancel_fd is readable
 * (ERR_CANCELED).  ERR_NOMEM, ERR_FORMAT (a record that the online half cannot
 * have sent), ERR_IO.  A source that fails is logged and told to the online
 * half, and tried again when that asks again. */
int offline_run(int fd, struct source *source, const struct conf *conf,
    int cancel_fd) __attribute__((warn_unused_result));

#endif

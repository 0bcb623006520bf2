/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_NOTIFY_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_NOTIFY_H

#include <stdint.h>

#include "base/err.h"

/*
 * What a service tells its manager, by the protocol of sd_notify(3).  The
 * socket is connected before the half is confined; to send needs sendmsg(2)
 * alone.  Without a manager every call succeeds and does nothing.
 */
struct notify {
	int fd;              /* -1: nobody is to be told */
	int64_t watchdog_ms; /* from one sign of life to the next; 0: none */
};

/* Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, take them out of the
 * environment, and connect.  ERR_UNSUPPORTED for an address that is neither a
 * path nor abstract, ERR_IO; *n is then as without a manager. */
int notify_open(struct notify *n, struct err *err) MUST_CHECK;
void notify_close(struct notify *n);

/* Send lines "NAME=value".  Waits for room for wait_ms at most, 0: not at all.
 * ERR_TIMEOUT, ERR_IO (the manager is gone). */
int notify_send(const struct notify *n, int64_t wait_ms, const char *text)
    MUST_CHECK;

#endif

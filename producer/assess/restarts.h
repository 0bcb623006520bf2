/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ASSESS_RESTARTS_H
#define SQS_ENTROPY_PRODUCER_ASSESS_RESTARTS_H

#include "base/clock.h"
#include "base/err.h"

/*
 * The restart matrix of SP 800-90B, section 3.1.4.1: 1,000 rows of the first
 * 1,000 bytes after a restart each, row after row, as NIST's ea_restart reads
 * it.  A restart is here that the device is opened anew, which does not take
 * the power from the hardware.
 */
#define RESTARTS_ROWS 1000
#define RESTARTS_ROW  1000 /* bytes */

/* Write the matrix of the device at path into fd.  clock's sleep() ends it by
 * ERR_CANCELED.  Errors of source.h; ERR_CONFIG: no device. */
int restarts_write(const char *path, int fd, const struct clock *clock,
    struct err *err) MUST_CHECK;

#endif

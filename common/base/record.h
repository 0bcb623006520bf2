/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_RECORD_H
#define SQS_ENTROPY_BASE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * What the two halves of a program exchange, and waits with deadlines.
 * Deadlines are CLOCK_MONOTONIC milliseconds; 0 or less waits for ever.
 * cancel_fd, -1 for none, ends any wait with ERR_CANCELED as soon as it is
 * readable.
 */

/* Wait until fd is ready for events (poll(2)). 0, ERR_TIMEOUT, ERR_CANCELED,
 * ERR_IO. */
int record_wait(int fd, short events, int cancel_fd, int64_t deadline)
    MUST_CHECK;

/*
 * A record is one datagram of a SOCK_SEQPACKET pair: a 32-bit type and up to
 * RECORD_MAX bytes in a layout that both halves fix at compile time.
 * There is no length field to lie with; the kernel keeps the boundaries.
 */
#define RECORD_MAX 20480 /* bytes of data: a message of 16 KiB + 4 KiB */

/* ERR_EOF when the other half is gone, ERR_LIMIT, ERR_TIMEOUT, ERR_CANCELED,
 * ERR_IO. */
int record_send(int fd, uint32_t type, const void *data, size_t len,
    int cancel_fd, int64_t deadline) MUST_CHECK;

/* data holds max bytes; a longer record, or one shorter than its type, is
 * ERR_FORMAT and is consumed.  Otherwise as record_send. */
int record_receive(int fd, uint32_t *type, void *data, size_t max, size_t *len,
    int cancel_fd, int64_t deadline) MUST_CHECK;

#endif

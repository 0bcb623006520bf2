/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_IO_H
#define SQS_ENTROPY_BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Descriptors with deadlines, and the records that the two halves of a
 * program exchange.  Deadlines are CLOCK_MONOTONIC milliseconds; 0 or less
 * waits for ever.  cancel_fd, -1 for none, ends any wait with ERR_CANCELED
 * as soon as it is readable.
 */

/* Wait until fd is ready for events (poll(2)). 0, ERR_TIMEOUT, ERR_CANCELED,
 * ERR_IO. */
int io_wait(int fd, short events, int cancel_fd, int64_t deadline)
    __attribute__((warn_unused_result));

/* Write all of it, blocking; short writes and EINTR are gone on with.
 * ERR_IO, errno kept. */
int io_write_full(int fd, const void *data, size_t len)
    __attribute__((warn_unused_result));

/* Read a whole regular file of at most max bytes: *len is what was read.
 * ERR_LIMIT when there is more, ERR_ABSENT when there is no such file,
 * ERR_IO otherwise, errno kept. */
int io_read_file(const char *path, void *data, size_t max, size_t *len)
    __attribute__((warn_unused_result));

/*
 * A record is one datagram of a SOCK_SEQPACKET pair: a 32-bit type and up to
 * IO_RECORD_MAX bytes in a layout that both halves fix at compile time.
 * There is no length field to lie with; the kernel keeps the boundaries.
 */
#define IO_RECORD_MAX 20480 /* bytes of data: a message of 16 KiB + 4 KiB */

/* ERR_EOF when the other half is gone, ERR_LIMIT, ERR_TIMEOUT, ERR_CANCELED,
 * ERR_IO. */
int io_send_record(int fd, uint32_t type, const void *data, size_t len,
    int cancel_fd, int64_t deadline) __attribute__((warn_unused_result));

/* data holds max bytes; a longer record, or one shorter than its type, is
 * ERR_FORMAT and is consumed.  Otherwise as io_send_record. */
int io_recv_record(int fd, uint32_t *type, void *data, size_t max, size_t *len,
    int cancel_fd, int64_t deadline) __attribute__((warn_unused_result));

/*
 * Split the process in two halves joined by a SOCK_SEQPACKET pair.  Returns
 * in both: *fd is this half's end (close-on-exec), *child is 0 in the child.
 * The child gets SIGTERM when its parent dies (PR_SET_PDEATHSIG).  ERR_IO.
 */
int io_split(int *fd, pid_t *child) __attribute__((warn_unused_result));

/* SIGTERM and SIGINT make *fd readable from now on, in this process, and
 * interrupt system calls; SIGPIPE is ignored.  Call it after io_split().
 * ERR_IO. */
int io_stop_fd(int *fd) __attribute__((warn_unused_result));

/* Wait for the child until the deadline, then SIGKILL it.  Returns its wait
 * status (waitpid(2)), or IO_NOT_REAPED when it is still there half a second
 * later, as a child of another user may be (see confine_lifetime()). */
#define IO_NOT_REAPED (-1)
int io_reap(pid_t child, int64_t deadline);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFINE_SPLIT_H
#define SQS_ENTROPY_CONFINE_SPLIT_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Split the process in two halves joined by a SOCK_SEQPACKET pair.  Returns
 * in both: *fd is this half's end (close-on-exec), *child is 0 in the child.
 * The child gets SIGTERM when its parent dies (PR_SET_PDEATHSIG).  ERR_IO.
 */
int split_fork(int *fd, pid_t *child) __attribute__((warn_unused_result));

/* SIGTERM and SIGINT make *fd readable from now on, in this process, and
 * interrupt system calls; SIGPIPE is ignored.  Call it after split_fork().
 * ERR_IO. */
int split_stop_fd(int *fd) __attribute__((warn_unused_result));

/* Wait for the child until the deadline, then SIGKILL it.  Returns its wait
 * status (waitpid(2)), or SPLIT_NOT_REAPED when it is still there half a second
 * later, as a child of another user may be (see confine_lifetime()). */
#define SPLIT_NOT_REAPED (-1)
int split_reap(pid_t child, int64_t deadline);

#endif

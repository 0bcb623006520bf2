/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFINE_SPLIT_H
#define SQS_ENTROPY_CONFINE_SPLIT_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * A program is two halves in two processes, joined by one SOCK_SEQPACKET pair
 * (record.h).  The offline half is the parent.  The two run as different users,
 * so that neither can signal the other.  Each sees the end of the other at the
 * pair, and ends by itself; what hangs is ended by the kernel (see below).
 */
struct split {
	/* In the child, first: let go of what only the offline half holds. */
	void (*leave)(void *ctx);
	/* The child.  Returns 0 or a code of err.h, and has logged it. */
	int (*online)(void *ctx, int fd);
	/* The parent.  Returns 0 or a code of err.h; *until: when the child has
	 * to have ended, CLOCK_MONOTONIC ms.  fd is closed behind it. */
	int (*offline)(void *ctx, int fd, int64_t *until, struct err *err);
	/* The parent is killed this many ms after the end of the child; 0: it
	 * has a deadline of its own. */
	long outlive_ms;
	void *ctx;
};

/* Run both halves.  Returns what offline() did.  end: how the child ended, as
 * told already by it, or with a text for one that could not tell: it hung, or
 * was ended by a signal.  ERR_IO: no second half could be started. */
int split_run(const struct split *s, struct err *end, struct err *err)
    MUST_CHECK;

/* SIGTERM and SIGINT make *fd readable from now on, in this process, and
 * interrupt system calls; SIGPIPE is ignored.  For each half of its own.
 * ERR_IO. */
int split_stop_fd(int *fd) MUST_CHECK;

/* SIGHUP sends the other half, at fd, a record (record.h) of that type without
 * data from now on, in this process; a system call goes on.  The record is
 * dropped when there is no room.  ERR_IO. */
int split_hup(int fd, uint32_t type) MUST_CHECK;

/* *fd is readable from now on once the other half has closed the pair whose end
 * peer is, or stop_fd (-1: none) is readable.  What the other half sends does
 * not count.  ERR_IO. */
int split_end_fd(int peer, int stop_fd, int *fd) MUST_CHECK;

/*
 * The parts of split_run().  split_fork(): fd is this half's end
 * (close-on-exec), pid is 0 in the child.  tie is a pipe that nothing is
 * written to.  When the last writer, the parent, closes it or ends in whatever
 * way, the kernel sends SIGKILL to the child (fcntl(2), F_SETSIG), whatever
 * users the two are.  ERR_IO.  split_reap(): wait for the child until the
 * deadline, then close the tie.  Returns the child's wait status (waitpid(2)),
 * or SPLIT_NOT_REAPED when it is still there half a second after that.
 */
#define SPLIT_NOT_REAPED (-1)
struct split_child {
	pid_t pid;
	int fd, tie;
};
int split_fork(struct split_child *child) MUST_CHECK;
int split_reap(struct split_child *child, int64_t deadline);

#endif

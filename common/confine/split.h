/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFINE_SPLIT_H
#define SQS_ENTROPY_CONFINE_SPLIT_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * A program is two halves in two processes, joined by one SOCK_SEQPACKET pair
 * (record.h).  The offline half is the parent.  The child gets SIGTERM when its
 * parent dies (PR_SET_PDEATHSIG).
 */
struct split {
	/* In the child, first: let go of what only the offline half holds. */
	void (*leave)(void *ctx);
	/* The child.  Returns 0 or a code of err.h, and has logged it. */
	int (*online)(void *ctx, int fd);
	/* The parent.  Returns 0 or a code of err.h; *until: when the child has
	 * to have ended, CLOCK_MONOTONIC ms.  fd is closed behind it. */
	int (*offline)(void *ctx, int fd, int64_t *until, struct err *err);
	int stop_signal; /* for the child when offline() has failed; 0: none */
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

/*
 * The parts of split_run().  split_fork(): *fd is this half's end
 * (close-on-exec), *child is 0 in the child.  ERR_IO.  split_reap(): wait for
 * the child until the deadline, then SIGKILL it.  Returns its wait status
 * (waitpid(2)), or SPLIT_NOT_REAPED when it is still there half a second
 * after that, as a child of another user may be (see confine_lifetime()).
 */
#define SPLIT_NOT_REAPED (-1)
int split_fork(int *fd, pid_t *child) MUST_CHECK;
int split_reap(pid_t child, int64_t deadline);

#endif

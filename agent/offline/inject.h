/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_INJECT_H
#define SQS_ENTROPY_AGENT_OFFLINE_INJECT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * The kernel's pool (random(4)); the one user of linux/random.h.
 */
#define INJECT_DEVICE "/dev/random"

/*
 * Open the pool for one injection and find out now, before any message is
 * deleted, whether the kernel will take it.  ERR_PERM without CAP_SYS_ADMIN
 * in the first user namespace, ERR_IO.
 */
int inject_open(int *fd, struct err *err) MUST_CHECK;

/* Mix without credit (write(2)).  ERR_IO. */
int inject_mix(int fd, const void *data, size_t len) MUST_CHECK;

/* Append to out the argument of RNDADDENTROPY (struct rand_pool_info) that
 * says: these len bytes hold bits bits.  Pure.  ERR_LIMIT when bits exceeds
 * 8 * len or out is too small, ERR_NOMEM. */
int inject_argument(
    struct buf *out, const void *data, size_t len, unsigned bits) MUST_CHECK;

/* Room that inject_argument() needs. */
size_t inject_argument_len(size_t len);

/*
 * One RNDADDENTROPY with a value of inject_argument(), then RNDRESEEDCRNG so
 * that readers get it at once; kernels that have no RNDRESEEDCRNG, or are not
 * ready yet, are let be.  ERR_PERM, ERR_IO.
 */
int inject(int fd, const struct buf *argument, struct err *err) MUST_CHECK;

#endif

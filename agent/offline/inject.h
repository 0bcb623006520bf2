/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_INJECT_H
#define SQS_ENTROPY_AGENT_OFFLINE_INJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * The kernel's pool (random(4)).
 */
#define INJECT_DEVICE "/dev/random"

/*
 * Open the pool for one injection and find out now, before any message is
 * deleted, whether the kernel will take it.  ERR_PERM without CAP_SYS_ADMIN
 * in the first user namespace, ERR_IO.
 */
int inject_open(int *fd, struct err *err) MUST_CHECK;

/* Ask the same of an open pool, also once this process is confined, by an
 * RNDADDTOENTCNT without an argument: it needs the same privilege as
 * RNDADDENTROPY, and changes nothing.  ERR_PERM, ERR_IO. */
int inject_probe(int fd, struct err *err) MUST_CHECK;

/* The argument of RNDADDENTROPY (struct rand_pool_info) that says that these
 * len bytes hold bits bits, in a new buffer *out that the caller frees even
 * after a failure.  ERR_LIMIT when bits exceeds 8 * len, ERR_NOMEM. */
int inject_argument(
    const void *data, size_t len, unsigned bits, struct buf **out) MUST_CHECK;

/*
 * One RNDADDENTROPY of bytes that hold bits bits, then RNDRESEEDCRNG so that
 * readers get them at once.  It is no failure when the generator is not ready
 * yet, nor, unless at_once is set, when the kernel has no RNDRESEEDCRNG.
 * ERR_PERM, ERR_IO, ERR_NOMEM.
 */
int inject(int fd, const struct buf *bytes, unsigned bits, bool at_once,
    struct err *err) MUST_CHECK;

#endif

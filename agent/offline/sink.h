/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_SINK_H
#define SQS_ENTROPY_AGENT_OFFLINE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Where the bytes of a run go: the kernel, a file or standard output.  It is
 * opened and tried before any message is deleted, so that no message is taken
 * out of the queue in vain.
 */
struct sink {
	int fd;
	bool kernel;
	bool regular;     /* a regular file: cut to what was written */
	bool at_once;     /* the kernel has to reseed now, or it is an error */
	const char *name; /* for messages */
	int64_t deadline; /* CLOCK_MONOTONIC ms: what has no reader by then,
			     or one that is too slow, fails */
};

/* output: "" the kernel, "-" standard output, else a file, made with mode
 * 0600 when it is not there; what it held is replaced only on success.  max
 * is what may come at most: a file system without room for it is found out
 * now.  A FIFO gets a reader until the deadline.  ERR_PERM, ERR_IO,
 * ERR_TIMEOUT. */
int sink_open(struct sink *s, const char *output, size_t max, int64_t deadline,
    struct err *err) MUST_CHECK;

/* Find out, with the rights that this process has now, whether sink_put() can
 * succeed.  ERR_PERM, ERR_IO. */
int sink_probe(const struct sink *s, struct err *err) MUST_CHECK;

/* Mix without credit, kernel only; nothing happens elsewhere. */
int sink_mix(const struct sink *s, const void *data, size_t len) MUST_CHECK;

/* Deliver all of it at once; bits count in the kernel only.  ERR_IO,
 * ERR_PERM, ERR_NOMEM, ERR_TIMEOUT. */
int sink_put(const struct sink *s, const struct buf *bytes, unsigned bits,
    struct err *err) MUST_CHECK;

void sink_close(struct sink *s);

#endif

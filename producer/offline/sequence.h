/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_SEQUENCE_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_SEQUENCE_H

#include <stdint.h>

#include "base/err.h"

/*
 * Sequence numbers of signed messages: each is given once, whatever happens.
 * Numbers are reserved ahead in blocks that are on the disk before the first
 * of them is used; after a restart or a power cut the rest of the block is
 * skipped.
 */
#define SEQUENCE_BLOCK 1024

struct sequence {
	int fd;            /* locked (flock(2)); -1: not open */
	uint64_t next;     /* to be given */
	uint64_t reserved; /* the first that is not reserved */
	unsigned slot;     /* of the file's two, written in turn */
};

/* Open or make path (0600).  A file that root makes is given to the owner of
 * its directory, so that a service of that user can use it.  ERR_ABSENT:
 * another producer has it now; ERR_CONFIG: it is damaged; ERR_PERM, ERR_IO. */
int sequence_open(struct sequence *s, const char *path, struct err *err)
    MUST_CHECK;

/* The next number, from 1.  ERR_IO: a block could not be reserved, and no
 * number was given; ERR_LIMIT: there are no more. */
int sequence_next(struct sequence *s, uint64_t *out, struct err *err)
    MUST_CHECK;

void sequence_close(struct sequence *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_SEQUENCE_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_SEQUENCE_H

#include <stdint.h>
#include <time.h>

#include "base/err.h"
#include "base/slots.h"

/*
 * Sequence numbers of signed messages: each is given once, whatever happens.
 * Numbers are reserved ahead in blocks that are on the disk before the first
 * of them is used; after a restart or a power cut the rest of the block is
 * skipped.
 */
#define SEQUENCE_BLOCK 1024

struct sequence {
	struct slots file; /* holds reserved */
	uint64_t next;     /* to be given */
	uint64_t reserved; /* the first that is not reserved */
};

/*
 * Open or make path, as slots_open() does.  Numbers begin with 1.  When the
 * file is damaged, empty or of zeros they go on from sequence_anew(), which is
 * logged; no new key is needed.  ERR_ABSENT: another producer has it now;
 * ERR_PERM, ERR_IO.
 */
int sequence_open(struct sequence *s, const char *path, struct err *err)
    MUST_CHECK;

/* The next number.  ERR_IO: a block could not be reserved, and no number was
 * given; ERR_LIMIT: there are no more. */
int sequence_next(struct sequence *s, uint64_t *out, struct err *err)
    MUST_CHECK;

/*
 * A number above all that a lost file can have given, although each restart
 * takes a block: microseconds since 1970, because no producer reserves a
 * million numbers a second.  now is the clock, and written the time of the
 * file's last reservation, which counts when this machine came up with an older
 * clock.  At least 2^50, which no producer reaches by counting from 1.
 */
uint64_t sequence_anew(
    const struct timespec *now, const struct timespec *written);

void sequence_close(struct sequence *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_SLOTS_H
#define SQS_ENTROPY_BASE_SLOTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"

/*
 * A state file that a confined process, which can neither make nor rename a
 * file, keeps up to date in place.  Two slots of it hold the same state, each
 * with a generation and a checksum (against accidents, not attackers).  One is
 * written and synced, then the other: whatever a kill or a power cut leaves of
 * a write, one slot has the whole old state or the whole new one, and damage
 * to a single slot loses nothing.  No block of SLOTS_BLOCK bytes holds parts of
 * both, because a disk may spoil a whole block when it loses power.
 */
#define SLOTS_BLOCK     4096
#define SLOTS_MAGIC_LEN ((size_t)8)

/* How a kind of state file begins.  why is ERR_ABSENT: there is no such file;
 * ERR_EMPTY: it has no length, or zeros alone; ERR_FORMAT: it holds something,
 * and no slot is whole.  old is that file, undefined when there is none.  Set
 * the state, or refuse by returning an error. */
typedef int slots_begin(void *state, int why, const struct stat *old);

struct slots_kind {
	char magic[SLOTS_MAGIC_LEN];
	size_t len; /* bytes of a state */
	slots_begin *begin;
};

struct slots {
	int fd; /* locked (flock(2)); -1: not open */
	const struct slots_kind *kind;
	uint64_t generation; /* of the state */
	unsigned next;       /* the slot to be written: the other is whole */
	int began;           /* why the file was made now; 0: it was there */
};

/*
 * Open the file at path, lock it until it is closed, and read its state.  Where
 * kind->begin() sets a state the file is made: under "PATH.new", synced,
 * renamed, the directory synced; 0600, and root gives it to the owner of the
 * directory, so that a service of that user can go on with it.  A name is
 * locked before it is replaced, so that two processes never have two files.
 * ERR_TIMEOUT: somebody else holds the lock until that time (CLOCK_MONOTONIC
 * ms; 0 waits for nobody); ERR_PERM; ERR_IO; what kind->begin() refused with,
 * without a text.
 */
int slots_open(struct slots *s, const char *path, const struct slots_kind *kind,
    void *state, int64_t until, struct err *err) MUST_CHECK;

/* Have a new state on the disk.  ERR_IO, errno kept: the file has the old state
 * or the new one. */
int slots_write(struct slots *s, const void *state) MUST_CHECK;

/* The same in two parts, for a caller in a hurry: after the first one the state
 * is on the disk, and damage to that slot could still lose it. */
int slots_write_one(struct slots *s, const void *state) MUST_CHECK;
int slots_write_other(struct slots *s, const void *state) MUST_CHECK;

void slots_close(struct slots *s);

#endif

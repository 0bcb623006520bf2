/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_REPLAY_H
#define SQS_ENTROPY_AGENT_OFFLINE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slots.h"

/*
 * Which payloads this machine has used: SHA-256 digests, the oldest overwritten
 * first.  They are on the disk before the bytes are used, so that a crash can
 * lose a message and never lets one count twice.
 */
#define REPLAY_MAX        4096 /* digests */
#define REPLAY_DIGEST_LEN ((size_t)32)

/* Bytes of each that are kept.  Where two payloads agree in them, by chance or
 * by their producer's wish, the second one earns nothing, and that is all. */
#define REPLAY_KEPT_LEN   ((size_t)8)

struct replay {
	struct slots file;
	struct replay_memory *memory; /* NULL: not open */
	bool added;                   /* and not settled */
};

/*
 * Open or make path as slots_open() does, and lock it until it is closed; wait
 * for somebody else's lock until that time (CLOCK_MONOTONIC ms).  A file of
 * zeros or of no length is begun anew.  None is ever left so by a cut, because
 * it gets its name when it is whole; so whoever emptied it could have removed
 * it as well.  ERR_FORMAT: it is damaged, and the error says what to do;
 * ERR_IO, ERR_PERM, ERR_TIMEOUT, ERR_NOMEM.
 */
int replay_open(struct replay *s, const char *path, int64_t until,
    struct err *err) MUST_CHECK;
void replay_close(struct replay *s);

bool replay_has(
    const struct replay *s, const uint8_t digest[static REPLAY_DIGEST_LEN]);

/* Have n more digests on the disk, so that the bytes may be used.  ERR_IO.
 * replay_settle() then writes what was added to the file's other slot, which
 * takes as long again; if that fails, the next run does. */
int replay_add(struct replay *s, uint8_t digests[][REPLAY_DIGEST_LEN], size_t n)
    MUST_CHECK;
void replay_settle(struct replay *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_REPLAY_H
#define SQS_ENTROPY_AGENT_OFFLINE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Which signed messages this machine has used: SHA-256 digests in a file of
 * fixed size, the oldest overwritten first.  Entries never cross a sector, and
 * each is on the disk before its message is used, so that a crash can lose a
 * message and never lets one count twice.
 */
#define REPLAY_MAX        4096 /* digests */
#define REPLAY_DIGEST_LEN ((size_t)32)

struct replay {
	int fd;        /* locked (flock(2)); -1: not open */
	uint32_t next; /* slot to be written */
	uint8_t (*digests)[REPLAY_DIGEST_LEN];
};

/* Open or make path (0600) and lock it until it is closed; wait for another
 * agent's lock until deadline (CLOCK_MONOTONIC ms).  ERR_IO, ERR_PERM,
 * ERR_TIMEOUT, ERR_NOMEM; ERR_FORMAT: the file is damaged, and the error says
 * what to do. */
int replay_open(struct replay *s, const char *path, int64_t deadline,
    struct err *err) MUST_CHECK;
void replay_close(struct replay *s);

bool replay_has(
    const struct replay *s, const uint8_t digest[static REPLAY_DIGEST_LEN]);

/* Store n digests and have them on the disk.  ERR_IO. */
int replay_add(struct replay *s, uint8_t digests[][REPLAY_DIGEST_LEN], size_t n)
    MUST_CHECK;

#endif

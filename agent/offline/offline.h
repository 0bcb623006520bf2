/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_OFFLINE_H
#define SQS_ENTROPY_AGENT_OFFLINE_OFFLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/conf.h"
#include "agent/offline/last_seed.h"
#include "agent/offline/replay.h"
#include "agent/offline/sink.h"
#include "agent/offline/verify.h"
#include "base/err.h"

/*
 * The privileged half.  It takes deleted messages from the online half, judges
 * their credit and injects all of them at once.  It opens no network socket and
 * parses nothing but records of a fixed layout.
 */

/* Bytes that set machines apart: three files and what EC2 calls the instance,
 * each of 256 bytes at most. */
#define OFFLINE_IDENTITY_MAX 1024

/* Of the time that is left a run waits this part, a quarter, for the lock of
 * the file of used payloads, which another run or anybody else may hold. */
#define OFFLINE_LOCK_SHARE   4

/* What this half holds; all of it is open before the half is confined. */
struct agent_offline {
	const struct conf *conf;
	struct sink sink;
	struct verify verify;
	struct replay replay;
	bool remembers;             /* replay is open */
	int status_fd;              /* -1: no status file */
	int last_seed_fd;           /* -1: no file of it */
	struct last_seed last_seed; /* what earlier runs did */
	int64_t began;              /* CLOCK_BOOTTIME ms */
	int64_t deadline;           /* CLOCK_MONOTONIC ms */
	struct buf *identity;       /* sets this machine apart */
	/* Set by agent_offline_run(): */
	bool told;        /* the status of this run is written */
	bool cut_short;   /* the online half ended without a RECORD_END */
	unsigned used;    /* messages delivered */
	size_t fell_back; /* bytes that were mixed in place of a message */
	unsigned credit;  /* bits given */
};

/* Open what a run cannot do without: the keys and where the bytes go.
 * deadline is CLOCK_MONOTONIC ms.  ERR_PERM, ERR_IO, ERR_CONFIG, ERR_NOMEM; the
 * caller has to call agent_offline_close() even after a failure. */
int agent_offline_open(struct agent_offline *o, const struct conf *conf,
    int64_t deadline, struct err *err) MUST_CHECK;

/* Open the files of this half alone, and read what they hold.  This comes after
 * the fork and before the half is confined: it may wait for a disk or for
 * another run, and the online half goes on meanwhile.  When the file of used
 * payloads cannot be opened, or stays locked for OFFLINE_LOCK_SHARE of the time
 * to the deadline, that is only logged, and nothing earns credit. */
void agent_offline_recall(struct agent_offline *o);

/* True if --unless-seeded leaves nothing to do, which is logged. */
bool agent_offline_is_done(
    const struct conf *conf, const struct last_seed *last);

void agent_offline_close(struct agent_offline *o);

/*
 * Tell the online half that it may receive, once the kernel has said that this
 * process can inject.  Take records from fd until the online half has ended or
 * the deadline (CLOCK_MONOTONIC ms) has passed, then deliver the messages.  0
 * when at least one message was used and, with --strict, credit was given.
 * Otherwise ERR_EMPTY, ERR_UNUSABLE, ERR_TIMEOUT, ERR_INTERNAL (the online half
 * ended early), ERR_NOMEM, an error of sink_put(), or the error of the online
 * half, which has logged it.
 */
int agent_offline_run(struct agent_offline *o, int fd, int64_t deadline,
    struct err *err) MUST_CHECK;

#endif

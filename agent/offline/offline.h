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
 * The privileged half: takes deleted messages from the online half, judges
 * their credit and injects all of them at once.  It opens no network socket
 * and parses nothing but records of a fixed layout.
 */

/* Bytes that set machines apart: three files and what EC2 calls the instance,
 * each of 256 bytes at most. */
#define OFFLINE_IDENTITY_MAX 1024

/* What it holds; opened before it is confined. */
struct agent_offline {
	const struct conf *conf;
	struct sink sink;
	struct verify verify;
	struct replay replay;
	bool remembers;             /* replay is open */
	int status_fd;              /* -1: no status file */
	int last_seed_fd;           /* -1: no file of it */
	struct last_seed last_seed; /* what earlier runs did */
	int64_t deadline;           /* CLOCK_MONOTONIC ms */
	struct buf *identity;       /* sets this machine apart */
	/* Of agent_offline_run(): */
	bool told;       /* the status of this run is written */
	bool cut_short;  /* the online half ended before it said so */
	unsigned used;   /* messages delivered */
	unsigned credit; /* bits given */
};

/* ERR_PERM, ERR_IO, ERR_CONFIG, ERR_NOMEM; agent_offline_close() is due even
 * then. That the state file cannot be had is only logged: nothing earns credit
 * then. */
int agent_offline_open(struct agent_offline *o, const struct conf *conf,
    int64_t deadline, struct err *err) MUST_CHECK;
void agent_offline_close(struct agent_offline *o);

/*
 * Serve fd until the online half has ended or the deadline (CLOCK_MONOTONIC
 * ms) has passed, then deliver what came.  0 when at least one message was
 * used; ERR_EMPTY, ERR_UNUSABLE, the online half's own code, ERR_TIMEOUT or
 * sink_put()'s errors otherwise, which are told already where the online half
 * has logged them.
 */
int agent_offline_run(struct agent_offline *o, int fd, int64_t deadline,
    struct err *err) MUST_CHECK;

#endif

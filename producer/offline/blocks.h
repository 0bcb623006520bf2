/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_BLOCKS_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/trouble.h"
#include "producer/offline/health.h"
#include "producer/offline/source.h"

/*
 * Blocks of bytes from one or more sources, each tested apart (health.h), then
 * combined so that a block is at least as strong as the strongest source's
 * share of it.
 *
 * A source that fails is left out, and the others go on without it.  It is
 * tried again beside them, and counts again when it has passed a start-up test;
 * one that has failed its tests HEALTH_FAILURES times in a row stays left out.
 * Each change is logged once.
 */
#define BLOCKS_SOURCES_MAX 8

/* A source whose blocks passed for so long after a failure is said to. */
#define BLOCKS_CALM_MS     3600000

/* One that is left out is tried again after so long; if a try holds the others
 * up, as when its driver sleeps in read(2), after so much longer. */
#define BLOCKS_RETRY_MS    1000
#define BLOCKS_SLOW_MS     60000

/* What became of one source's bytes since the start. */
struct blocks_seen {
	uint64_t bytes;     /* read, those of tests included */
	int64_t busy;       /* ms that reading them took */
	uint64_t discarded; /* blocks that failed a test */
	struct trouble failing;
	int64_t failed_at; /* CLOCK_MONOTONIC ms of the last one */
	bool out;          /* the others go on without it */
	struct trouble missing;
	int64_t retry_at; /* CLOCK_MONOTONIC ms */
};

struct blocks {
	size_t n;
	struct source sources[BLOCKS_SOURCES_MAX];
	struct blocks_seen seen[BLOCKS_SOURCES_MAX];
	/* Wiped when closed: the tests remember the latest bytes. */
	struct buf *space[BLOCKS_SOURCES_MAX];
	struct health *health[BLOCKS_SOURCES_MAX];
	char *paths; /* what the sources' names lie in */
};

/* Open the devices of a list "FILE[,FILE]...", for blocks of len bytes with
 * that min-entropy (health.h).  The same device twice is ERR_CONFIG, because
 * equal bytes would cancel.  Otherwise source_open()'s errors, unless another
 * one could be opened, or the error is ERR_CONFIG; ERR_NOMEM. */
int blocks_open(struct blocks *b, const char *devices, double bits_per_byte,
    size_t len, struct err *err) MUST_CHECK;

/* For --check: ERR_CONFIG as blocks_open() has it, opening nothing.  A device
 * that is not there is no error.  ERR_NOMEM. */
int blocks_check(const char *devices, struct err *err) MUST_CHECK;

/* Have the sources pass their start-up test now, which the first block would
 * ask for otherwise.  Errors as those of blocks_make(). */
int blocks_start(struct blocks *b, const struct pace *pace, struct err *err)
    MUST_CHECK;

/*
 * Make len bytes, as blocks_open() had them.  A block that fails its tests is
 * discarded and made anew, which is logged once for each test that it fails,
 * and when none has failed for BLOCKS_CALM_MS.  When no source has given a
 * block: the error of one that failed, ERR_SOURCE (too often in a row, so that
 * nothing of it may be used) or source_read()'s; out is wiped then.
 */
int blocks_make(struct blocks *b, const struct pace *pace, uint8_t *out,
    size_t len, struct err *err) MUST_CHECK;

/*
 * The XOR of n >= 1 blocks of len bytes each; out may be one of them.  Pure.
 * XOR is at least as hard to guess as the hardest of the blocks while they are
 * independent.  So the sources must be distinct devices: one device named
 * twice, or one whose bytes another repeats, cancels to zeros, which no test of
 * either source can see.  blocks_open() compares the devices for that.
 */
void blocks_combine(
    uint8_t *out, const uint8_t *const in[], size_t n, size_t len);

/* ERR_CONFIG if that source is, under another name, the same as another open
 * one: at the start, or after a change. */
int blocks_refuse_same(const struct blocks *b, size_t which, struct err *err)
    MUST_CHECK;

/* 0, or the error to end with, as no source can give a block to this process
 * any more.  ERR_SOURCE: one has failed its tests too often.  ERR_ABSENT: each
 * is lost (source.h), or, to a service, could not be opened again.  A unit has
 * a /dev of its own and a list of devices by their numbers, both from its
 * start: what is plugged in again, as another minor, is seen only by a new one.
 */
int blocks_end(const struct blocks *b, bool service);

void blocks_close(struct blocks *b);

#endif

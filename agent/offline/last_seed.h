/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_LAST_SEED_H
#define SQS_ENTROPY_AGENT_OFFLINE_LAST_SEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "json/writer.h"

/*
 * When runs of this boot injected into the kernel, as a file of fixed layout
 * keeps it from one run to the next; for --unless-seeded.  Times are
 * CLOCK_BOOTTIME ms, 0: not yet.
 */
#define LAST_SEED_NAME     "last-seed" /* beside the status file */
#define LAST_SEED_BOOT_MAX 40          /* a boot id and NUL */

struct last_seed {
	char boot[LAST_SEED_BOOT_MAX]; /* this boot's id; "": not told */
	int64_t injected; /* the last run that did, and ended well */
	int64_t credited; /* the last of these that gave credit */
	int64_t failed;   /* the last run, if the network failed it */
	int64_t waited;   /* ms that it took, and those before it */
};

/* What the file says.  Nothing, when it is not there, is malformed, of another
 * boot or from the future, or when another user than root and this one could
 * have written it. */
void last_seed_read(struct last_seed *s);

/* A run ended well just now; no failure is left to be told. */
void last_seed_note(struct last_seed *s, int64_t now, bool credit);

/* ms since then; -1: not in this boot. */
int64_t last_seed_age(const struct last_seed *s, bool credit, int64_t now);

/* The last run found no network, metadata service or SQS, after waited ms of
 * its time-out. */
void last_seed_note_failure(struct last_seed *s, int64_t now, int64_t waited);

/* ms that a run has less to wait, because one that failed less than
 * LAST_SEED_AGAIN_MS ago has waited already: a boot waits for one time-out, not
 * for one in each place that runs the agent. */
#define LAST_SEED_AGAIN_MS 60000
int64_t last_seed_waited(const struct last_seed *s, int64_t now);

/* Replace the content in one write, because a confined process can make no
 * file.  ERR_IO. */
int last_seed_write(const struct last_seed *s, int fd) MUST_CHECK;

/* The same as members of the open object, for the status file. */
void last_seed_put(const struct last_seed *s, struct json_writer *w);

#endif

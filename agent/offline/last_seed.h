/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_LAST_SEED_H
#define SQS_ENTROPY_AGENT_OFFLINE_LAST_SEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "json/writer.h"

/*
 * When runs of this boot injected into the kernel, as a file of fixed layout
 * keeps it from one run to the next; for --unless-seeded.  Times are
 * CLOCK_BOOTTIME ms, 0: not yet.
 */
#define LAST_SEED_NAME "last-seed" /* beside the status file */

struct last_seed {
	char boot[CLOCK_BOOT_MAX]; /* this boot's id; "": not told */
	int64_t injected;          /* when the last successful run injected */
	int64_t credited;          /* when the last such run with credit did */
	int64_t failed; /* when the last run ended without a network, or
			   found the queue empty */
	int64_t waited; /* ms that the failed runs have waited */
	int64_t forked; /* when a run with --forked began last */
};

/* Read the file.  All times are 0 when the file is not there, is malformed, of
 * another boot, or could have been written by a user other than root and this
 * one; so is a time in the future. */
void last_seed_read(struct last_seed *s);

/* The same of the open file, for a process that can open none any more, because
 * other runs may have noted something since.  Where last_seed_read() would give
 * nothing, what s has stays. */
void last_seed_read_again(struct last_seed *s, int fd);

/* Note in the file that a run with --forked begins now, and nothing of what was
 * before: a clone has what it knows of its template from there.  What the file
 * holds is not believed anyway where another user could have written it.
 * ERR_IO. */
int last_seed_forget(void) MUST_CHECK;

/* Note that a run has injected at now.  An earlier failure is forgotten. */
void last_seed_note(struct last_seed *s, int64_t now, bool credit);

/* ms since the last run, or the last one with credit; -1: none in this boot.
 */
int64_t last_seed_age(const struct last_seed *s, bool credit, int64_t now);

/* Note that a run ended at now, after runs have waited ms in all, because it
 * reached no network, metadata service or SQS, or because no message came. */
void last_seed_note_failure(struct last_seed *s, int64_t now, int64_t waited);

/* ms that a run has less to wait because failed runs, the last of them less
 * than LAST_SEED_AGAIN_MS ago, have waited already: a boot waits for one
 * time-out, not for one in each place that runs the agent. */
#define LAST_SEED_AGAIN_MS 60000
int64_t last_seed_waited(const struct last_seed *s, int64_t now);

/* Replace the content in one write, because a confined process can make no
 * file.  It is shorter than a sector, so that no cut tears it.  ERR_IO. */
int last_seed_write(const struct last_seed *s, int fd) MUST_CHECK;

/* The same as members of the open object, for the status file. */
void last_seed_put(const struct last_seed *s, struct json_writer *w);

#endif

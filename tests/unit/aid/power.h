/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POWER_AID_H
#define POWER_AID_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A process that ends, or a power cut, at each of the calls with which a state
 * file is written: pwrite(2), fdatasync(2), fsync(2), renameat(2).
 */

struct power {
	const char *path;          /* of the file */
	bool makes;                /* a new file, which is renamed to path */
	void (*work)(void *state); /* in a child: what writes the file */
	/* In this process, with path as a run after the cut may find it; done:
	 * the work had come to its end. */
	void (*check)(void *state, bool done);
	void *state;
};

/*
 * Do the work again and again, cut at its first call, its second, and so on
 * until it is done; the call that is a write is cut after each of several
 * numbers of bytes.  Before each time the file is as it was.  Then check what a
 * kill leaves: the file as it is; and what a power cut may leave: of what was
 * not synced any beginning, any end, any sector alone, or nothing.  Fails when
 * a file is renamed before it is synced, or the work is done before its
 * directory is.  Returns the number of images that were checked.
 */
unsigned power_cut_everywhere(const struct power *p);

/* The next sync fails, and nothing that it was for is on the disk. */
void power_fail_sync(bool once);

#endif

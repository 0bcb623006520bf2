/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_YEARS_DISK_H
#define SQS_ENTROPY_TESTS_YEARS_DISK_H

#include <stdbool.h>
#include <stdint.h>

/* What is written to state files, counted; a disk that fails, and power that is
 * cut at any of the calls of power.h. */
enum disk_place {
	DISK_STATE, /* the card */
	DISK_RUN,   /* a file system in memory */
	DISK_PLACES
};

struct disk {
	int fails; /* errno of each write to the card; 0: none */
	bool off;  /* the power is cut: nothing is written any more */
	uint64_t writes[DISK_PLACES], bytes[DISK_PLACES], syncs;
};
extern struct disk disk;

/* The power is cut at the n-th call from now (1 is the first) that changes the
 * files NAME and NAME.new in state/. */
void disk_cut_at(const char *name, unsigned n);

/* Leave of them what may be there when the power is back; and no cut is to come
 * any more. */
void disk_power_on(void);

#endif

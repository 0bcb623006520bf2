/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_VIRTUAL_H
#define SQS_ENTROPY_AID_VIRTUAL_H

#include <limits.h>
#include <stdint.h>

#include "aid/loopback.h"

/*
 * Virtual time: between virtual_begin() and virtual_end() the monotonic clock
 * of our own code stands still, and moves by each wait for the network that
 * nothing ended before its time.  Such a wait takes no time, so a time-out of
 * an hour is tested at once, to the millisecond, and on a busy machine.
 * libcurl's own clock goes on, and its own time-outs are never reached.
 *
 * Time stands still altogether until l, if not NULL, has seen so many
 * requests: what happens before it falls silent takes no time.
 */
void virtual_begin(struct loopback *l, int requests);
#define VIRTUAL_STILL INT_MAX /* requests: no wait moves the clock */
void virtual_end(void);

/* Until virtual_end() each wait that something did end takes so long: what
 * comes in pieces comes slowly. */
void virtual_pace(int64_t ms);

/* A sleep of struct clock: so much time passes, and the caller goes on. */
int virtual_sleep(void *ctx, int64_t ms);

/* The real clock, for what has to know it all the same. */
int64_t virtual_real_ms(void);

/* How much later than wanted a real wait may end on a busy machine.  A test
 * that allows it says what a defect would take, which is more. */
#define VIRTUAL_LATE_MS 20000

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFINE_COMMAND_H
#define SQS_ENTROPY_CONFINE_COMMAND_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Running one command to its end, for the process of runner.h. */
#define COMMAND_OUTPUT_MAX ((size_t)65536) /* bytes of standard output */
#define COMMAND_SAID_MAX   256             /* bytes of an error, with NUL */

enum command_end {
	COMMAND_EXITED,   /* value: the status; 127 also when not started */
	COMMAND_SIGNALED, /* value: the signal that ended it */
	COMMAND_LATE,     /* the deadline came first */
	COMMAND_TOO_LONG, /* it wrote more than COMMAND_OUTPUT_MAX */
	COMMAND_STOPPED,  /* stop_fd's other end is closed */
	COMMAND_BROKEN    /* a system call failed, value: errno */
};

struct command_result {
	int32_t end, value;
	char said[COMMAND_SAID_MAX]; /* last line on standard error, cut */
};

/* For the process that calls command_run(), once: whoever a command leaves
 * behind becomes its child, and the signals of a terminal are not for it.  It
 * must have no other children.  ERR_IO. */
int command_prepare(void) MUST_CHECK;

/*
 * Run words without a shell, in a session of its own, with the environment and
 * its PATH, and wait until it has ended, the deadline (CLOCK_MONOTONIC ms) or
 * the end of stop_fd's peer.  Then all that it has started and left is killed.
 * out (ceiling COMMAND_OUTPUT_MAX) gets its standard output.
 */
void command_run(char *const *words, char *const *environment, int64_t deadline,
    int stop_fd, struct buf *out, struct command_result *result);

#endif

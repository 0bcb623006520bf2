/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_TORTURE_BOARD_H
#define SQS_ENTROPY_TESTS_TORTURE_BOARD_H

#include <stdint.h>

/*
 * What the driver and the processes of a program tell each other: a file that
 * all of them have mapped, so that no system call is added to a run.
 * world.py reads and writes the same members.
 */

enum {
	HALVES = 4,
	EVENTS = 512,
	DEPTH = 12,
	FRAME = 80,
	LEAKS = 32,
	POINTS = 1 << 18,
	INJECTED = 1 << 16
};

/* What fails, or is recorded. */
enum { NOTHING, ALLOCATION, SHORT, RECORD };

/* The first half is the process that was started; each other one is a child of
 * the one before: the online half, the runner, its command. */
struct board {
	/* by the driver */
	uint32_t what, half, ordinal;
	uint32_t number, times; /* a call that a child makes so often before */
	/* by the processes */
	uint32_t pid[HALVES];
	uint32_t counted[HALVES][RECORD];
	uint32_t struck;
	char frame[DEPTH][FRAME]; /* of what was struck */
	uint32_t leaks[HALVES];
	uint64_t leaked[HALVES][LEAKS]; /* who allocated it */
	uint32_t injected;
	uint32_t events;
	struct board_event {
		uint32_t half, kind;
		int64_t ns, value, result;
	} event[EVENTS];
	uint8_t bytes[INJECTED]; /* of the last RNDADDENTROPY with credit */
	uint32_t points;
	struct board_point {
		uint32_t half, what;
		uint64_t site;
	} point[POINTS];
};

/* Kinds of events; a result of INT64_MIN: it did not return. */
enum { CREDIT = 1, WRITTEN, SYNCED, LANDLOCKED, KILLED, ENDED };

#endif

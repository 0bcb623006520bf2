/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_CLOCK_H
#define SQS_ENTROPY_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "base/err.h"

/*
 * Time, sleep and chance as a value that is passed in, so that tests can
 * simulate them.  All in milliseconds.
 */
struct clock {
	int64_t (*mono)(void *ctx); /* CLOCK_MONOTONIC */
	int64_t (*wall)(void *ctx); /* since 1970-01-01T00:00:00Z */
	/* 0; ERR_CANCELED when told to stop before or meanwhile; ERR_IO */
	int (*sleep)(void *ctx, int64_t ms);
	/* [0,1), for jitter only: never blocks, not for secrets */
	double (*chance)(void *ctx);
	void *ctx;
};

/* The system's clock id (clock_gettime(2)) in ms; 0 when it cannot be read. */
int64_t clock_read(clockid_t id);

/* This boot's id (random(4)); "" when it cannot be read. */
#define CLOCK_BOOT_MAX 40 /* bytes, with the NUL */
void clock_boot(char boot[static CLOCK_BOOT_MAX]);

/* The real ones.  sleep ends early when *cancel_fd (kept by reference, NULL
 * or -1 for none) is readable. */
struct clock clock_system(const int *cancel_fd);

int64_t clock_mono(const struct clock *c);
int64_t clock_wall(const struct clock *c);
int clock_sleep(const struct clock *c, int64_t ms) MUST_CHECK;
double clock_chance(const struct clock *c);

#endif

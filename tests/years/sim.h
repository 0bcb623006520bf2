/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_TESTS_YEARS_SIM_H
#define SQS_ENTROPY_TESTS_YEARS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/fleet/random.h"

/*
 * A program, whole as main() runs it, in virtual time and in this process: its
 * two halves take turns whenever one waits (poll(2)), and time passes when both
 * do.  What confines a half, and what would end this process, does nothing.
 * Times are ms.
 */
#define SIM_SECOND INT64_C(1000)
#define SIM_MINUTE (60 * SIM_SECOND)
#define SIM_HOUR   (60 * SIM_MINUTE)
#define SIM_DAY    (24 * SIM_HOUR)
#define SIM_NEVER  INT64_MAX

/* When the simulation begins, since 1970. */
#define SIM_EPOCH  INT64_C(1800000000000)

struct sim {
	int64_t now;    /* since the beginning; nothing stops or steps it */
	int64_t booted; /* when the machine did */
	int64_t asleep; /* for how long it was suspended since then */
	int64_t off;    /* its clock is ahead of the true time by this */
	int64_t event;  /* when the world has its next one */
	struct random chance;  /* of the world */
	struct random program; /* what getrandom(2) gives */
	const char *what;      /* "day" or "boot", for failures */
	int64_t where;
	uint64_t seed;
	char dir[64];  /* with state/ and run/ in it */
	char conf[80]; /* the configuration file in it */
};
extern struct sim sim;

/* Given by the program: what happens at sim.event, which it moves on, and what
 * is done with a line of the log, "<LEVEL>text". */
void world_event(void);
void world_said(const char *line);

/* Print what failed, the seed and the day or boot, and end. */
_Noreturn __attribute__((format(printf, 1, 2))) void sim_fail(
    const char *format, ...);

/* Set up, with a new directory; sim_end() removes it.  The process begins anew
 * with this argv where malloc(3) would keep what was freed. */
void sim_begin(char *argv[], const char *what, uint64_t seed);
void sim_end(void);

/* Run main() with these arguments, NULL-terminated; its exit code. */
int sim_run(int (*main_of)(int argc, char *argv[]), const char *const argv[]);

/* SIGTERM and SIGHUP for the program that runs. */
void sim_stop(void);
void sim_look(void);

/* All of the machine sleeps for so long. */
void sim_suspend(int64_t ms);

/* The true time since 1970. */
int64_t sim_wall(void);

/* True with this chance, in [0,1]. */
bool sim_draws(double chance);

/* Bytes that are allocated; open descriptors. */
size_t sim_memory(void);
size_t sim_descriptors(void);

/* How much is in use: the most in the beginning, in which everything happens
 * once, and the last.  sim_judge(): at the end it is not more. */
#define SIM_SLACK ((size_t)1024) /* bytes without a leak */
struct sim_use {
	size_t first, last;
};
void sim_note(struct sim_use *use, size_t now, bool begins);
void sim_judge(const struct sim_use *use, const char *what, size_t slack);

/* "DIR/NAME", until the next call but three. */
const char *sim_path(const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_SOURCE_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"

/*
 * A source of hardware random bytes: a character device such as /dev/hwrng, a
 * terminal (a USB generator's /dev/ttyACM0), which is set to raw mode, a FIFO,
 * or, for trials, a regular file (whose bytes come again at each start).
 */
struct source {
	int fd; /* O_NONBLOCK; -1: not open */
	const char *path;
	unsigned major; /* of a device's number */
	bool regular;
	bool fifo;
	bool tty;
	bool
	    awaited; /* a FIFO's writer is waited for; false: its end ends it */
	bool written; /* a FIFO has given bytes of its latest writer */
	bool alone;   /* and nobody has it open for writing */
	bool slept;   /* the last read did, until a signal came */
	bool failed;  /* the last read did, or it could not be opened */
	bool gone;    /* then it could not be opened again */
	bool lost;    /* only another process can open it */
};

/* How the reader waits for a source that has no bytes yet.  wait() returns 0
 * after ms or less, or ERR_CANCELED when nobody wants the bytes any more. */
struct pace {
	const struct clock *clock;
	int (*wait)(void *ctx, int64_t ms);
	void *ctx;
};

#define SOURCE_SILENCE_MS 30000  /* without a byte: given up */
#define SOURCE_READ_MS    500    /* that a driver may sleep in a read(2) */
#define SOURCE_TOTAL_MS   600000 /* for one message */

/*
 * Open path, kept by reference.  ERR_ABSENT: it is not there, has no hardware
 * behind it, or is a terminal that cannot be set to raw mode.  ERR_CONFIG: it
 * is of another kind, or is the kernel's own generator (char 1:8 or 1:9,
 * /dev/random and /dev/urandom, by whatever name), which would send back what
 * the kernel made.  ERR_PERM, ERR_IO.  After confine_calls() it opens what a
 * process without rights may.  The first call makes the timer of
 * source_hurry(), and comes before confine_calls().
 */
int source_open(struct source *s, const char *path, struct err *err) MUST_CHECK;

/* What that would say of path, as far as can be told without opening it, which
 * would change the mode of a terminal; and what stat(2) says of it. */
int source_look(const char *path, struct stat *st, struct err *err) MUST_CHECK;

/* Exactly len bytes that are to come from one source. */
struct gathering {
	uint8_t *data;
	size_t len, have;
	int64_t begun, last; /* the latest byte; CLOCK_MONOTONIC ms */
	bool again;          /* path was opened again for them */
	bool anew;           /* those before came from another writer */
};

/*
 * From on to off, and for a moment longer, every SOURCE_READ_MS, a signal
 * (SIGALRM) ends a read(2) that sleeps in a driver which does not heed
 * O_NONBLOCK, as "not yet", and other calls by EINTR.  No signal but SIGKILL
 * ends one that sleeps without heeding signals; none at all one in disk sleep
 * (state D).
 */
void source_hurry(bool on);

/* Begin with none; time is counted from now. */
void source_begin(
    struct gathering *g, const struct clock *clock, uint8_t *data, size_t len);

/*
 * Look once whether the source has bytes, asking for no more than are missing.
 * *got came, 0 is "not yet"; all are there when g->have is g->len.  ERR_TIMEOUT
 * after SOURCE_SILENCE_MS without a byte or SOURCE_TOTAL_MS in all, ERR_EOF,
 * ERR_IO; data is wiped then.  After a failure the next bytes are read from the
 * same descriptor; when that fails again, by ERR_IO or ERR_EOF, it opens path
 * again, with source_open()'s errors as long as it is not back, but not the
 * same regular file.  A device whose path is not there is closed, which gives
 * its driver the number back.  Lost (ERR_ABSENT) is what may not be opened by
 * this process any more.
 *
 * An awaited FIFO that nobody writes to has no bytes yet, and ends when its
 * path leads elsewhere.  After a writer g->anew says that data is wiped, and
 * that what comes next is another writer's.
 */
int source_go_on(struct source *s, struct gathering *g,
    const struct clock *clock, size_t *got, struct err *err) MUST_CHECK;

/* Wait between two looks at one or more sources, if none of them had bytes; a
 * stop is seen even if not.  ERR_CANCELED. */
int source_pause(const struct pace *pace, bool came, struct err *err)
    MUST_CHECK;

/* Gather exactly len bytes from one source.  Errors of source_go_on() and
 * ERR_CANCELED; data is wiped then. */
int source_read(struct source *s, const struct pace *pace, uint8_t *data,
    size_t len, struct err *err) MUST_CHECK;

void source_close(struct source *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFINE_RUNNER_H
#define SQS_ENTROPY_CONFINE_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/words.h"

/*
 * A third process, which the online half forks before it is confined, because
 * it may not start a program afterwards.  It runs one command, that of its
 * start, when asked, and nothing else: it takes no word of a command from
 * anybody.  It has the online half's user, no capability and no-new-privs; the
 * command has that, too.  It ends when the online half has ended, and has
 * killed the command and all that it has started by then.
 */
struct runner {
	int fd; /* -1: there is none */
	int cancel_fd;
	uint32_t asked;
};

struct runner_plan {
	const char *user; /* what root becomes */
	/* The command, or NULL for none.  Called as that user where files are
	 * concerned. */
	const struct words *(*find)(void *ctx);
	/* In the runner, first: let go of what only the online half holds. */
	void (*leave)(void *ctx);
	void *ctx;
	int cancel_fd; /* ends waiting, -1 for none */
	int input_fd;  /* the command's standard input; 0: /dev/null */
};

/* Bytes that the command and its children may write to, RLIMIT_DATA each: what
 * is written in Go or Python takes some 100 MiB. */
#define RUNNER_MEMORY ((size_t)1 << 30)
#define RUNNER_FILES  1024

/* Start it if there is a command; otherwise r->fd is -1.  For a process without
 * other children: from now on the kernel reaps them.  What the runner cannot
 * give up ends it, which the first runner_ask() tells.  ERR_IO, ERR_PERM. */
int runner_start(struct runner *r, const struct runner_plan *plan,
    struct err *err) MUST_CHECK;

/*
 * Run the command, and put into out what it wrote to standard output, when it
 * ended with status 0 before the deadline (CLOCK_MONOTONIC ms).  The error's
 * text goes on behind the command's name, and has the last line that it wrote
 * to standard error.  ERR_IO: another status, a signal, it could not be run;
 * ERR_LIMIT: more output than COMMAND_OUTPUT_MAX or out's ceiling; ERR_TIMEOUT,
 * ERR_CANCELED, ERR_NOMEM; ERR_EOF: there is no runner any more.
 */
int runner_ask(void *runner, struct buf *out, int64_t deadline, struct err *err)
    MUST_CHECK;

/*
 * The environment of the command: PATH, LANG, LANGUAGE, LC_*, TZ, the variables
 * of proxies and of the trust in certificates, AWS_* without credentials; HOME,
 * USER and LOGNAME of the user that this process has.  HOME stays what it is
 * for a user who has not changed.  NULL-terminated; NULL when memory is short.
 */
char **runner_environment(bool changed);

#endif

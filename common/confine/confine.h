/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFINE_CONFINE_H
#define SQS_ENTROPY_CONFINE_CONFINE_H

#include <stdbool.h>

#include "base/err.h"

/*
 * What a process gives up before it handles what comes from outside.  Each
 * step verifies that what was given up cannot be had back; after a failure
 * the process is partly confined and has to end.
 */

/* First of all, before a secret is loaded: no core files (RLIMIT_CORE), no
 * ptrace(2) by the same user and no /proc/PID/mem (PR_SET_DUMPABLE).  Children
 * inherit both without execve(2).  ERR_IO. */
int confine_no_core(void) MUST_CHECK;

/* Each has a list of system calls; see confine_calls(). */
enum confine_role {
	CONFINE_ONLINE,          /* sockets, name look-ups, TLS, threads */
	CONFINE_AGENT_OFFLINE,   /* records, RND ioctls, state files, wait */
	CONFINE_PRODUCER_OFFLINE /* records, reading a device, state, wait */
};

#define CONFINE_FILES 64 /* open files of a half */

struct confine_half {
	enum confine_role role;
	const char *user; /* what root becomes; NULL: root stays root,
			     without its capabilities but cap */
	int cap;          /* CAP_*, -1 for none */
	const char *const *readable; /* beneath these, NULL-terminated */
	long lifetime_ms;            /* it is killed then; 0: it is not */
	/* told back: */
	bool nobody;   /* there is no such user */
	bool landlock; /* this kernel has it */
	bool seccomp;  /* this kernel has filters; all else is done without */
};

/* What to tell the user where that is so. */
#define CONFINE_NO_SECCOMP                                                     \
	"this kernel has no seccomp filters: the system calls of both halves " \
	"are not restricted"

/* All steps for one half, after split_fork() and before its first thread, once
 * all that it writes to is open and split_stop_fd() is done.  steps.h tells
 * what each does.  ERR_PERM, ERR_IO, ERR_NOMEM. */
int confine_half(struct confine_half *half, struct err *err) MUST_CHECK;

#endif

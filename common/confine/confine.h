/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFINE_CONFINE_H
#define SQS_ENTROPY_CONFINE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

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

#define CONFINE_FILES  64                  /* open files of a half */
#define CONFINE_MEMORY ((size_t)128 << 20) /* bytes; a half takes a few MiB */

struct confine_half {
	enum confine_role role;
	const char *user; /* what root becomes; NULL: root stays root */
	bool stays_root;  /* ... also where there is no such user; otherwise
			     the half becomes "nobody" (65534) there */
	int cap;          /* CAP_*, -1 for none; all others go */
	const char *const *readable; /* beneath these, NULL-terminated */
	bool terminals;              /* those may be set to raw mode, too */
	long lifetime_ms;            /* it is killed then; 0: it is not */
};

/* All steps for one half, after split_fork() and before its first thread, once
 * all that it writes to is open and split_stop_fd() is done.  steps.h tells
 * what each does.  A kernel without Landlock or seccomp is no error, see
 * confine_find_lacks().  ERR_PERM, ERR_IO, ERR_NOMEM; ERR_INTERNAL: half asks
 * for what there is not, or the timer does not run. */
int confine_half(const struct confine_half *half, struct err *err) MUST_CHECK;

/*
 * For what belongs to a half and is opened before the half is confined.
 * confine_as(): act as that user where files are concerned, until
 * confine_as_root().  Nothing happens where this process is not root's, or
 * there is no such user.  confine_give(): make the user the owner of a file or
 * directory that root has just made.  ERR_PERM; ERR_IO: the user cannot be
 * looked up.
 */
int confine_as(const char *user, struct err *err) MUST_CHECK;
int confine_as_root(struct err *err) MUST_CHECK;
int confine_give(const char *path, const char *user, struct err *err)
    MUST_CHECK;

/* SIGKILL in ms from now, whatever the process does: confine_calls() leaves it
 * no call to stop the timer.  ERR_IO; ERR_INTERNAL: ms is not above 0, or the
 * timer does not run. */
int confine_lifetime(long ms, struct err *err) MUST_CHECK;

/* What of the confinement is not to be had here: by a kernel that was built
 * without Landlock or seccomp filters, or because a user is missing.  text is
 * to be logged once, as warnings; one_user: this process is not root's, so that
 * both halves run as the user that it has, which is to be logged once, too. */
#define CONFINE_LACKS_MAX 4
#define CONFINE_ONE_USER                                                       \
	"not started as root: both halves run as this user, who owns what "    \
	"both hold"
struct confine_lacks {
	bool one_user;
	size_t n, users; /* texts, of which the first so many are about users */
	char text[CONFINE_LACKS_MAX][192];
};
void confine_find_lacks(
    const char *offline_user, const char *online_user, struct confine_lacks *l);

#endif

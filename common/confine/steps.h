/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFINE_STEPS_H
#define SQS_ENTROPY_CONFINE_STEPS_H

/* The steps of confine_half(), for its files and their tests; confine.c has
 * the order. */

#include <stdbool.h>
#include <sys/resource.h>

#include "base/err.h"
#include "confine/confine.h"

/* True if this process is root, or can become root again. */
bool confine_may_be_root(void);
/* False only if there certainly is no such user. */
bool confine_user_exists(const char *user);

/* When root: become half->user (its groups given up too), or what half says
 * where there is no such user.  The bounding set goes too, being out of reach
 * afterwards; capabilities go unless half keeps one, for
 * confine_capabilities() to drop the others.  *changed: the user did change.
 * ERR_PERM, also where the user namespace has no such id
 * (user_namespaces(7)); ERR_IO: the user cannot be looked up. */
int confine_become(
    const struct confine_half *half, bool *changed, struct err *err) MUST_CHECK;

/* After a change of the user: have the kernel end this process, too, when the
 * tie of split.h is closed.  It looks at who asked for that.  True also where
 * there is no tie. */
bool confine_own_tie(void);

/* For after the capabilities are dropped: all ids of this process are one user
 * and one group, neither of them root's, it has no other groups, and it cannot
 * have root's ids back. */
bool confine_root_is_gone(void);

/* Keep the capability cap (CAP_*, or -1 for none) as permitted and effective;
 * drop all others from every set, ambient and bounding set included, and set
 * no-new-privs.  Without CAP_SETPCAP the bounding set stays, which means
 * nothing under no-new-privs.  ERR_PERM. */
int confine_capabilities(int cap, struct err *err) MUST_CHECK;

/* Drop from the bounding set all but keep, a CAP_* or -1; false when one of
 * them stays that could be had back. */
bool confine_drop_bounding_set(int keep);

/* Ceilings of open files and of memory (bytes that only this process writes,
 * RLIMIT_DATA), never above those in force; none of memory in a build with
 * sanitizers, and perhaps none in an emulator of processes.  Neither half can
 * open a file for writing; what it was given to write to may be a log of any
 * size, so that file sizes have no ceiling here.  Processes are
 * confine_calls()'s part: RLIMIT_NPROC counts threads, which name look-ups
 * need, and all that the user runs.  ERR_IO. */
int confine_limits(rlim_t files, rlim_t memory, struct err *err) MUST_CHECK;

/* Landlock (landlock(7)) where the kernel has it: only reading, and only
 * beneath these paths (NULL-terminated; symbolic links are followed, those
 * that are not there are skipped; a file that is replaced later must be
 * beneath a directory named here); no writing anywhere, but to what is open.
 * terminals: devices that are opened there may be asked and set by ioctl(2), as
 * far as confine_calls() leaves it.  ERR_PERM when a kernel that has it
 * refuses.
 */
int confine_files(const char *const *readable, bool terminals, struct err *err)
    MUST_CHECK;
bool confine_has_files(void);

/* A seccomp filter (libseccomp): what is not on the list of the role fails
 * with EPERM.  Everything is inherited by threads.  No role can open a file
 * for writing, start a process or a program, or send a signal.  ERR_PERM,
 * ERR_NOMEM. */
int confine_calls(enum confine_role role, struct err *err) MUST_CHECK;
bool confine_has_calls(void);

#endif

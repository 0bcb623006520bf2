/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFINE_H
#define SQS_ENTROPY_CONFINE_H

/* What a process gives up before it handles secrets. */

/* No core files (RLIMIT_CORE), no ptrace(2) by the same user and no
 * /proc/PID/mem (PR_SET_DUMPABLE).  Children inherit the first and, without
 * execve(2), the second.  ERR_IO, errno kept. */
int confine_no_core(void) __attribute__((warn_unused_result));

#endif

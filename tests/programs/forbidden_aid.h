/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_FORBIDDEN_AID_H
#define SQS_ENTROPY_FORBIDDEN_AID_H

/* What no half may do, tried: a line "NAME ERROR" for each on standard output,
 * "NAME done" for what was not refused.  landlock-NAME is refused by kernels
 * that have Landlock.  With REACH in the environment the process only tries
 * what that names, lines "NAME PATH" of files to be read, then a socket and the
 * kernel's pool, and ends. */
void forbidden_try(void);

/* Before the half is confined: for REACH. */
void forbidden_open_pool(void);

/* What only the online half may do (offline), and what only the agent's
 * offline half may (others). */
void forbidden_try_network(void);
void forbidden_try_entropy(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AID_CONFINE_H
#define SQS_ENTROPY_AID_CONFINE_H

#include <errno.h>
#include <stdbool.h>

/* What is given up cannot be had back, so it is given up by children, which
 * end with _exit(2): a sanitizer's own end needs more than is left. */

/* assert_true() of a child: where it fails is told, and the child ends. */
#define CHECK(condition)                                                       \
	confine_aid_check((condition), __FILE__, __LINE__, #condition)
void confine_aid_check(bool good, const char *file, int line, const char *what);

/* Refused by a filter of system calls. */
#define REFUSED(call) ((call) == -1 && errno == EPERM)

/* In a child after confine_calls(): what is refused to all roles alike, and
 * what is allowed. */
void confine_aid_any_role(void);

/* A file can be opened for reading, and read; or no file can be opened. */
void confine_aid_reads_files(bool allowed);

/* Run body in a child; its wait status. */
int confine_aid_wait_status(void (*body)(void));

/* The same, failing the test unless the child passed all its checks. */
void confine_aid_run(void (*body)(void));

/* The lines of /proc/self/status that begin with name and a colon: what
 * follows without white space at both ends.  Valid until the next call.  Who
 * cannot open files any more has called confine_aid_open_status() before. */
void confine_aid_open_status(void);
const char *confine_aid_status(const char *name);

/* Whether valgrind runs this program: it makes system calls of its own. */
bool confine_aid_valgrind(void);

/* skip() with a printed reason. */
#define SKIP_IF(condition, reason)                                             \
	do {                                                                   \
		if (condition) {                                               \
			print_message("skipped: %s\n", (reason));              \
			skip();                                                \
		}                                                              \
	} while (0)

#endif

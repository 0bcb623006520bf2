/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_DESCRIPTORS_H
#define SQS_ENTROPY_BASE_DESCRIPTORS_H

#include "base/err.h"

/*
 * The descriptors that a program was started with.  They are the caller's: a
 * file that the shell opened is none that a confined process may write to.
 */

/* First of all in main().  A standard descriptor that is closed is put on
 * /dev/null, so that no file which is opened later gets its number, and what
 * is written to standard output or error lands in that file.  Its use fails all
 * the same: 0 is open for writing only, 1 and 2 are for reading only. */
void descriptors_init(void);

/* Close what the program was started with, once all that the options name is
 * open (which may be /dev/fd/N), and put 0, 1 and 2 on /dev/null.  The log goes
 * on to where standard error was.  ERR_IO, errno kept. */
int descriptors_let_go(void) MUST_CHECK;

#endif

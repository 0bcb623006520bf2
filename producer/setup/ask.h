/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_SETUP_ASK_H
#define SQS_ENTROPY_PRODUCER_SETUP_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Questions of --setup.  On a terminal they are asked; anything else on
 * standard input has a line for each, in their order, such as a here-document.
 */
#define ASK_LINE_MAX 4096 /* bytes of an answer */

struct ask {
	bool yes; /* --yes: what is to be confirmed is confirmed */
};

/* Yes or no; no is the answer of an empty line.  ERR_USAGE: there is no
 * answer, or it is neither; ERR_CANCELED: Ctrl-C; ERR_IO, ERR_NOMEM. */
int ask_whether(const struct ask *ask, const char *question, bool *yes,
    struct err *err) MUST_CHECK;

/* A line, without the blanks around it; it may be empty.  A secret is not shown
 * on the terminal.  out has a ceiling of ASK_LINE_MAX.  ERR_USAGE: there is no
 * line, or one that is too long or not printable; errors as above. */
int ask_line(const char *question, bool secret, struct buf *out,
    struct err *err) MUST_CHECK;

/* The same, which stops with ERR_USAGE at an empty line. */
int ask_needed(const char *question, bool secret, struct buf *out,
    struct err *err) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_WORDS_H
#define SQS_ENTROPY_BASE_WORDS_H

#include "base/err.h"

/* A command line as the words of execve(2): no shell, nothing is expanded. */
#define WORDS_TEXT_MAX 8192 /* bytes of the line, with its NUL */
#define WORDS_MAX      256

struct words {
	int n;
	char *at[WORDS_MAX + 1];   /* NULL-terminated, in text */
	char text[WORDS_TEXT_MAX]; /* each word with its NUL */
};

/*
 * Split at blanks and line ends as Python's shlex.split() does, which the AWS
 * SDKs for Python use.  Between ' and ' all is as it stands.  Between " and " a
 * backslash takes the meaning from " and from itself, and otherwise stays;
 * outside of both it takes the meaning from any character.  Quotes may stand in
 * a word, and quotes around nothing are a word.  ERR_FORMAT: a quote is not
 * closed, or nothing follows a backslash.  ERR_LIMIT.  Pure.
 */
int words_split(struct words *w, const char *line) MUST_CHECK;

#endif

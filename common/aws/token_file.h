/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_TOKEN_FILE_H
#define SQS_ENTROPY_AWS_TOKEN_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Read a token that stands in a file as one line of 1 to max visible
 * characters, and spaces if they may be in it, which becomes out's content;
 * out's ceiling is max + 2 or more.  White space at the end is dropped.
 * variable, which named the file, is for the messages.  ERR_CONFIG: there is no
 * such file, it cannot be read, or it is no such line; ERR_NOMEM.
 */
int token_file_read(const char *path, size_t max, bool spaces,
    const char *variable, struct buf *out, struct err *err) MUST_CHECK;

/* True if the len bytes are such a token. */
bool token_is_good(const char *s, size_t len, size_t max, bool spaces);

#endif

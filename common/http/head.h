/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_HTTP_HEAD_H
#define SQS_ENTROPY_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * The status line and the headers of one answer (RFC 9112), fed line by line;
 * for transfer.c.  Interim answers (1xx) give way to what follows them;
 * trailers are ignored, because they come after what they could contradict.
 */
#define HTTP_HEAD_MAX 16384 /* bytes of all lines, interim ones included */

struct http_head {
	size_t seen;              /* bytes fed so far */
	size_t len;               /* bytes of text in use */
	int status;               /* 0: no status line yet */
	bool whole;               /* the empty line of a final answer came */
	char text[HTTP_HEAD_MAX]; /* name NUL value NUL, repeated */
};

/* One line as received, with or without its CR LF.  ERR_LIMIT over
 * HTTP_HEAD_MAX; ERR_FORMAT for a NUL byte, a folded line, a line without a
 * colon or name, a broken status line. */
int http_head_add(struct http_head *h, const char *line, size_t len) MUST_CHECK;

/* The value of the first header of that name in any case, NULL if none. */
const char *http_head_get(const struct http_head *h, const char *name);

#endif

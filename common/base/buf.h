/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_BUF_H
#define SQS_ENTROPY_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A bounded byte buffer that wipes what it held: on free, on growth (the old
 * block), on reset and on truncation.  Secrets live nowhere else.
 */
struct buf;

/* A new empty buffer that will never hold more than max bytes; NULL when
 * memory is short.  The caller frees it. */
struct buf *buf_new(size_t max);

/* A new buffer that is full with len zero bytes, which *space points to; NULL
 * when memory is short. */
struct buf *buf_new_zero(size_t len, uint8_t **space);

/* Wipe and free; NULL is allowed. */
void buf_free(struct buf *b);

/* Append.  ERR_LIMIT beyond the ceiling, ERR_NOMEM; b is unchanged then.
 * data must not point into b. */
int buf_add(struct buf *b, const void *data, size_t len) MUST_CHECK;
int buf_addstr(struct buf *b, const char *s) MUST_CHECK;
int buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((warn_unused_result, format(printf, 2, 3)));

/* Append len bytes of unspecified content and give their address, valid until
 * the next append.  Errors as buf_add. */
int buf_extend(struct buf *b, size_t len, uint8_t **space) MUST_CHECK;

/* Replace the content with len bytes of data (outside b). */
int buf_set(struct buf *b, const void *data, size_t len) MUST_CHECK;

/* Cut to len bytes, wiping the rest; a longer len is ignored. */
void buf_truncate(struct buf *b, size_t len);

/* Empty and wipe; the ceiling stays. */
void buf_reset(struct buf *b);

/* The content; never NULL, valid until the next append, followed by a NUL
 * byte that buf_len does not count. */
const uint8_t *buf_data(const struct buf *b);
const char *buf_str(const struct buf *b);
size_t buf_len(const struct buf *b);

#endif

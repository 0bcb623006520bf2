/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_JSON_WRITER_H
#define SQS_ENTROPY_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * A writer of one JSON document (RFC 8259), within the limits of text.h; it
 * needs no parser.  Errors stick: calls after a failed one do nothing and
 * json_writer_finish() tells.  Strings must be UTF-8.
 */
struct json_writer;

/* NULL when memory is short; all calls take that as a failed writer.  The
 * caller frees it. */
struct json_writer *json_writer_new(void);
void json_writer_free(struct json_writer *w);

/* key is the name of a member of an object, NULL for any other value. */
void json_begin_object(struct json_writer *w, const char *key);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w, const char *key);
void json_end_array(struct json_writer *w);
void json_put_string(struct json_writer *w, const char *key, const char *s);
void json_put_integer(struct json_writer *w, const char *key, int64_t n);

void json_put_boolean(struct json_writer *w, const char *key, bool value);

/* A number with so many decimals, at most 17; null where x is not finite. */
void json_put_number(
    struct json_writer *w, const char *key, double x, int decimals);

/* Append the document to out.  ERR_LIMIT by out's ceiling or JSON_TEXT_MAX,
 * ERR_NOMEM, ERR_FORMAT for a string that is not UTF-8, ERR_INTERNAL when it
 * is not one whole document. */
int json_writer_finish(struct json_writer *w, struct buf *out) MUST_CHECK;

#endif

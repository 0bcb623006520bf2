/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_JSON_PARSE_H
#define SQS_ENTROPY_JSON_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * JSON (RFC 8259) from strangers, as a tree; the one user of yajl.  Depth,
 * bytes and number of values are capped, and all memory that held text is
 * wiped, because documents hold credentials.
 */
#define JSON_DEPTH_MAX  16
#define JSON_VALUES_MAX 4096
#define JSON_TEXT_MAX   (4 << 20) /* bytes of one document */

struct json;

/* Parse exactly one document in UTF-8.  *out is the caller's to free.
 * ERR_FORMAT: malformed, truncated, trailing bytes, invalid UTF-8, a repeated
 * key, a NUL in a key or string; ERR_LIMIT: deeper or more than the caps;
 * ERR_NOMEM. */
int json_parse(const void *text, size_t len, struct json **out)
    __attribute__((warn_unused_result));
void json_free(struct json *root);

/* Look-ups answer NULL for NULL, for a value of another kind and for what is
 * not there, so that they can be nested; results live as long as the root. */
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_at(const struct json *array, size_t index);
size_t json_count(const struct json *array); /* 0 unless an array */
const char *json_string(const struct json *value);
bool json_is_object(const struct json *value);
bool json_is_array(const struct json *value);
bool json_is_true(const struct json *value);
/* Member index of an object in the document's order; *key when not NULL. */
const struct json *json_member(
    const struct json *object, size_t index, const char **key);

/* An integer number, or a string of decimal digits as SQS sends them.
 * ERR_ABSENT when value is NULL, ERR_FORMAT when it is anything else or does
 * not fit. */
int json_integer(const struct json *value, int64_t *out)
    __attribute__((warn_unused_result));

/* Whether text is UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool json_utf8(const void *text, size_t len);

/*
 * A writer.  Errors stick: calls after a failed one do nothing and
 * json_writer_finish() tells.  Strings must be UTF-8.
 */
struct json_writer;

/* NULL when memory is short. */
struct json_writer *json_writer_new(void);
void json_writer_free(struct json_writer *w);
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_put_string(struct json_writer *w, const char *s);
void json_put_integer(struct json_writer *w, int64_t n);

/* Append the document to out.  ERR_LIMIT by out's ceiling or JSON_TEXT_MAX,
 * ERR_NOMEM, ERR_FORMAT for a string that is not UTF-8, ERR_INTERNAL when it
 * is not one whole document. */
int json_writer_finish(struct json_writer *w, struct buf *out)
    __attribute__((warn_unused_result));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_JSON_PARSE_H
#define SQS_ENTROPY_JSON_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "json/text.h"

/*
 * JSON (RFC 8259) from strangers, as a tree; the one user of yajl.  Depth,
 * bytes, strings and number of values are capped, and all memory that held text
 * is wiped, because documents hold credentials.
 */
#define JSON_VALUES_MAX 4096

struct json;

/* Parse exactly one document in UTF-8.  *out is the caller's to free.
 * ERR_FORMAT: malformed, truncated, trailing bytes, invalid UTF-8, a repeated
 * key, a NUL in a key or string; ERR_LIMIT: deeper, longer or more than the
 * caps; ERR_NOMEM. */
int json_parse(const void *text, size_t len, struct json **out) MUST_CHECK;
void json_free(struct json *root);

/* The same for a document that comes in pieces, in memory that does not grow
 * with it (under 2 MiB). */
struct json_stream;

/*
 * Elements that are taken one by one.  They do not stay in the tree, so there
 * may be any number of them.  What would make json_parse() refuse a string or
 * key changes it here: one of more than JSON_STRING_MAX bytes is cut, and what
 * is no character, half of a surrogate pair or a NUL becomes '?'.
 */
struct json_each {
	const char *member; /* of the document's object: an array */
	/* element lives as long as the call.  0, or a code that ends the
	 * document. */
	int (*take)(void *ctx, const struct json *element);
	void *ctx;
};

/* each, which may be NULL, is kept by reference.  ERR_NOMEM. */
int json_stream_new(const struct json_each *each, struct json_stream **out)
    MUST_CHECK;
/* Errors are those of json_parse(), and what take() says; they stay. */
int json_stream_add(struct json_stream *s, const void *data, size_t len)
    MUST_CHECK;
/* *out is the caller's to free, as s still is. */
int json_stream_end(struct json_stream *s, struct json **out) MUST_CHECK;
/* NULL is allowed. */
void json_stream_free(struct json_stream *s);

/* Look-ups answer NULL for NULL, for a value of another kind and for what is
 * not there, so that they can be nested; results live as long as the root.  A
 * member that is null is not there: services word what is absent so, too. */
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_at(const struct json *array, size_t index);
size_t json_count(const struct json *array); /* 0 unless an array */
const char *json_string(const struct json *value);
bool json_is_object(const struct json *value);
bool json_is_array(const struct json *value);
bool json_is_true(const struct json *value);
/* Whether it was changed, or a string or key in it (struct json_each). */
bool json_changed(const struct json *value);
/* Of an object's members that are not null the one at index, in the document's
 * order; *key when not NULL. */
const struct json *json_member(
    const struct json *object, size_t index, const char **key);

/* An integer number, or a string of decimal digits as SQS sends them.
 * ERR_ABSENT when value is NULL, ERR_FORMAT when it is anything else or does
 * not fit. */
int json_integer(const struct json *value, int64_t *out) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_JSON_TREE_H
#define SQS_ENTROPY_JSON_TREE_H

/* Inside json/ only: a value of a document, which parse.c makes and tree.c
 * looks up. */

#include "json/parse.h"

enum kind {
	KIND_NULL,
	KIND_PLAIN, /* false, numbers that are no int64 */
	KIND_TRUE,
	KIND_INTEGER,
	KIND_STRING,
	KIND_ARRAY,
	KIND_OBJECT
};

struct json {
	enum kind kind;
	bool changed;    /* it, or what is in it, is not what came */
	const char *key; /* NULL outside objects */
	const char *string;
	int64_t integer;
	size_t count;
	struct json *first, *last, *next;
};

/* As json_get(), but null is found as well. */
const struct json *json_find(const struct json *object, const char *key);

/* True if the len bytes are a number of JSON that fits. */
bool json_read_integer(const char *s, size_t len, int64_t *out) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_JSON_FILTER_H
#define SQS_ENTROPY_JSON_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "json/text.h"

/*
 * The bytes of a document on their way to yajl, which gathers a whole string
 * before it tells of it.  The filter passes JSON_STRING_MAX bytes of a string
 * at most, and none that yajl 2.1.0 mishandles: it lets overlong UTF-8 pass,
 * and makes a lone surrogate '?' and then skips the byte behind it unseen,
 * which ends in its assertions (CVE-2017-16516).  No character and no escape
 * is passed in part.
 */
struct json_filter {
	bool strict; /* refuse a string instead of changing it */
	/* Take len bytes.  changed: the string that ends in them is not what
	 * came, but was cut or holds '?' for what is no character.  0 or a
	 * code, which ends the document. */
	int (*put)(void *ctx, const uint8_t *data, size_t len, bool changed);
	void *ctx;

	bool in_string, changed;
	bool full, escaped; /* its rest is dropped; behind a backslash of it */
	size_t token;       /* bytes passed of the string, number or word */
	size_t unit_len, out_len;
	uint8_t unit[JSON_UNIT_MAX]; /* not whole so far */
	uint8_t out[4096];           /* not put so far */
};

/* Take len bytes.  ERR_FORMAT: what cannot be JSON, or with strict a string
 * that must not be passed; ERR_LIMIT: a number or word that is too long, or
 * with strict a string; or what put() says. */
int json_filter_add(struct json_filter *f, const void *data, size_t len)
    MUST_CHECK;

/* The document ends here.  ERR_FORMAT: within a string; else as put(). */
int json_filter_end(struct json_filter *f) MUST_CHECK;

#endif

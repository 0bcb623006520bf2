/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_JSON_DOCUMENT_H
#define SQS_ENTROPY_JSON_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "json/parse.h"

/*
 * The status document of a program, read and shown: what --status of both
 * programs does.  It is an object with "time" (epoch ms) and "boottime"
 * (CLOCK_BOOTTIME ms), when it was written, and "boot", that boot's id or "".
 * Whoever wrote the file, what is not printable is shown as '?'.
 */
#define DOCUMENT_MAX 65536 /* bytes */

struct document {
	struct json *root;
	size_t len;
	char text[DOCUMENT_MAX];
};

/* Read and parse the file.  One that ends with "serial_end" has to have the
 * same number in "serial", or is read again a few times.  what is its name in
 * the error, such as "the status of the last run".  ERR_ABSENT without a text;
 * ERR_INTERNAL: it is damaged; ERR_LIMIT, ERR_IO. */
int document_read(struct document *d, const char *path, const char *what,
    struct err *err) MUST_CHECK;
void document_close(struct document *d);

/* As it is in the file. */
void document_print(struct document *d, FILE *to);

/* Members of an object.  A number that is not there is 0, a text is "". */
bool document_has(const struct json *object, const char *key);
int64_t document_number(const struct json *object, const char *key);
const char *document_text(const struct json *object, const char *key);

/* A text, made printable. */
void document_put(const struct json *object, const char *key, FILE *to);

/* ms since it was written, by a clock that nobody sets; -1: in another boot. */
int64_t document_age(const struct document *d);

/* ERR_EMPTY when it was written more than seconds ago, or in another boot; 0
 * for seconds: it may be of any age. */
int document_check_age(const struct document *d, long seconds, struct err *err)
    MUST_CHECK;

#endif

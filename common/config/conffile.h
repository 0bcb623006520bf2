/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFIG_CONFFILE_H
#define SQS_ENTROPY_CONFIG_CONFFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * A configuration file as a table: each row names a key, where its value goes
 * and what it may be.  The one user of libconfuse.  Grammar: libconfuse's
 * "key = value", one a line or several, '#' comments, strings quoted with "..."
 * or '...' that end on their line.  What libconfuse has besides (lists,
 * sections, +=, include, ${VARIABLE}, C comments) is an error.
 */
enum conffile_type {
	CONFFILE_STRING, /* char[size]; "" when not given */
	CONFFILE_LONG,   /* long, min..max */
	CONFFILE_DOUBLE, /* double, min..max */
	CONFFILE_CHOICE  /* int: index into choices */
};

struct conffile_row {
	const char *key;
	enum conffile_type type;
	void *value;                /* default before, result after */
	size_t size;                /* CONFFILE_STRING: room, with NUL */
	double min, max;            /* CONFFILE_LONG, CONFFILE_DOUBLE */
	const char *const *choices; /* CONFFILE_CHOICE: NULL-terminated */
};

/* Rows for struct members or variables, by their own size. */
#define CONFFILE_STRING_ROW(name, array)                                       \
	{                                                                      \
		.key = (name), .type = CONFFILE_STRING, .value = (array),      \
		.size = sizeof(array)                                          \
	}
#define CONFFILE_LONG_ROW(name, number, low, high)                             \
	{                                                                      \
		.key = (name), .type = CONFFILE_LONG, .value = &(number),      \
		.min = (low), .max = (high)                                    \
	}
#define CONFFILE_DOUBLE_ROW(name, number, low, high)                           \
	{                                                                      \
		.key = (name), .type = CONFFILE_DOUBLE, .value = &(number),    \
		.min = (low), .max = (high)                                    \
	}
#define CONFFILE_CHOICE_ROW(name, index, list)                                 \
	{                                                                      \
		.key = (name), .type = CONFFILE_CHOICE, .value = &(index),     \
		.choices = (list)                                              \
	}

/*
 * Read path into the rows' values; rows that the file does not name keep what
 * they had.  All or nothing: on failure no value has changed.  ERR_ABSENT when
 * there is no such file, ERR_CONFIG with "FILE:LINE: what is wrong and what is
 * allowed" for an unknown or repeated key, a value of the wrong type, out of
 * range or too long, an include, or a file that is not a regular file or over
 * 64 KiB.
 */
int conffile_read(const char *path, const struct conffile_row *rows, size_t n,
    struct err *err) __attribute__((warn_unused_result));

/* Check one value given elsewhere (option, environment) against its row and
 * store it; origin ("--messages", "AWS_REGION") begins the error.
 * ERR_CONFIG. */
int conffile_set(const struct conffile_row *row, const char *origin,
    const char *text, struct err *err) __attribute__((warn_unused_result));

#endif

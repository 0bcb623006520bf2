/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_SHARED_TEXT_H
#define SQS_ENTROPY_AWS_SHARED_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * The text of one shared file (AWS SDKs and Tools Reference Guide, "Format of
 * the shared config and credentials files"), read as botocore reads it: a line
 * that is indented deeper than the key above it continues that key's value,
 * and an empty value that is continued holds nested properties.  As in the
 * other SDKs a section may come twice, what is later counts; a blank with '#'
 * or ';' behind it begins a comment; only '=' parts a key from its value; and
 * in the configuration file [profile default] hides [default].
 */

enum shared_kind { SHARED_PROFILE, SHARED_SSO_SESSION, SHARED_SERVICES };

/* The text, rewritten in place into what shared_text_next() goes through. */
struct shared_text {
	const char *bytes; /* borrowed */
	size_t len;
	bool hide_default; /* [default], because of [profile default] */
	/* [default] came after [profile default]: botocore takes the later,
	 * other SDKs the one with the word. */
	bool two_defaults;
};

/*
 * Parse len bytes; one more, which may be overwritten, has to follow them.
 * config: the file is the configuration, where profiles have the word
 * "profile".  0, or the number of the first malformed line and in *why what is
 * wrong with it, a static text.  Takes linear time and no memory.
 */
int shared_text_compile(struct shared_text *t, char *bytes, size_t len,
    bool config, const char **why) MUST_CHECK;

/* A section (key and subkey NULL), a property, or a nested property of the
 * property that came before. */
struct shared_item {
	enum shared_kind kind;
	const char *name;   /* of the section */
	const char *key;    /* lower case */
	const char *subkey; /* as written */
	const char *value;  /* lines of a continued one are parted by '\n' */
	bool hidden;
};

/* The next item in the order of the file, from *at, which starts as 0 with a
 * zeroed *item.  False: there are no more. */
bool shared_text_next(
    const struct shared_text *t, size_t *at, struct shared_item *item);

#endif

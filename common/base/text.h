/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_TEXT_H
#define SQS_ENTROPY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* Judging, changing and printing short texts as ASCII or UTF-8, whatever the
 * locale is. */

/* True if each of the len bytes is a visible character, '!' to '~'. */
bool text_is_graphic(const char *s, size_t len);

/* Measure the UTF-8 character (RFC 3629: no surrogate, no overlong form) at the
 * beginning of the len > 0 bytes at s.  More than 0: the bytes of it.  0: it
 * goes on behind len.  -1: there is none. */
int text_utf8(const uint8_t *s, size_t len);

/*
 * What may go to a terminal or into the journal: characters in UTF-8 that are
 * no control characters.  U+0000 to U+001F, U+007F and U+0080 to U+009F are
 * such (ECMA-48: U+009B is what ESC [ is), and a byte that is no part of a
 * character may be one for a terminal of 8 bits.
 */
bool text_is_printable(const char *s, size_t len);

/* Make each byte of what is not printable in the len bytes a '?'. */
void text_make_printable(char *s, size_t len);

/* Write a text as text_make_printable() makes it. */
void text_print(FILE *to, const char *s);

/*
 * Copy the len bytes at s into out, of size bytes, which does not overlap them,
 * and a NUL.  What does not fit is left out of the middle, between characters
 * of UTF-8, with " ... " in its place: services say at the beginning who may
 * not do what, and at the end which policy forbids it.  size is 16 or more.
 */
void text_shorten(char *out, size_t size, const char *s, size_t len);

/* Bytes that are shown of a page that came in the place of an answer. */
#define TEXT_PAGE_MAX 200

/* Copy what fits of the len bytes at s into out, of size bytes, with a NUL, as
 * printable ASCII on one line: a run of white space becomes one space, at the
 * beginning and the end none, and each other character '?'. */
void text_squeeze(char *out, size_t size, const char *s, size_t len);

/* The small letter of a capital; any other character as it is. */
char text_lower(char c);

/*
 * Read exactly len bytes as a decimal number: one digit or more and nothing
 * else, neither sign nor white space; leading zeros are allowed.  False, and
 * *out unchanged, when it is no such number or above max.
 */
bool text_read_number(const char *s, size_t len, uint64_t max, uint64_t *out)
    MUST_CHECK;

/* A yes or no that somebody else may decide as long as it is not set. */
enum text_switch { TEXT_UNSET, TEXT_FALSE, TEXT_TRUE };

/* Read "true" or "false" in any case, as the AWS SDKs do, or "" for not set.
 * False, and *out unchanged, for any other text. */
bool text_read_switch(const char *s, enum text_switch *out) MUST_CHECK;

/* Characters for n bytes in hexadecimal, with the NUL. */
#define TEXT_HEX_LEN(n) (2 * (n) + 1)

/* Lower-case hexadecimal, NUL-terminated; out has TEXT_HEX_LEN(len). */
void text_hex(char *out, const uint8_t *data, size_t len);

#endif

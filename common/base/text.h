/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_TEXT_H
#define SQS_ENTROPY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Judging and changing short texts as ASCII, whatever the locale is.  Pure. */

/* True if each of the len bytes is a visible character, '!' to '~'. */
bool text_is_graphic(const char *s, size_t len);

/* Make each control character of the len bytes a '?'. */
void text_make_printable(char *s, size_t len);

/* The small letter of a capital; any other character as it is. */
char text_lower(char c);

/*
 * Read exactly len bytes as a decimal number: one digit or more and nothing
 * else, neither sign nor white space; leading zeros are allowed.  False, and
 * *out unchanged, when it is no such number or above max.
 */
bool text_read_number(const char *s, size_t len, uint64_t max, uint64_t *out)
    MUST_CHECK;

/* Characters for n bytes in hexadecimal, with the NUL. */
#define TEXT_HEX_LEN(n) (2 * (n) + 1)

/* Lower-case hexadecimal, NUL-terminated; out has TEXT_HEX_LEN(len). */
void text_hex(char *out, const uint8_t *data, size_t len);

#endif

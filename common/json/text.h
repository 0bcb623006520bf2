/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_JSON_TEXT_H
#define SQS_ENTROPY_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of one document, read or written. */
#define JSON_DEPTH_MAX  16
#define JSON_TEXT_MAX   (4 << 20) /* bytes, unless it is read in pieces */
#define JSON_STRING_MAX 32768     /* bytes of a string, as read */

/* Whether text is UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool json_utf8(const void *text, size_t len);

/* How many of the len bytes at s come before the first one that is not
 * printable ASCII, or is a quote or a backslash. */
size_t json_span_plain(const void *s, size_t len);

/*
 * Measure the first character of a string's inside, or escape of one, in the
 * len > 0 bytes at s.  More than 0: the bytes of it.  0: it goes on behind len,
 * which is less than JSON_UNIT_MAX then.  Less than 0: so many bytes are
 * neither; an escape that means NUL or half of a surrogate pair counts as
 * such.
 */
#define JSON_UNIT_MAX 12 /* bytes: two escapes are a surrogate pair */
int json_unit(const uint8_t *s, size_t len);

#endif

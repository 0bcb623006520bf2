/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_JSON_TEXT_H
#define SQS_ENTROPY_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Limits of one document, read or written. */
#define JSON_DEPTH_MAX 16
#define JSON_TEXT_MAX  (4 << 20) /* bytes */

/* Whether text is UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool json_utf8(const void *text, size_t len);

/*
 * Whether yajl may see this text: all of it UTF-8, strings closed, no escape
 * that means NUL or half a surrogate pair.  yajl 2.1.0 lets overlong UTF-8
 * pass, and makes a lone surrogate '?' and then skips the byte behind it
 * unseen, which ends in its assertions (CVE-2017-16516).
 */
bool json_text_clean(const void *text, size_t len);

#endif

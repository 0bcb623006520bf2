/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_XML_H
#define SQS_ENTROPY_BASE_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * As much of XML 1.0 (W3C, fifth edition) as answers of the AWS Query protocol
 * need: elements without attributes, found by their names in a text of known
 * length.  No entity is ever defined and nothing is nested by recursion.  Pure.
 */

/* Find the first <name> in the len bytes at s and the first </name> behind it:
 * *in and *in_len are what stands between, in s.  False, and both unchanged,
 * when there is no such pair.  name is at most XML_NAME_MAX characters. */
#define XML_NAME_MAX 60
bool xml_find(const char *s, size_t len, const char *name, const char **in,
    size_t *in_len) MUST_CHECK;

/*
 * Replace out by the character data that the len bytes at s stand for: the five
 * entities that XML defines, and references to characters of visible ASCII, are
 * resolved.  White space around it is dropped.  ERR_FORMAT: a child element, a
 * comment, any other entity, a byte outside visible ASCII and space; ERR_LIMIT:
 * over out's ceiling; ERR_NOMEM.
 */
int xml_text(const char *s, size_t len, struct buf *out) MUST_CHECK;

#endif

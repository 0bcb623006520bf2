/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/canonical.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"

int canonical_name(struct buf *b, const char *name)
{
	size_t len = strlen(name);
	uint8_t *space;
	int rc = buf_extend(b, len, &space);

	for (size_t i = 0; rc == 0 && i < len; i++)
		space[i] = (uint8_t)text_lower(name[i]);
	return rc;
}

int canonical_compare(const char *a, const char *b)
{
	for (; text_lower(*a) == text_lower(*b); a++, b++)
		if (*a == '\0')
			return 0;
	return (unsigned char)text_lower(*a) < (unsigned char)text_lower(*b)
		   ? -1
		   : 1;
}

/*
 * Bytes of the white space character that s begins with, 0 when it is none.
 * Beyond ASCII because botocore folds by str.split(), which knows Unicode's.
 */
static size_t white_len(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	if ((u[0] >= 0x09 && u[0] <= 0x0d) || (u[0] >= 0x1c && u[0] <= 0x20))
		return 1;
	if (u[0] == 0xc2 && (u[1] == 0x85 || u[1] == 0xa0))
		return 2; /* U+0085, U+00A0 */
	if (u[0] == 0xe1 && u[1] == 0x9a && u[2] == 0x80)
		return 3; /* U+1680 */
	if (u[0] == 0xe2 && u[1] == 0x80 &&
	    ((u[2] >= 0x80 && u[2] <= 0x8a) || u[2] == 0xa8 || u[2] == 0xa9 ||
		u[2] == 0xaf))
		return 3; /* U+2000..200A, U+2028, U+2029, U+202F */
	if (u[0] == 0xe2 && u[1] == 0x81 && u[2] == 0x9f)
		return 3; /* U+205F */
	if (u[0] == 0xe3 && u[1] == 0x80 && u[2] == 0x80)
		return 3; /* U+3000 */
	return 0;
}

int canonical_value(struct buf *b, const char *value)
{
	size_t begin = buf_len(b);
	const char *s = value;
	int rc = 0;

	while (rc == 0 && *s != '\0') {
		const char *word = s;
		size_t gap = white_len(s);

		if (gap > 0) {
			s += gap;
			continue;
		}
		while (*s != '\0' && white_len(s) == 0)
			s++;
		if (buf_len(b) > begin)
			rc = buf_add(b, " ", 1);
		if (rc == 0)
			rc = buf_add(b, word, (size_t)(s - word));
	}
	return rc;
}

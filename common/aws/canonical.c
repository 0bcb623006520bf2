/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/canonical.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"

#define BLANKS " \t" /* RFC 9110, section 5.6.3 */

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

int canonical_value(struct buf *b, const char *value)
{
	size_t begin = buf_len(b), len;
	int rc = 0;

	value += strspn(value, BLANKS);
	while (rc == 0 && *value != '\0') {
		len = strcspn(value, BLANKS);
		if (buf_len(b) > begin)
			rc = buf_add(b, " ", 1);
		if (rc == 0)
			rc = buf_add(b, value, len);
		value += len;
		value += strspn(value, BLANKS);
	}
	return rc;
}

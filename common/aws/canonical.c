/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/canonical.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

static char to_upper(char c)
{
	return (char)(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
}

static int add_mapped(struct buf *b, const char *s, char (*map)(char))
{
	size_t len = strlen(s);
	uint8_t *space;
	size_t i;
	int rc = buf_extend(b, len, &space);

	for (i = 0; rc == 0 && i < len; i++)
		space[i] = (uint8_t)map(s[i]);
	return rc;
}

int canonical_method(struct buf *b, const char *method)
{
	return add_mapped(b, method, to_upper);
}

int canonical_name(struct buf *b, const char *name)
{
	return add_mapped(b, name, text_lower);
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

static bool is_unreserved(char c)
{
	const char l = text_lower(c);

	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

static int add_path_segment(struct buf *b, const char *s, size_t len)
{
	size_t i;
	int rc = buf_add(b, "/", 1);

	for (i = 0; i < len && rc == 0; i++) {
		if (is_unreserved(s[i]))
			rc = buf_add(b, &s[i], 1);
		else
			rc = buf_addf(b, "%%%02X", (unsigned char)s[i]);
	}
	return rc;
}

/* Take the last segment away again; the path begins at begin. */
static void drop_segment(struct buf *b, size_t begin)
{
	const char *s = buf_str(b);
	size_t len = buf_len(b);

	while (len > begin && s[len - 1] != '/')
		len--;
	buf_truncate(b, len > begin ? len - 1 : begin);
}

int canonical_path(struct buf *b, const char *path)
{
	size_t begin = buf_len(b);
	bool final_slash = true;
	int rc = 0;

	while (rc == 0 && *path != '\0') {
		size_t len = strcspn(path, "/");

		final_slash = path[len] == '/';
		if (len == 2 && memcmp(path, "..", 2) == 0)
			drop_segment(b, begin);
		else if (len > 0 && !(len == 1 && *path == '.'))
			rc = add_path_segment(b, path, len);
		path += len + (final_slash ? 1 : 0);
	}
	if (rc == 0 && (final_slash || buf_len(b) == begin))
		rc = buf_add(b, "/", 1);
	return rc;
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/xml.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define REFERENCE_MAX 10 /* characters between '&' and ';' */

bool xml_find(const char *s, size_t len, const char *name, const char **in,
    size_t *in_len)
{
	char open[XML_NAME_MAX + 4], close[XML_NAME_MAX + 4];
	const char *from, *to;

	if (strlen(name) > XML_NAME_MAX)
		return false;
	(void)snprintf(open, sizeof open, "<%s>", name);
	(void)snprintf(close, sizeof close, "</%s>", name);
	from = memmem(s, len, open, strlen(open));
	if (from == NULL)
		return false;
	from += strlen(open);
	to = memmem(from, len - (size_t)(from - s), close, strlen(close));
	if (to == NULL)
		return false;
	*in = from;
	*in_len = (size_t)(to - from);
	return true;
}

static int read_digit(char c, int base)
{
	static const char digits[] = "0123456789abcdef";
	const char *at =
	    memchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c, (size_t)base);

	return at != NULL ? (int)(at - digits) : -1;
}

/* "#65" or "#x41" as a character of visible ASCII or a space; 0: it is none. */
static char resolve_number(const char *s, size_t len)
{
	const bool hex = len > 1 && s[1] == 'x';
	const int base = hex ? 16 : 10;
	size_t i = hex ? 2 : 1;
	int value = 0;

	if (i == len)
		return 0;
	for (; i < len; i++) {
		const int digit = read_digit(s[i], base);

		if (digit < 0 || value > '~')
			return 0;
		value = value * base + digit;
	}
	return value >= ' ' && value <= '~' ? (char)value : 0;
}

/* What the reference at s, behind its '&', stands for; 0: nothing. */
static char resolve_reference(const char *s, size_t len)
{
	static const struct {
		const char *name;
		char character;
	} entities[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'},
	    {"apos", '\''}};

	if (len > 0 && s[0] == '#')
		return resolve_number(s, len);
	for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++)
		if (strlen(entities[i].name) == len &&
		    memcmp(entities[i].name, s, len) == 0)
			return entities[i].character;
	return 0;
}

static bool is_xml_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int add_character(const char *s, size_t len, size_t *at, struct buf *out)
{
	char c = s[(*at)++];
	size_t room = len - *at;

	if (c == '&') {
		const char *from = &s[*at];
		const char *end = memchr(
		    from, ';', room < REFERENCE_MAX ? room : REFERENCE_MAX);

		if (end == NULL)
			return ERR_FORMAT;
		*at += (size_t)(end - from) + 1;
		c = resolve_reference(from, (size_t)(end - from));
	} else if (c == '<') {
		return ERR_FORMAT;
	}
	return c >= ' ' && c <= '~' ? buf_add(out, &c, 1) : ERR_FORMAT;
}

int xml_text(const char *s, size_t len, struct buf *out)
{
	int rc = 0;

	buf_reset(out);
	while (len > 0 && is_xml_space(*s)) {
		s++;
		len--;
	}
	while (len > 0 && is_xml_space(s[len - 1]))
		len--;
	for (size_t at = 0; rc == 0 && at < len;)
		rc = add_character(s, len, &at, out);
	if (rc != 0)
		buf_reset(out);
	return rc;
}

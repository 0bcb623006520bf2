/* SPDX-License-Identifier: Apache-2.0 */
#include "json/text.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the UTF-8 character at s; 0 when it is none. */
static size_t utf8_len(const uint8_t *s, size_t len)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t n = 1;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	if (n == 1 || len < n)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool json_utf8(const void *text, size_t len)
{
	const uint8_t *s = text;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_len(s + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}

/* The code unit of "\uXXXX" at s, or -1. */
static long read_code_unit(const uint8_t *s, size_t len)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *d;
	long value = 0;

	if (len < 6 || s[0] != '\\' || s[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		d = s[i] != 0 ? strchr(digits, s[i]) : NULL;
		if (d == NULL)
			return -1;
		value = value * 16 + (d - digits) % 16;
	}
	return value;
}

/* Bytes of the escape at s; 0 for what yajl must not see. */
static size_t escape_len(const uint8_t *s, size_t len)
{
	long high, low;

	if (len < 2 || s[1] != 'u')
		return len < 2 ? 0 : 2;
	high = read_code_unit(s, len);
	if (high <= 0 || (high >= 0xdc00 && high <= 0xdfff))
		return 0;
	if (high < 0xd800 || high > 0xdbff)
		return 6;
	low = read_code_unit(s + 6, len - 6);
	return low >= 0xdc00 && low <= 0xdfff ? 12 : 0;
}

bool json_text_clean(const void *text, size_t len)
{
	const uint8_t *s = text;
	bool in_string = false;
	size_t n;

	if (!json_utf8(s, len))
		return false;
	for (size_t i = 0; i < len; i += n) {
		n = 1;
		if (s[i] == '"')
			in_string = !in_string;
		else if (in_string && s[i] == '\\')
			n = escape_len(s + i, len - i);
		if (n == 0)
			return false;
	}
	return !in_string;
}

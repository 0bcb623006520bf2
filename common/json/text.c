/* SPDX-License-Identifier: Apache-2.0 */
#include "json/text.h"

#include <string.h>

/* Bytes of the UTF-8 character whose first two these are, 0 when there is
 * none.  The second has narrower bounds behind some of the first. */
static size_t expect_utf8(uint8_t first, uint8_t second)
{
	uint8_t low = 0x80, high = 0xbf;

	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	if (first < 0xc2 || first > 0xf4 || second < low || second > high)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* As json_unit(), for a character. */
static int measure_utf8(const uint8_t *s, size_t len)
{
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return -1;
	if (len < 2)
		return 0;
	n = expect_utf8(s[0], s[1]);
	for (size_t i = 2; i < n && i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return -1;
	if (n == 0)
		return -1;
	return len < n ? 0 : (int)n;
}

bool json_utf8(const void *text, size_t len)
{
	const uint8_t *s = text;
	int n;

	for (size_t i = 0; i < len; i += (size_t)n) {
		n = measure_utf8(s + i, len - i);
		if (n <= 0)
			return false;
	}
	return true;
}

/* The code unit of "\uXXXX" at s; -1 when it is none, -2 when it may become
 * one with more bytes. */
static long read_code_unit(const uint8_t *s, size_t len)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *d;
	long value = 0;

	for (size_t i = 0; i < 6; i++) {
		if (i >= len)
			return -2;
		if (i < 2 && s[i] != (i == 0 ? '\\' : 'u'))
			return -1;
		if (i < 2)
			continue;
		d = s[i] != 0 ? strchr(digits, s[i]) : NULL;
		if (d == NULL)
			return -1;
		value = value * 16 + (d - digits) % 16;
	}
	return value;
}

/* As json_unit(), for an escape. */
static int measure_escape(const uint8_t *s, size_t len)
{
	long high, low;

	if (len < 2)
		return 0;
	if (s[1] != 'u')
		return s[1] != 0 && strchr("\"\\/bfnrt", s[1]) != NULL ? 2 : -1;
	high = read_code_unit(s, len);
	if (high < 0)
		return high == -2 ? 0 : -2;
	if (high == 0 || (high >= 0xdc00 && high <= 0xdfff))
		return -6;
	if (high < 0xd800 || high > 0xdbff)
		return 6;
	low = read_code_unit(s + 6, len - 6);
	if (low == -2)
		return 0;
	return low >= 0xdc00 && low <= 0xdfff ? 12 : -6;
}

int json_unit(const uint8_t *s, size_t len)
{
	if (s[0] == '\\')
		return measure_escape(s, len);
	return s[0] < 0x20 ? -1 : measure_utf8(s, len);
}

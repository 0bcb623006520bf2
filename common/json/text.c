/* SPDX-License-Identifier: Apache-2.0 */
#include "json/text.h"

#include <string.h>

#include "base/text.h"

bool json_utf8(const void *text, size_t len)
{
	const uint8_t *s = text;
	int n;

	for (size_t i = 0; i < len; i += (size_t)n) {
		n = text_utf8(s + i, len - i);
		if (n <= 0)
			return false;
	}
	return true;
}

/* True if each of the eight bytes is plain: Hacker's Delight, section 6-1,
 * finds any zero byte, and any byte below a limit, without a look at each. */
static bool are_plain(uint64_t x)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	const uint64_t quote = x ^ '"' * each, backslash = x ^ '\\' * each;
	const uint64_t low = (x - 0x20 * each) & ~x;
	const uint64_t high = x | (x + each); /* 0x7f and above */
	const uint64_t is_quote = (quote - each) & ~quote;
	const uint64_t is_backslash = (backslash - each) & ~backslash;

	return ((low | high | is_quote | is_backslash) & 0x80 * each) == 0;
}

size_t json_span_plain(const void *s, size_t len)
{
	const uint8_t *c = s;
	size_t n = 0;
	uint64_t x;

	for (; len - n >= sizeof x; n += sizeof x) {
		memcpy(&x, c + n, sizeof x);
		if (!are_plain(x))
			break;
	}
	while (n < len && c[n] >= 0x20 && c[n] < 0x7f && c[n] != '"' &&
	       c[n] != '\\')
		n++;
	return n;
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
	return s[0] < 0x20 ? -1 : text_utf8(s, len);
}

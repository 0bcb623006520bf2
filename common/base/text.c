/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <string.h>
#include <strings.h>

bool text_is_graphic(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return true;
}

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

int text_utf8(const uint8_t *s, size_t len)
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

/* Measure the len > 0 bytes at s: the bytes of a character, and whether it may
 * be shown; one byte of what is none. */
static size_t judge_character(const char *s, size_t len, bool *printable)
{
	const uint8_t *c = (const uint8_t *)s;
	const int n = text_utf8(c, len);

	*printable = n > 0 && c[0] >= 0x20 && c[0] != 0x7f &&
		     (c[0] != 0xc2 || c[1] >= 0xa0);
	return n > 0 ? (size_t)n : 1;
}

bool text_is_printable(const char *s, size_t len)
{
	bool printable = true;

	for (size_t i = 0; i < len && printable;)
		i += judge_character(s + i, len - i, &printable);
	return printable;
}

void text_make_printable(char *s, size_t len)
{
	bool printable;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = judge_character(s + i, len - i, &printable);
		if (!printable)
			memset(s + i, '?', n);
	}
}

void text_print(FILE *to, const char *s)
{
	bool printable;
	size_t n;

	for (size_t len = strlen(s); len > 0; len -= n, s += n) {
		n = judge_character(s, len, &printable);
		(void)fprintf(to, "%.*s", (int)n, printable ? s : "????");
	}
}

/* Whether the character that c is a part of began before it, in UTF-8. */
static bool goes_on(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

void text_shorten(char *out, size_t size, const char *s, size_t len)
{
	static const char gap[] = " ... ";
	const size_t gap_len = sizeof gap - 1;
	size_t head = (size - 1 - gap_len) / 2, tail = head;

	if (len < size) {
		memcpy(out, s, len);
		out[len] = '\0';
		return;
	}
	for (int i = 0; i < 3 && goes_on(s[head]); i++)
		head--;
	for (int i = 0; i < 3 && goes_on(s[len - tail]); i++)
		tail--;
	memcpy(out, s, head);
	memcpy(out + head, gap, gap_len);
	memcpy(out + head + gap_len, s + len - tail, tail);
	out[head + gap_len + tail] = '\0';
}

void text_squeeze(char *out, size_t size, const char *s, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len && used < size - 1; i++) {
		bool white = strchr(" \t\r\n", s[i]) != NULL && s[i] != '\0';

		if (white && (used == 0 || out[used - 1] == ' '))
			continue;
		if (white)
			out[used++] = ' ';
		else
			out[used++] = text_is_graphic(&s[i], 1) ? s[i] : '?';
	}
	if (used > 0 && out[used - 1] == ' ')
		used--;
	out[used] = '\0';
}

char text_lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool text_read_number(const char *s, size_t len, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++) {
		const uint64_t digit = (uint64_t)(s[i] - '0');

		if (s[i] < '0' || s[i] > '9' || digit > max ||
		    value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (len > 0)
		*out = value;
	return len > 0;
}

bool text_read_switch(const char *s, enum text_switch *out)
{
	static const char *const words[] = {
	    [TEXT_UNSET] = "", [TEXT_FALSE] = "false", [TEXT_TRUE] = "true"};

	for (int i = TEXT_UNSET; i <= TEXT_TRUE; i++) {
		if (strcasecmp(s, words[i]) != 0)
			continue;
		*out = (enum text_switch)i;
		return true;
	}
	return false;
}

void text_hex(char *out, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[data[i] >> 4];
		*out++ = digits[data[i] & 15];
	}
	*out = '\0';
}

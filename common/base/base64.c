/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <string.h>

/*
 * The alphabet as five runs of consecutive characters.  Both directions walk
 * all five whatever the value is, and choose by masks: a payload is secret,
 * and a table indexed by it would tell it to the cache.
 */
static const struct {
	uint32_t first; /* character of the run's lowest value */
	uint32_t base;  /* that value */
	uint32_t count;
} runs[] = {
    {'A', 0, 26}, {'a', 26, 26}, {'0', 52, 10}, {'+', 62, 1}, {'/', 63, 1}};

#define RUNS    (sizeof runs / sizeof runs[0])
#define UNKNOWN 0x80000000u /* no character of the alphabet */

/* All ones when x < n, else 0; n < 2^31. */
static uint32_t below(uint32_t x, uint32_t n)
{
	return 0u - (((x - n) & ~x) >> 31);
}

static char char_of_value(uint32_t value)
{
	uint32_t c = 0;
	size_t i;

	for (i = 0; i < RUNS; i++) {
		uint32_t at = value - runs[i].base;

		c |= below(at, runs[i].count) & (runs[i].first + at);
	}
	return (char)c;
}

/* 0..63, or UNKNOWN. */
static uint32_t value_of_char(char character)
{
	uint32_t c = (unsigned char)character;
	uint32_t value = 0;
	uint32_t known = 0;
	size_t i;

	for (i = 0; i < RUNS; i++) {
		uint32_t at = c - runs[i].first;
		uint32_t here = below(at, runs[i].count);

		value |= here & (runs[i].base + at);
		known |= here;
	}
	return value | (~known & UNKNOWN);
}

void base64_encode(char *out, const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t bits = (uint32_t)data[i] << 16;

		if (left > 1)
			bits |= (uint32_t)data[i + 1] << 8;
		if (left > 2)
			bits |= data[i + 2];
		*out++ = char_of_value(bits >> 18);
		*out++ = char_of_value(bits >> 12 & 63);
		*out++ = left > 1 ? char_of_value(bits >> 6 & 63) : '=';
		*out++ = left > 2 ? char_of_value(bits & 63) : '=';
	}
	*out = '\0';
}

/* How many of the last two characters are padding; len is not 0. */
static size_t count_padding(const char *text, size_t len)
{
	if (text[len - 1] != '=')
		return 0;
	return text[len - 2] == '=' ? 2 : 1;
}

/*
 * Four characters, of which the last pad are padding, to 3 - pad bytes.  Not
 * 0 when one is outside the alphabet or an unused bit is set.
 */
static uint32_t decode_group(uint8_t *out, const char *text, size_t pad)
{
	uint32_t bits = 0;
	uint32_t wrong = 0;
	size_t i;

	for (i = 0; i < 4; i++) {
		uint32_t v = i < 4 - pad ? value_of_char(text[i]) : 0;

		wrong |= v & UNKNOWN;
		bits = bits << 6 | (v & 63);
	}
	for (i = 0; i < 3 - pad; i++)
		out[i] = (uint8_t)(bits >> (16 - 8 * i));
	return wrong | (bits & ((1u << (8 * pad)) - 1));
}

int base64_decode(
    uint8_t *out, size_t max, size_t *out_len, const char *text, size_t len)
{
	size_t pad = len > 0 && len % 4 == 0 ? count_padding(text, len) : 0;
	uint32_t wrong = 0;
	size_t i;
	int rc = 0;

	*out_len = 0;
	if (len % 4 != 0)
		rc = ERR_FORMAT;
	else if (BASE64_BYTES(len) - pad > max)
		rc = ERR_LIMIT;
	if (rc != 0)
		goto out;
	for (i = 0; i < len; i += 4)
		wrong |= decode_group(
		    out + i / 4 * 3, text + i, i + 4 == len ? pad : 0);
	if (wrong != 0)
		rc = ERR_FORMAT;
	else
		*out_len = BASE64_BYTES(len) - pad;
out:
	if (rc != 0 && max > 0)
		explicit_bzero(out, max);
	return rc;
}

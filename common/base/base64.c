/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

/*
 * Sixteen characters at a time.  A payload is secret: a table indexed by it
 * would tell it to the cache, and a branch to the branch predictor.  So every
 * step is arithmetic on all of them.  GCC and clang make vector instructions of
 * it where the processor has them.
 */
#define CHARS 16
#define BYTES 12 /* that these encode */
typedef int8_t group __attribute__((vector_size(CHARS)));
typedef uint64_t halves __attribute__((vector_size(CHARS)));

/* 48 bits to eight values of 6 bits, a byte each: in halves, quarters and
 * eighths. */
static uint64_t spread_bits(uint64_t bits)
{
	bits = (bits & 0xffffff000000) << 8 | (bits & 0xffffff);
	bits = (bits & 0x00fff00000fff000) << 4 | (bits & 0x00000fff00000fff);
	return (bits & 0x0fc00fc00fc00fc0) << 2 | (bits & 0x003f003f003f003f);
}

static uint64_t join_bits(uint64_t v)
{
	v = (v & 0x3f003f003f003f00) >> 2 | (v & 0x003f003f003f003f);
	v = (v & 0x0fff00000fff0000) >> 4 | (v & 0x00000fff00000fff);
	return (v & 0x00ffffff00000000) >> 8 | (v & 0xffffff);
}

/* A run of the alphabet goes on from the one before, but for a step: from Z to
 * a 6 up, from z to 0 75 down, from 9 to + 15 down, from + to / 3 up.  A
 * comparison is -1 where it holds, else 0. */
static group find_chars(group v)
{
	return v + 'A' + ((v >= 26) & 6) - ((v >= 52) & 75) - ((v >= 62) & 15) +
	       ((v >= 63) & 3);
}

/* The values of characters, and in *wrong -1 for each that has none.  The runs
 * are, by their codes, + alone, / to 9, A to Z, a to z. */
static group find_values(group c, group *wrong)
{
	const group slash = c >= '/', digit = c >= '0', capital = c >= 'A',
		    small = c >= 'a';
	/* Each begins or ends a run, so that an odd number is inside. */
	const group inside = (c >= '+') ^ (c >= '+' + 1) ^ slash ^
			     (c >= '9' + 1) ^ capital ^ (c >= 'Z' + 1) ^ small ^
			     (c >= 'z' + 1);

	*wrong |= ~inside;
	return c + 19 - (slash & 3) - (digit & 12) - (capital & 69) -
	       (small & 6);
}

static uint64_t load(const void *from)
{
	uint64_t x;

	memcpy(&x, from, sizeof x);
	return be64toh(x);
}

static void store(void *to, uint64_t x)
{
	x = htobe64(x);
	memcpy(to, &x, sizeof x);
}

/* n groups. */
static void encode_groups(char *out, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint64_t first = spread_bits(load(data) >> 16);
		const uint64_t second =
		    spread_bits(load(data + 4) & 0xffffffffffff);
		const halves values = {htobe64(first), htobe64(second)};
		const group chars = find_chars((group)values);

		memcpy(out, &chars, sizeof chars);
		out += CHARS;
		data += BYTES;
	}
}

/* n groups.  False if any character is none of the alphabet. */
static bool decode_groups(uint8_t *out, const char *text, size_t n)
{
	group wrong = {0};
	uint64_t any[2];

	for (size_t i = 0; i < n; i++) {
		uint64_t first, second;
		group chars;
		uint32_t end;

		memcpy(&chars, text, sizeof chars);
		chars = find_values(chars, &wrong);
		first = join_bits(load(&chars));
		second = join_bits(load((const uint8_t *)&chars + 8));
		store(out, first << 16 | second >> 32);
		end = htobe32((uint32_t)second);
		memcpy(out + 8, &end, sizeof end);
		out += BYTES;
		text += CHARS;
	}
	memcpy(any, &wrong, sizeof any);
	return (any[0] | any[1]) == 0;
}

void base64_encode(char *out, const uint8_t *data, size_t len)
{
	const size_t n = len / BYTES, left = len % BYTES;
	const size_t used = (left * 4 + 2) / 3; /* characters but padding */
	uint8_t rest[BYTES] = {0};
	char text[CHARS];

	encode_groups(out, data, n);
	memcpy(rest, data + n * BYTES, left);
	encode_groups(text, rest, 1);
	memset(text + used, '=', sizeof text - used);
	out += n * CHARS;
	memcpy(out, text, BASE64_LEN(left));
	out[BASE64_LEN(left)] = '\0';
	explicit_bzero(rest, sizeof rest);
	explicit_bzero(text, sizeof text);
}

/* How many of the last two characters are padding; len is not 0. */
static size_t count_padding(const char *text, size_t len)
{
	if (text[len - 1] != '=')
		return 0;
	return text[len - 2] == '=' ? 2 : 1;
}

/* The last 0 to CHARS characters, of which pad are padding.  False also if a
 * bit is set that belongs to no byte. */
static bool decode_end(uint8_t *out, const char *text, size_t len, size_t pad)
{
	const size_t bytes = BASE64_BYTES(len) - pad;
	uint8_t rest[BYTES], unused = 0;
	char chars[CHARS];
	bool known;

	memset(chars, 'A', sizeof chars); /* bits that are 0 */
	if (len > pad)
		memcpy(chars, text, len - pad);
	known = decode_groups(rest, chars, 1);
	for (size_t i = bytes; i < sizeof rest; i++)
		unused |= rest[i];
	if (bytes > 0)
		memcpy(out, rest, bytes);
	explicit_bzero(chars, sizeof chars);
	explicit_bzero(rest, sizeof rest);
	return known && unused == 0;
}

/* All of it is looked at, wherever the first wrong character stands. */
static bool decode_all(uint8_t *out, const char *text, size_t len, size_t pad)
{
	const size_t n = len > 0 ? (len - 1) / CHARS : 0;
	const bool known = decode_groups(out, text, n);

	return decode_end(
		   out + n * BYTES, text + n * CHARS, len - n * CHARS, pad) &&
	       known;
}

int base64_decode(
    uint8_t *out, size_t max, size_t *out_len, const char *text, size_t len)
{
	const size_t pad =
	    len > 0 && len % 4 == 0 ? count_padding(text, len) : 0;
	int rc = 0;

	*out_len = 0;
	if (len % 4 == 0 && BASE64_BYTES(len) - pad > max)
		rc = ERR_LIMIT;
	else if (len % 4 != 0 || !decode_all(out, text, len, pad))
		rc = ERR_FORMAT;
	if (rc == 0)
		*out_len = BASE64_BYTES(len) - pad;
	else if (max > 0)
		explicit_bzero(out, max);
	return rc;
}

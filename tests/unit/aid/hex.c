/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint8_t nibble(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = strchr(digits, c);

	assert_true(c != '\0' && at != NULL);
	return (uint8_t)(at - digits);
}

size_t hex_bytes(uint8_t *out, size_t max, const char *hex)
{
	const size_t len = strlen(hex) / 2;
	size_t i;

	assert_int_equal(strlen(hex) % 2, 0);
	assert_true(len <= max);
	for (i = 0; i < len; i++)
		out[i] =
		    (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
	return len;
}

void hex_exactly(uint8_t *out, size_t len, const char *hex)
{
	assert_int_equal(hex_bytes(out, len, hex), len);
}

void hex_flip(void *data, size_t bit)
{
	((uint8_t *)data)[bit / 8] ^= (uint8_t)(1u << (bit % 8));
}

void hex_assert_wiped(const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i < len; i++)
		assert_int_equal(p[i], 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/err.h"

/* RFC 4648 section 10. */
static const struct {
	const char *bytes;
	const char *text;
} vectors[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";

static void the_vectors_of_rfc_4648_encode_and_decode(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		size_t len = strlen(vectors[i].bytes);
		uint8_t bytes[8];
		char text[16];
		size_t got = 99;

		base64_encode(text, (const uint8_t *)vectors[i].bytes, len);
		assert_string_equal(text, vectors[i].text);
		assert_int_equal(strlen(text), BASE64_LEN(len));
		assert_int_equal(base64_decode(bytes, sizeof bytes, &got, text,
				     strlen(text)),
		    0);
		assert_int_equal(got, len);
		assert_memory_equal(bytes, vectors[i].bytes, len);
	}
}

/* Each of the 64 values at each of the four places. */
static void each_value_has_its_character_at_each_place(void **state)
{
	uint32_t v;
	size_t place;

	(void)state;
	for (v = 0; v < 64; v++)
		for (place = 0; place < 4; place++) {
			uint32_t bits = v << (18 - 6 * place);
			const uint8_t bytes[3] = {(uint8_t)(bits >> 16),
			    (uint8_t)(bits >> 8), (uint8_t)bits};
			char expected[] = "AAAA";
			uint8_t back[3];
			char text[5];
			size_t got;

			expected[place] = alphabet[v];
			base64_encode(text, bytes, 3);
			assert_string_equal(text, expected);
			assert_int_equal(
			    base64_decode(back, 3, &got, text, 4), 0);
			assert_int_equal(got, 3);
			assert_memory_equal(back, bytes, 3);
		}
}

/* Random bytes of every length, in blocks of the exact size so that a
 * sanitizer sees one byte too far. */
static void bytes_of_every_length_survive_base64(void **state)
{
	uint32_t seed = 1;
	size_t len, i;

	(void)state;
	for (len = 0; len <= 200; len++) {
		uint8_t *bytes = malloc(len > 0 ? len : 1);
		uint8_t *back = malloc(len > 0 ? len : 1);
		char *text = malloc(BASE64_LEN(len) + 1);
		size_t got;

		assert_true(bytes != NULL && back != NULL && text != NULL);
		for (i = 0; i < len; i++) {
			seed = seed * 1664525u + 1013904223u;
			bytes[i] = (uint8_t)(seed >> 24);
		}
		base64_encode(text, bytes, len);
		assert_int_equal(strlen(text), BASE64_LEN(len));
		assert_int_equal(
		    base64_decode(back, len, &got, text, strlen(text)), 0);
		assert_int_equal(got, len);
		assert_memory_equal(back, bytes, len);
		free(bytes);
		free(back);
		free(text);
	}
}

/* By the definition, bit after bit. */
static char find_char(const uint8_t *bytes, size_t place)
{
	unsigned value = 0;

	for (size_t bit = 6 * place; bit < 6 * place + 6; bit++)
		value = value << 1 | (bytes[bit / 8] >> (7 - bit % 8) & 1u);
	return alphabet[value];
}

#define LONG 60 /* bytes: several groups of those that go together */

static void a_long_text_is_that_of_the_definition(void **state)
{
	uint8_t bytes[LONG], back[LONG];
	char text[BASE64_LEN(LONG) + 1];
	size_t got;

	(void)state;
	for (unsigned round = 0; round < 256; round++) {
		for (size_t i = 0; i < LONG; i++)
			bytes[i] = (uint8_t)(round + i * (2 * round + 1));
		base64_encode(text, bytes, LONG);
		for (size_t i = 0; i < BASE64_LEN(LONG); i++)
			assert_int_equal(text[i], find_char(bytes, i));
		assert_int_equal(text[BASE64_LEN(LONG)], '\0');
		assert_int_equal(
		    base64_decode(back, LONG, &got, text, BASE64_LEN(LONG)), 0);
		assert_int_equal(got, LONG);
		assert_memory_equal(back, bytes, LONG);
	}
}

static void no_place_of_a_long_text_takes_another_character(void **state)
{
	char text[BASE64_LEN(LONG)];
	uint8_t out[LONG];
	size_t got;

	(void)state;
	memset(text, 'A', sizeof text);
	for (size_t place = 0; place < sizeof text - 1; place++) {
		for (int c = 0; c < 256; c++) {
			const bool known =
			    c != 0 && strchr(alphabet, c) != NULL;

			text[place] = (char)c;
			assert_int_equal(base64_decode(out, sizeof out, &got,
					     text, sizeof text),
			    known ? 0 : ERR_FORMAT);
			assert_int_equal(got, known ? LONG : 0);
		}
		text[place] = 'A';
	}
}

static void assert_refused(const char *text, size_t len)
{
	uint8_t out[16];
	uint8_t wiped[16] = {0};
	size_t got = 99;

	memset(out, 0x5a, sizeof out);
	assert_int_equal(
	    base64_decode(out, sizeof out, &got, text, len), ERR_FORMAT);
	assert_int_equal(got, 0);
	assert_memory_equal(out, wiped, sizeof out);
}

static void text_that_is_not_canonical_base64_is_refused(void **state)
{
	static const char *const texts[] = {/* length */
	    "Z", "Zg", "Zg=", "Zm9vY", "Zm9vYg", "Zm9vYg=",
	    /* padding */
	    "=",
	    "==", "===", "====", "Z===", "=g==", "Zg==Zg==", "Zm8=Zm8=", "Zg=v",
	    "Z=9v", "=m9v", "Zm9v=", "Zm9v==", "Zm9v====", "Zg==\n",
	    /* white space */
	    " Zm9v", "Zm9v ", "Zm 9v", "Zm9v\n", "Zm9\n", "\nZm9", "Zm\t9",
	    "Zm9v\r\n\r\n",
	    /* unused bits that are set */
	    "Zh==", "Zv==", "Z/==", "Zm9=", "Zm+=", "Zm/=", "Zm9vYh==",
	    /* other alphabets */
	    "Zm9-", "Zm9_", "Zm9.", "Zm9,", "*m9v", "Zm9v!!!!"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_refused(texts[i], strlen(texts[i]));
	assert_refused("Zm9\0", 4);
	assert_refused("\0m9v", 4);
	assert_refused("Zg=\0", 4);
}

/* All 256 characters at all four places: the 64 and, at the end alone, the
 * padding, are the only ones taken. */
static void no_character_outside_the_alphabet_is_taken(void **state)
{
	size_t place;
	int c;

	(void)state;
	for (c = 0; c < 256; c++)
		for (place = 0; place < 4; place++) {
			bool known = c != 0 && strchr(alphabet, c) != NULL;
			char text[4] = {'A', 'A', 'A', 'A'};
			uint8_t out[3];
			size_t got;

			text[place] = (char)c;
			if (place == 3 && c == '=')
				known = true;
			assert_int_equal(
			    base64_decode(out, sizeof out, &got, text, 4),
			    known ? 0 : ERR_FORMAT);
		}
}

/* One encoding a payload: of all 64 last characters before padding only
 * those with zero unused bits decode. */
static void unused_bits_must_be_zero(void **state)
{
	uint32_t v;

	(void)state;
	for (v = 0; v < 64; v++) {
		char one[] = "A?==";
		char two[] = "AA?=";
		uint8_t out[3];
		size_t got;

		one[1] = alphabet[v];
		two[2] = alphabet[v];
		assert_int_equal(base64_decode(out, 3, &got, one, 4),
		    v % 16 == 0 ? 0 : ERR_FORMAT);
		assert_int_equal(base64_decode(out, 3, &got, two, 4),
		    v % 4 == 0 ? 0 : ERR_FORMAT);
	}
}

static void text_that_does_not_fit_is_not_decoded(void **state)
{
	uint8_t out[6] = {1, 2, 3, 4, 5, 6};
	const uint8_t expected[6] = {0, 0, 0, 0, 5, 6};
	size_t got = 99;

	(void)state;
	assert_int_equal(base64_decode(out, 4, &got, "Zm9vYmE=", 8), ERR_LIMIT);
	assert_int_equal(got, 0);
	assert_memory_equal(out, expected, sizeof out);
	assert_int_equal(base64_decode(out, 5, &got, "Zm9vYmE=", 8), 0);
	assert_int_equal(got, 5);
	assert_memory_equal(out, "fooba\6", 6);
	assert_int_equal(base64_decode(NULL, 0, &got, "Zg==", 4), ERR_LIMIT);
	assert_int_equal(base64_decode(NULL, 0, &got, "", 0), 0);
	assert_int_equal(got, 0);
}

/* Reads and writes nothing beyond the lengths given. */
static void decoding_stays_within_the_lengths_given(void **state)
{
	char *text = malloc(4);
	uint8_t *out = malloc(1);
	size_t got;

	(void)state;
	assert_true(text != NULL && out != NULL);
	memcpy(text, "Zg==", 4);
	assert_int_equal(base64_decode(out, 1, &got, text, 4), 0);
	assert_int_equal(out[0], 'f');
	assert_int_equal(base64_decode(out, 1, &got, text, 3), ERR_FORMAT);
	free(text);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_vectors_of_rfc_4648_encode_and_decode),
	    cmocka_unit_test(each_value_has_its_character_at_each_place),
	    cmocka_unit_test(bytes_of_every_length_survive_base64),
	    cmocka_unit_test(a_long_text_is_that_of_the_definition),
	    cmocka_unit_test(no_place_of_a_long_text_takes_another_character),
	    cmocka_unit_test(text_that_is_not_canonical_base64_is_refused),
	    cmocka_unit_test(no_character_outside_the_alphabet_is_taken),
	    cmocka_unit_test(unused_bits_must_be_zero),
	    cmocka_unit_test(text_that_does_not_fit_is_not_decoded),
	    cmocka_unit_test(decoding_stays_within_the_lengths_given)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

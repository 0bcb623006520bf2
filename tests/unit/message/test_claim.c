/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "message/claim.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#define KEY      "v=1;key=0123456789abcdef"
#define GOOD     KEY ";seq=7;time=1700000000000;bits=512;seal=none"

static int parse(const char *text, struct claim *claim)
{
	return claim_parse(text, strlen(text), claim);
}

static void a_claim_is_written_as_its_canonical_text(void **state)
{
	const struct claim claim = {
	    .key = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef},
	    .seq = 7,
	    .time = 1700000000000,
	    .bits = 512,
	    .seal = CLAIM_SEAL_NONE};
	char text[MESSAGE_ENTROPY_MAX + 1];

	(void)state;
	claim_format(&claim, text);
	assert_string_equal(text, GOOD);
}

static void round_trip(const struct claim *claim)
{
	char text[MESSAGE_ENTROPY_MAX + 1], again[MESSAGE_ENTROPY_MAX + 1];
	struct claim got;

	claim_format(claim, text);
	assert_int_equal(parse(text, &got), 0);
	assert_memory_equal(got.key, claim->key, sizeof got.key);
	assert_true(got.seq == claim->seq);
	assert_true(got.time == claim->time);
	assert_true(got.bits == claim->bits);
	assert_true(got.seal == claim->seal);
	claim_format(&got, again);
	assert_string_equal(text, again);
}

static void a_claim_survives_writing_and_reading(void **state)
{
	struct claim claim = {.seq = 0};
	int i;

	(void)state;
	round_trip(&claim);
	memset(claim.key, 0xff, sizeof claim.key);
	claim.seq = UINT64_MAX;
	claim.time = INT64_MAX;
	claim.bits = UINT32_MAX;
	claim.seal = CLAIM_SEAL_X25519;
	round_trip(&claim);
	for (i = 0; i < 2000; i++) {
		assert_int_equal(keys_random(&claim, sizeof claim), 0);
		claim.seq >>= i % 64;
		claim.time = (int64_t)((uint64_t)claim.time >> (1 + i % 63));
		claim.bits >>= i % 32;
		claim.seal = i % 2 == 0 ? CLAIM_SEAL_NONE : CLAIM_SEAL_X25519;
		round_trip(&claim);
	}
}

static void a_claim_that_is_not_canonical_is_refused(void **state)
{
	static const char *const bad[] = {"", "v=1", "v=1;", KEY, KEY ";",
	    /* order, repetition, omission, additions */
	    KEY ";time=1;seq=7;bits=512;seal=none",
	    "key=0123456789abcdef;v=1;seq=7;time=1;bits=1;seal=none",
	    KEY ";seq=7;seq=7;time=1;bits=1;seal=none",
	    KEY ";seq=7;time=1;bits=1", KEY ";time=1;bits=1;seal=none",
	    GOOD ";", GOOD " ", GOOD "\n", GOOD ";x=1", " " GOOD, GOOD "e",
	    /* version and seal */
	    "v=2;key=0123456789abcdef;seq=7;time=1;bits=1;seal=none",
	    "v=01;key=0123456789abcdef;seq=7;time=1;bits=1;seal=none",
	    "V=1;key=0123456789abcdef;seq=7;time=1;bits=1;seal=none",
	    KEY ";seq=7;time=1;bits=1;seal=", KEY ";seq=7;time=1;bits=1;seal=x",
	    KEY ";seq=7;time=1;bits=1;seal=None",
	    KEY ";seq=7;time=1;bits=1;seal=x255190",
	    KEY ";seq=7;time=1;bits=1;seal=nonex25519",
	    KEY ";seq=7;time=1;bits=1;seal=x2551",
	    /* the key */
	    "v=1;key=0123456789ABCDEF;seq=7;time=1;bits=1;seal=none",
	    "v=1;key=0123456789abcde;seq=7;time=1;bits=1;seal=none",
	    "v=1;key=0123456789abcdef0;seq=7;time=1;bits=1;seal=none",
	    "v=1;key=0123456789abcdeg;seq=7;time=1;bits=1;seal=none",
	    "v=1;key=;seq=7;time=1;bits=1;seal=none",
	    /* numbers */
	    KEY ";seq=;time=1;bits=1;seal=none",
	    KEY ";seq=07;time=1;bits=1;seal=none",
	    KEY ";seq=00;time=1;bits=1;seal=none",
	    KEY ";seq=+7;time=1;bits=1;seal=none",
	    KEY ";seq=-7;time=1;bits=1;seal=none",
	    KEY ";seq= 7;time=1;bits=1;seal=none",
	    KEY ";seq=7 ;time=1;bits=1;seal=none",
	    KEY ";seq=0x7;time=1;bits=1;seal=none",
	    KEY ";seq=7.0;time=1;bits=1;seal=none",
	    KEY ";seq=7e1;time=1;bits=1;seal=none",
	    KEY ";seq=18446744073709551616;time=1;bits=1;seal=none",
	    KEY ";seq=18446744073709551620;time=1;bits=1;seal=none",
	    KEY ";seq=99999999999999999999;time=1;bits=1;seal=none",
	    KEY ";seq=184467440737095516150;time=1;bits=1;seal=none",
	    KEY ";seq=7;time=-1;bits=1;seal=none",
	    KEY ";seq=7;time=9223372036854775808;bits=1;seal=none",
	    KEY ";seq=7;time=18446744073709551615;bits=1;seal=none",
	    KEY ";seq=7;time=1;bits=4294967296;seal=none",
	    KEY ";seq=7;time=1;bits=01;seal=none",
	    KEY ";seq=7;time=1;bits=;seal=none"};
	struct claim claim = {.seq = 99};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		if (parse(bad[i], &claim) != ERR_FORMAT)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(claim.seq, 99);
}

static void the_largest_numbers_of_a_claim_are_read(void **state)
{
	struct claim claim;

	(void)state;
	assert_int_equal(parse(KEY ";seq=18446744073709551615;"
				   "time=9223372036854775807;bits=4294967295;"
				   "seal=x25519",
			     &claim),
	    0);
	assert_true(claim.seq == UINT64_MAX);
	assert_true(claim.time == INT64_MAX);
	assert_true(claim.bits == UINT32_MAX);
	assert_int_equal(claim.seal, CLAIM_SEAL_X25519);
}

/* Whatever one byte is changed to, what is accepted is its own only text. */
static void each_claim_has_one_text_only(void **state)
{
	char text[] = GOOD, again[MESSAGE_ENTROPY_MAX + 1];
	struct claim claim;
	size_t i, accepted = 0;
	int c;

	(void)state;
	for (i = 0; i < sizeof text - 1; i++) {
		const char was = text[i];

		for (c = 0; c < 256; c++) {
			text[i] = (char)c;
			if (claim_parse(text, sizeof text - 1, &claim) != 0)
				continue;
			claim_format(&claim, again);
			assert_memory_equal(text, again, sizeof text);
			accepted++;
		}
		text[i] = was;
	}
	/* 16 hexadecimal and 17 decimal digits; a first of several is no 0. */
	assert_int_equal(
	    accepted, (sizeof text - 1 - 33) + 16 * 16 + 15 * 10 + 2 * 9);
}

/* A record's field ends where its length says, not at a NUL. */
static void a_claim_ends_where_its_length_says(void **state)
{
	static const char with_nul[] = GOOD "\0";
	struct claim claim;
	char *copy;
	size_t len;

	(void)state;
	assert_int_equal(
	    claim_parse(with_nul, sizeof with_nul - 1, &claim), ERR_FORMAT);
	for (len = 0; len <= strlen(GOOD); len++) {
		copy = malloc(len + 1); /* nothing behind it to read */
		assert_non_null(copy);
		memcpy(copy + 1, GOOD, len);
		assert_int_equal(claim_parse(copy + 1, len, &claim),
		    len == strlen(GOOD) ? 0 : ERR_FORMAT);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_claim_is_written_as_its_canonical_text),
	    cmocka_unit_test(a_claim_survives_writing_and_reading),
	    cmocka_unit_test(a_claim_that_is_not_canonical_is_refused),
	    cmocka_unit_test(the_largest_numbers_of_a_claim_are_read),
	    cmocka_unit_test(each_claim_has_one_text_only),
	    cmocka_unit_test(a_claim_ends_where_its_length_says)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

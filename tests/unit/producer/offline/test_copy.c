/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "message/message.h"
#include "producer/offline/copy.h"

static struct copy copy;
static uint8_t data[2 * MESSAGE_PAYLOAD_MAX];

static void fill(uint32_t x)
{
	for (size_t i = 0; i < sizeof data; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = (uint8_t)(x >> 24);
	}
}

static void cutoffs_are_those_of_the_header(void **state)
{
	static const struct {
		double bits;
		size_t len;
		unsigned run, hits;
		size_t soonest;
	} cases[] = {{1, 512, 1, 1, 1024}, {1, 16384, 1, 1, 32768},
	    {8, 32, 1, 1, 64}, {1, 33, 1, 2, 99}, {1, 32, 2, 2, 96},
	    {0.1, 512, 1, 1, 1024}, {0.1, 32, 11, 28, 928}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		copy_init(&copy, cases[i].bits, 32, cases[i].len);
		assert_int_equal(copy.cutoffs.run, cases[i].run);
		assert_int_equal(copy.cutoffs.hits, cases[i].hits);
		assert_int_equal(copy_soonest(&copy), cases[i].soonest);
	}
}

static void a_copy_is_found_at_its_last_byte(void **state)
{
	static const size_t lengths[] = {32, 512, 1025, MESSAGE_PAYLOAD_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		const size_t len = lengths[i];

		fill((uint32_t)len);
		memcpy(data + len, data, len);
		copy_init(&copy, 4, 32, len);
		assert_int_equal(
		    copy_feed(&copy, data, 2 * len - 1), PREDICTOR_GOOD);
		assert_int_equal(
		    copy_feed(&copy, data + 2 * len - 1, 1), PREDICTOR_RUN);
	}
}

static void one_byte_makes_another_block(void **state)
{
	(void)state;
	for (size_t at = 0; at < 64; at++) {
		fill(1);
		memcpy(data + 64, data, 64);
		data[64 + at] ^= 1;
		copy_init(&copy, 8, 32, 64);
		assert_int_equal(copy_feed(&copy, data, 128), PREDICTOR_GOOD);
	}
}

/* The first block has none before it, even if it is all zero. */
static void the_first_block_is_no_copy(void **state)
{
	(void)state;
	memset(data, 0, sizeof data);
	copy_init(&copy, 8, 32, 64);
	assert_int_equal(copy_feed(&copy, data, 64), PREDICTOR_GOOD);
	copy_reset(&copy);
	assert_int_equal(copy_feed(&copy, data, 64), PREDICTOR_GOOD);
	assert_int_equal(copy_feed(&copy, data, 64), PREDICTOR_RUN);
}

/* Where a block is claimed to hold 3.2 bits, 11 in a row, or 28 of 64. */
static void short_blocks_of_a_low_claim_may_come_again(void **state)
{
	unsigned fed = 0;

	(void)state;
	fill(5);
	copy_init(&copy, 0.1, 32, 32);
	while (copy_feed(&copy, data, 32) == PREDICTOR_GOOD)
		fed++;
	assert_int_equal(fed, 11);
	/* Two equal ones, then another: half of all are hits. */
	copy_reset(&copy);
	for (fed = 0; fed < 64; fed++) {
		const uint8_t *block = data + fed / 2 % 2 * 32;

		if (copy_feed(&copy, block, 32) != PREDICTOR_GOOD)
			break;
	}
	assert_int_equal(fed + 1, 2 * 28);
	/* In the next window hits count anew. */
	copy_reset(&copy);
	for (fed = 0; fed < 3 * COPY_WINDOW; fed++) {
		const uint8_t *block = data + fed / 2 % 2 * 32;

		if (fed % COPY_WINDOW >= 50)
			block = data + 128 + fed * 32;
		assert_int_equal(copy_feed(&copy, block, 32), PREDICTOR_GOOD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cutoffs_are_those_of_the_header),
	    cmocka_unit_test(a_copy_is_found_at_its_last_byte),
	    cmocka_unit_test(one_byte_makes_another_block),
	    cmocka_unit_test(the_first_block_is_no_copy),
	    cmocka_unit_test(short_blocks_of_a_low_claim_may_come_again),
	};

	return cmocka_run_group_tests_name("producer copy", tests, NULL, NULL);
}

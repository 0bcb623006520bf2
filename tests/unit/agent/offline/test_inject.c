/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <linux/random.h>
#include <string.h>

#include "agent/offline/inject.h"

static void the_argument_is_the_kernels(void **state)
{
	static const uint8_t data[512] = {1, 2, 3, [511] = 9};
	struct rand_pool_info head;
	struct buf *b;

	(void)state;
	assert_int_equal(inject_argument(data, sizeof data, 256, &b), 0);
	assert_int_equal(buf_len(b), sizeof head + sizeof data);
	memcpy(&head, buf_data(b), sizeof head);
	assert_int_equal(head.entropy_count, 256);
	assert_int_equal(head.buf_size, 512);
	assert_memory_equal(
	    buf_data(b) + offsetof(struct rand_pool_info, buf), data, 512);
	buf_free(b);
}

static void no_more_credit_is_given_than_there_are_bits(void **state)
{
	static const uint8_t data[32];
	struct buf *b;

	(void)state;
	assert_int_equal(inject_argument(data, 32, 257, &b), ERR_LIMIT);
	assert_null(b);
	assert_int_equal(
	    inject_argument(data, (size_t)INT_MAX, 0, &b), ERR_LIMIT);
	assert_null(b);
	assert_int_equal(inject_argument(data, 32, 256, &b), 0);
	buf_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_argument_is_the_kernels),
	    cmocka_unit_test(no_more_credit_is_given_than_there_are_bits),
	};

	return cmocka_run_group_tests_name("agent inject", tests, NULL, NULL);
}

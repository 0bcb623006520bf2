/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <linux/random.h>
#include <string.h>

#include "../../agent/credit.h"
#include "../../agent/inject.h"

static enum credit_verdict judge(enum credit_unsigned policy, double per_byte,
    size_t len, uint32_t receive_count, unsigned *bits)
{
	const struct credit_policy p = {policy, per_byte};
	const struct credit_message m = {len, receive_count};

	return credit_judge(&p, &m, bits);
}

static void unsigned_messages_follow_the_policy(void **state)
{
	unsigned bits;

	(void)state;
	assert_int_equal(
	    judge(CREDIT_MIX, 8, 512, 1, &bits), CREDIT_NOT_SIGNED);
	assert_int_equal(bits, 0);
	assert_int_equal(
	    judge(CREDIT_REFUSE, 8, 512, 1, &bits), CREDIT_REFUSED);
	assert_int_equal(bits, 0);
	assert_int_equal(judge(CREDIT_CREDIT, 1, 512, 1, &bits), CREDIT_GIVEN);
	assert_int_equal(bits, 512);
	assert_int_equal(
	    judge(CREDIT_CREDIT, 0.3, 512, 1, &bits), CREDIT_GIVEN);
	assert_int_equal(bits, 153);
	assert_int_equal(judge(CREDIT_CREDIT, 0, 512, 1, &bits), CREDIT_GIVEN);
	assert_int_equal(bits, 0);
}

static void a_redelivered_message_earns_nothing(void **state)
{
	static const uint32_t counts[] = {0, 2, 3, UINT32_MAX};
	unsigned bits;

	(void)state;
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		assert_int_equal(judge(CREDIT_CREDIT, 8, 512, counts[i], &bits),
		    CREDIT_REDELIVERED);
		assert_int_equal(bits, 0);
	}
}

static void all_or_nothing(void **state)
{
	(void)state;
	assert_int_equal(credit_total(0), 0);
	assert_int_equal(credit_total(255), 0);
	assert_int_equal(credit_total(256), 256);
	assert_int_equal(credit_total(257), 256);
	assert_int_equal(credit_total(ULONG_MAX), 256);
}

static void the_argument_is_the_kernels(void **state)
{
	static const uint8_t data[512] = {1, 2, 3, [511] = 9};
	struct buf *b = buf_new(inject_argument_len(sizeof data));
	struct rand_pool_info head;

	(void)state;
	assert_int_equal(inject_argument(b, data, sizeof data, 256), 0);
	assert_int_equal(buf_len(b), sizeof head + sizeof data);
	memcpy(&head, buf_data(b), sizeof head);
	assert_int_equal(head.entropy_count, 256);
	assert_int_equal(head.buf_size, 512);
	assert_memory_equal(
	    buf_data(b) + offsetof(struct rand_pool_info, buf), data, 512);
	buf_free(b);
}

static void no_more_credit_than_bits(void **state)
{
	static const uint8_t data[32];
	struct buf *b = buf_new(inject_argument_len(sizeof data));

	(void)state;
	assert_int_equal(inject_argument(b, data, 32, 257), ERR_LIMIT);
	assert_int_equal(
	    inject_argument(b, data, (size_t)INT_MAX, 0), ERR_LIMIT);
	assert_int_equal(buf_len(b), 0);
	assert_int_equal(inject_argument(b, data, 32, 256), 0);
	/* Whole or not at all. */
	assert_int_equal(inject_argument(b, data, 32, 256), ERR_LIMIT);
	buf_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(unsigned_messages_follow_the_policy),
	    cmocka_unit_test(a_redelivered_message_earns_nothing),
	    cmocka_unit_test(all_or_nothing),
	    cmocka_unit_test(the_argument_is_the_kernels),
	    cmocka_unit_test(no_more_credit_than_bits),
	};

	return cmocka_run_group_tests_name("agent inject", tests, NULL, NULL);
}

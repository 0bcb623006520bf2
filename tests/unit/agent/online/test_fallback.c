/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/online/fallback.h"

/* Each error that a run can end with, and whether somebody else is asked. */
static void only_an_empty_or_a_distant_queue_is_made_up_for(void **state)
{
	static const int helped[] = {ERR_EMPTY, ERR_TIMEOUT, ERR_UNREACHABLE,
	    ERR_CONNECT, ERR_NET, ERR_SERVICE, ERR_THROTTLED, ERR_FORMAT,
	    ERR_LIMIT, ERR_EOF, ERR_ABSENT};

	(void)state;
	for (int rc = 0; rc >= ERR_INTERNAL; rc--) {
		bool expected = false;

		for (size_t i = 0; i < sizeof helped / sizeof helped[0]; i++)
			expected = expected || helped[i] == rc;
		if (fallback_may_help(rc) != expected)
			fail_msg("%d: %s", rc, err_text(rc));
	}
}

static void a_kernel_alone_is_given_it(void **state)
{
	struct conf conf = {.fallback = CONF_KMS};

	(void)state;
	assert_true(fallback_is_wanted(&conf));
	conf.output[0] = '-';
	assert_false(fallback_is_wanted(&conf));
	conf = (struct conf){.fallback = CONF_NOTHING};
	assert_false(fallback_is_wanted(&conf));
}

static void the_queue_keeps_most_of_the_time(void **state)
{
	static const int64_t cases[][2] = {
	    {300000, 2000}, {8000, 2000}, {7999, 1999}, {1000, 250}, {0, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(fallback_reserve(cases[i][0]), cases[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_an_empty_or_a_distant_queue_is_made_up_for),
	    cmocka_unit_test(a_kernel_alone_is_given_it),
	    cmocka_unit_test(the_queue_keeps_most_of_the_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

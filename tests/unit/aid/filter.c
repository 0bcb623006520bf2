/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

/* TEST_FILTER="*replay*" runs the tests of that name alone: cmocka takes a
 * pattern from a call, and tests/one has the environment only. */
__attribute__((constructor)) static void take_filter(void)
{
	const char *pattern = getenv("TEST_FILTER");

	if (pattern != NULL)
		cmocka_set_test_filter(pattern);
}

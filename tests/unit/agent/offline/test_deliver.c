/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "agent/offline/deliver.h"

/* What the log says behind "credit 0 bits". */
static void why_there_is_no_credit_is_told(void **state)
{
	static const struct {
		unsigned withheld[3]; /* of each message */
		unsigned long bits;   /* that they earned together */
		const char *said;
	} cases[] = {{{CREDIT_NOT_SIGNED}, 0, "not signed"},
	    {{CREDIT_NOT_SIGNED, CREDIT_SEEN, CREDIT_NOT_SIGNED}, 0,
		"not signed, used before"},
	    {{0}, 0, "none is claimed"},
	    {{0}, 100, "less than 256 bits are none"},
	    {{0, CREDIT_STALE}, 255,
		"less than 256 bits are none, sent too long after signing"},
	    /* They would have been enough. */
	    {{CREDIT_NOT_REMEMBERED}, 512, "use cannot be remembered"}};
	char text[DELIVER_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		static struct taken taken;

		taken = (struct taken){.n = 3, .bits = cases[i].bits};
		for (size_t k = 0; k < 3; k++)
			taken.at[k].withheld = cases[i].withheld[k];
		deliver_explain(&taken, text, sizeof text);
		assert_string_equal(text, cases[i].said);
	}
}

static void all_reasons_have_room(void **state)
{
	static struct taken taken = {.n = 1, .bits = 1};
	char text[DELIVER_WHY_MAX];

	(void)state;
	taken.at[0].withheld = (1U << CREDIT_REASONS) - 1;
	deliver_explain(&taken, text, sizeof text);
	assert_true(strlen(text) < DELIVER_WHY_MAX - 1);
	assert_non_null(strstr(text, credit_reason(CREDIT_REASONS - 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(why_there_is_no_credit_is_told),
	    cmocka_unit_test(all_reasons_have_room),
	};

	return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json/text.h"

#define LEN 29 /* some words of eight bytes, and a rest */

/* Each byte at each place, in a block that ends where the text does. */
static void a_plain_span_ends_at_what_has_to_be_looked_at(void **state)
{
	uint8_t *text = malloc(LEN);

	(void)state;
	assert_non_null(text);
	for (int c = 0; c < 256; c++) {
		const bool plain =
		    c >= 0x20 && c < 0x7f && c != '"' && c != '\\';

		memset(text, '~', LEN);
		for (size_t at = 0; at < LEN; at++) {
			text[at] = (uint8_t)c;
			assert_int_equal(
			    json_span_plain(text, LEN), plain ? LEN : at);
			assert_int_equal(json_span_plain(text, at), at);
			text[at] = '~';
		}
	}
	free(text);
}

/* No byte is hidden by what stands beside it. */
static void of_two_that_are_not_plain_the_first_counts(void **state)
{
	static const uint8_t bad[] = {0, 1, 0x1f, '"', '\\', 0x7f, 0x80, 0xff};
	uint8_t text[16];

	(void)state;
	for (size_t i = 0; i < sizeof bad; i++)
		for (size_t k = 0; k < sizeof bad; k++)
			for (size_t at = 0; at + 1 < sizeof text; at++) {
				memset(text, ' ', sizeof text);
				text[at] = bad[i];
				text[at + 1] = bad[k];
				assert_int_equal(
				    json_span_plain(text, sizeof text), at);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_plain_span_ends_at_what_has_to_be_looked_at),
	    cmocka_unit_test(of_two_that_are_not_plain_the_first_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

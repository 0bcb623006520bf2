/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "producer/assess/nist.h"

static struct nist found;

/* Some lines of version 1.1.8, with -v. */
#define BEGIN                                                                  \
	"Opening file: '/dev/stdin' (SHA-256 hash c7e5)\n"                     \
	"Running Most Common Value Estimate...\n"                              \
	"Bitstring MCV Estimate: mode = 4001353, p-hat = 0.50016\n"            \
	"\tMost Common Value Estimate (bit string) = 0.998199 / 1 bit(s)\n"    \
	"\tMost Common Value Estimate = 7.865118 / 8 bit(s)\n"                 \
	"\tLZ78Y Prediction Test Estimate = 7.926787 / 8 bit(s)\n\n"
#define END                                                                    \
	"H_original: 7.865118\nH_bitstring: 0.904233\n"                        \
	"min(H_original, 8 X H_bitstring): 7.233861\n"

static void what_the_tool_prints_is_read(void **state)
{
	(void)state;
	assert_true(nist_parse(BEGIN END, &found));
	assert_true(found.known);
	assert_int_equal(found.n, 3);
	assert_string_equal(
	    found.lines[0].name, "Most Common Value Estimate (bit string)");
	assert_int_equal(found.lines[0].bits, 1);
	assert_true(found.lines[0].value == 0.998199);
	assert_string_equal(
	    found.lines[2].name, "LZ78Y Prediction Test Estimate");
	assert_int_equal(found.lines[2].bits, 8);
	assert_true(found.original == 7.865118);
	assert_true(found.bitstring == 0.904233);
	assert_true(found.least == 7.233861);
	/* What is no number does not take the place of one. */
	assert_true(nist_parse(BEGIN END "H_original: nan\n", &found));
	assert_true(found.original == 7.865118);
}

static void what_is_no_whole_result_is_refused(void **state)
{
	static const char *const cases[] = {"", "\n", BEGIN, END,
	    BEGIN "H_original: 7.8\nH_bitstring: 0.9\n",
	    BEGIN "H_original: 7.8\nmin(H_original, 8 X H_bitstring): 7.2\n",
	    BEGIN "H_original: 9\nH_bitstring: 0.9\n"
		  "min(H_original, 8 X H_bitstring): 7.2\n",
	    BEGIN "H_original: nan\nH_bitstring: 0.9\n"
		  "min(H_original, 8 X H_bitstring): 7.2\n",
	    BEGIN "H_original: 7.8\nH_bitstring: 0.9\n"
		  "min(H_original, 8 X H_bitstring): -1\n"};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_false(nist_parse(cases[i], &found));
		assert_false(found.known);
	}
}

static void strange_lines_are_left_out(void **state)
{
	char text[32768] = "", longest[512];

	(void)state;
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	for (unsigned i = 0; i < NIST_LINES + 5; i++)
		strcat(text, "\tOne Estimate = 1.5 / 8 bit(s)\n");
	strcat(text, longest);
	strcat(text, " = 1.5 / 8 bit(s)\nA = 1.5 / 3 bit(s)\nB = 9 / 8 "
		     "bit(s)\nC = nan / 8 bit(s)\n\x1b[2J = 1 / 8 bit(s)\n");
	strcat(text, END);
	assert_true(nist_parse(text, &found));
	assert_int_equal(found.n, NIST_LINES);
	(void)snprintf(text, sizeof text, "\t\x1b[2J = 1 / 8 bit(s)\n%s", END);
	assert_true(nist_parse(text, &found));
	assert_string_equal(found.lines[0].name, "?[2J");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_the_tool_prints_is_read),
	    cmocka_unit_test(what_is_no_whole_result_is_refused),
	    cmocka_unit_test(strange_lines_are_left_out),
	};

	return cmocka_run_group_tests_name("nist", tests, NULL, NULL);
}

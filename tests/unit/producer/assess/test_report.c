/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aid/failing.h"
#include "producer/assess/report.h"
#include "json/parse.h"

static struct report report;
static char text[65536];

/* Of a source that is always zero, with what NIST's tool says of it. */
static int setup(void **state)
{
	static const uint8_t zeros[4096];

	(void)state;
	memset(&report, 0, sizeof report);
	report.path = "/dev/zero";
	report.what = "";
	report.bits_per_byte = 1;
	report.block = 512;
	report.sample.ms = 1000;
	report.sample.end = SAMPLE_WHOLE;
	if (!margins_begin(&report.margins, report.bits_per_byte, 512))
		return -1;
	for (size_t i = 0; i < 256; i++) {
		statistics_feed(&report.statistics, zeros, sizeof zeros);
		margins_feed(&report.margins, zeros, sizeof zeros);
		report.sample.bytes += sizeof zeros;
	}
	assert_true(nist_parse("\tMarkov Test Estimate = 0.5 / 1 bit(s)\n"
			       "H_original: 0.25\nH_bitstring: 0.5\n"
			       "min(H_original, 8 X H_bitstring): 0.25\n",
	    &report.nist));
	report_judge(&report);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	margins_end(&report.margins);
	return 0;
}

static int print_and_parse(void *state)
{
	struct json **out = state;
	FILE *to;
	int rc;

	failing_hold(true);
	memset(text, 0, sizeof text);
	to = fmemopen(text, sizeof text, "w");
	assert_non_null(to);
	failing_hold(false);
	rc = report_print_json(&report, to);
	(void)fclose(to);
	failing_hold(true);
	json_free(*out);
	*out = NULL;
	if (rc == 0)
		assert_int_equal(json_parse(text, strlen(text), out), 0);
	failing_hold(false);
	return rc;
}

static void what_nists_tool_says_is_in_the_json(void **state)
{
	const struct json *nist, *first;
	struct json *root = NULL;

	(void)state;
	assert_int_equal(print_and_parse(&root), 0);
	nist = json_get(root, "nist");
	first = json_at(json_get(nist, "estimates"), 0);
	assert_null(json_get(nist, "missing"));
	assert_int_equal(json_count(json_get(nist, "estimates")), 1);
	assert_string_equal(
	    json_string(json_get(first, "name")), "Markov Test Estimate");
	assert_non_null(strstr(text, "\"h_original\":0.250000"));
	assert_non_null(strstr(text, "\"least_per_byte\":0.250000"));
	json_free(root);
}

static void a_failed_source_has_no_recommendation(void **state)
{
	const char *notes[REPORT_NOTES + 1];

	(void)state;
	assert_true(report_has_failed(&report));
	assert_true(report.recommended == 0);
	report_notes(&report, notes);
	assert_string_equal(
	    notes[0], "a source that fails a health test must not be used");
	assert_null(notes[1]);
}

/* It passes the tests because so little is claimed. */
static void what_no_bit_can_be_claimed_of_is_told(void **state)
{
	const char *notes[REPORT_NOTES + 1];

	(void)state;
	for (int i = 0; i < MARGIN_TESTS; i++)
		report.margins.margin[i].most = 0;
	report_judge(&report);
	assert_false(report_has_failed(&report));
	report_notes(&report, notes);
	assert_string_equal(
	    notes[0], "below 0.1 bits per byte nothing can be claimed");
	assert_null(notes[1]);
}

static void each_call_of_printing_may_fail(void **state)
{
	struct json *root = NULL;

	(void)state;
	(void)failing_each(print_and_parse, &root, false);
	json_free(root);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_nists_tool_says_is_in_the_json),
	    TEST(a_failed_source_has_no_recommendation),
	    TEST(what_no_bit_can_be_claimed_of_is_told),
	    TEST(each_call_of_printing_may_fail)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

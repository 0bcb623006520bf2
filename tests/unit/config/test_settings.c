/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "config/settings.h"

static const char *const choices[] = {"mix", "credit", "refuse", NULL};

struct values {
	char queue[32];
	long messages;
	double bits;
	int unsigned_;
	bool strict;
	char keys[3][4];
	long depth, low, shared;
};
static struct values v;
static struct err err;

enum { QUEUE, MESSAGES, BITS, UNSIGNED, STRICT, KEYS, DEPTH, LOW, SHARED };
static const struct setting rows[] = {
    {"queue", SETTING_STRING, SETTING_FILE,
	SETTING_MEMBER(struct values, queue)},
    {"messages", SETTING_LONG, SETTING_FILE, "4", 1, 10,
	SETTING_MEMBER(struct values, messages)},
    {"bits-per-byte", SETTING_DOUBLE, SETTING_FILE, "1.0", 0.1, 8,
	SETTING_MEMBER(struct values, bits)},
    {"unsigned", SETTING_CHOICE, SETTING_FILE, "refuse", .choices = choices,
	SETTING_MEMBER(struct values, unsigned_)},
    {"strict", SETTING_FLAG, SETTING_OPTION, NULL,
	SETTING_MEMBER(struct values, strict)},
    {"keys", SETTING_LIST, SETTING_FILE, NULL, 0, 3,
	SETTING_MEMBER(struct values, keys)},
    {"depth", SETTING_LONG, SETTING_FILE, NULL, 1, 9,
	SETTING_MEMBER(struct values, depth)},
    {"low", SETTING_LONG, SETTING_FILE, "3", 1, 9, .unless = "depth",
	SETTING_MEMBER(struct values, low)},
    {"shared", SETTING_LONG, SETTING_FILE, "2", 1, 9, .with = "depth",
	SETTING_MEMBER(struct values, shared)},
};
static const struct settings settings = {
    rows, sizeof rows / sizeof rows[0], sizeof v};

static int setup(void **state)
{
	(void)state;
	memset(&v, 0xff, sizeof v);
	memset(&err, 0, sizeof err);
	return settings_set_defaults(&settings, &v, &err);
}

static void defaults_are_texts_or_zero(void **state)
{
	(void)state;
	assert_string_equal(v.queue, "");
	assert_int_equal(v.messages, 4);
	assert_true(v.bits == 1.0);
	assert_int_equal(v.unsigned_, 2);
	assert_false(v.strict);
}

static void a_default_out_of_its_range_is_refused(void **state)
{
	static const struct setting bad = {"messages", SETTING_LONG,
	    SETTING_FILE, "11", 1, 10, SETTING_MEMBER(struct values, messages)};
	const struct settings one = {&bad, 1, sizeof v};

	(void)state;
	assert_int_equal(settings_set_defaults(&one, &v, &err), ERR_CONFIG);
	assert_non_null(strstr(err.text, "messages"));
}

static void a_row_is_found_by_its_name(void **state)
{
	(void)state;
	assert_ptr_equal(settings_find(&settings, "strict"), &rows[STRICT]);
	assert_null(settings_find(&settings, "stric"));
	assert_null(settings_find(&settings, ""));
}

static void a_value_is_checked_before_it_is_stored(void **state)
{
	(void)state;
	assert_int_equal(
	    settings_set(&rows[MESSAGES], &v, "--messages", "9", &err), 0);
	assert_int_equal(v.messages, 9);
	assert_int_equal(
	    settings_set(&rows[MESSAGES], &v, "--messages", "0", &err),
	    ERR_CONFIG);
	assert_string_equal(
	    err.text, "--messages: \"0\" is not a whole number from 1 to 10");
	assert_int_equal(v.messages, 9);
	assert_int_equal(
	    settings_set(&rows[MESSAGES], &v, "m", "9.0", &err), ERR_CONFIG);
	assert_int_equal(settings_set(&rows[QUEUE], &v, "AWS_X", "q", NULL), 0);
	assert_string_equal(v.queue, "q");
	assert_int_equal(
	    settings_set(&rows[QUEUE], &v, "--queue", "a\nb", &err),
	    ERR_CONFIG);
	assert_string_equal(v.queue, "q");
	assert_int_equal(settings_set(&rows[BITS], &v, "--bits", "8", &err), 0);
	assert_true(v.bits == 8);
	assert_int_equal(
	    settings_set(&rows[UNSIGNED], &v, "--unsigned", "mix", &err), 0);
	assert_int_equal(v.unsigned_, 0);
	assert_int_equal(
	    settings_set(&rows[UNSIGNED], &v, "--unsigned", "", &err),
	    ERR_CONFIG);
	assert_int_equal(settings_set(&rows[STRICT], &v, "--strict", "", &err),
	    ERR_INTERNAL);
}

static void a_list_is_filled_from_its_start(void **state)
{
	static const struct {
		const char *text, *wrong; /* NULL: it is taken */
	} cases[] = {{"a", NULL}, {"", NULL}, {"abcd", "the 3 characters"},
	    {"\t", "control"}, {"a", "\"a\" is given twice"}, {"b", NULL},
	    {"abc", NULL}, {"d", "more than the 3 allowed"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const int rc =
		    settings_set(&rows[KEYS], &v, "k", cases[i].text, &err);

		assert_int_equal(rc, cases[i].wrong != NULL ? ERR_CONFIG : 0);
		if (rc != 0)
			assert_non_null(strstr(err.text, cases[i].wrong));
	}
	assert_string_equal(v.keys[0], "a");
	assert_string_equal(v.keys[1], "b");
	assert_string_equal(v.keys[2], "abc");
	settings_clear(&rows[KEYS], &v);
	assert_string_equal(v.keys[0], "");
	assert_string_equal(v.keys[2], "");
}

static void a_setting_may_hold_unless_another_one_is_set(void **state)
{
	(void)state;
	assert_true(settings_holds(&settings, &rows[QUEUE], &v));
	assert_false(settings_holds(&settings, &rows[DEPTH], &v));
	assert_true(settings_holds(&settings, &rows[LOW], &v));
	assert_false(settings_holds(&settings, &rows[SHARED], &v));
	v.depth = 1;
	assert_true(settings_holds(&settings, &rows[DEPTH], &v));
	assert_false(settings_holds(&settings, &rows[LOW], &v));
	assert_true(settings_holds(&settings, &rows[SHARED], &v));
	/* As where a default has given way. */
	v.depth = v.shared = 0;
	assert_false(settings_holds(&settings, &rows[SHARED], &v));
	assert_true(settings_holds(&settings, &rows[LOW], &v));
	v.low = 0;
	assert_false(settings_holds(&settings, &rows[LOW], &v));
}

/* 0 stands for what is not set, unless it is within the range of a setting
 * that has a default. */
static void a_number_of_0_holds_only_where_it_can_be_meant(void **state)
{
	static const struct {
		const char *initial;
		double min;
		bool holds;
	} cases[] = {{NULL, 1, false}, {NULL, 0, false}, {NULL, -1, false},
	    {"3", 1, false}, {"3", 0, true}, {"3", -1, true}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct setting row = {"low", SETTING_LONG, SETTING_FILE,
		    cases[i].initial, cases[i].min, 9,
		    SETTING_MEMBER(struct values, low)};

		v.low = 0;
		assert_int_equal(
		    settings_holds(&settings, &row, &v), cases[i].holds);
		v.low = 1;
		assert_true(settings_holds(&settings, &row, &v));
	}
}

static void assert_printed(const struct setting *row, const char *expected)
{
	char text[128] = "";
	FILE *to = fmemopen(text, sizeof text, "w");

	assert_non_null(to);
	settings_print(row, &v, to);
	assert_int_equal(fclose(to), 0);
	assert_string_equal(text, expected);
}

static void a_value_is_printed_as_the_file_has_it(void **state)
{
	(void)state;
	assert_printed(&rows[QUEUE], "queue = \"\"");
	(void)strcpy(v.queue, "a \"b\" \\ ${HOME} 'c'");
	assert_printed(
	    &rows[QUEUE], "queue = \"a \\\"b\\\" \\\\ \\${HOME} 'c'\"");
	assert_printed(&rows[MESSAGES], "messages = 4");
	assert_printed(&rows[BITS], "bits-per-byte = 1.0");
	v.bits = 0.25;
	assert_printed(&rows[BITS], "bits-per-byte = 0.25");
	v.bits = 0.0000004;
	assert_printed(&rows[BITS], "bits-per-byte = 0.0000004");
	assert_printed(&rows[UNSIGNED], "unsigned = \"refuse\"");
	assert_printed(&rows[KEYS], "keys = \"\"");
	(void)strcpy(v.keys[0], "$");
	assert_printed(&rows[KEYS], "keys = \"\\$\"");
	(void)strcpy(v.keys[1], "b");
	(void)strcpy(v.keys[2], "c");
	assert_printed(&rows[KEYS], "keys = {\"\\$\", \"b\", \"c\"}");
}

static void a_switch_may_be_left_to_a_lower_layer(void **state)
{
	static const struct setting row = {"fips", SETTING_SWITCH, SETTING_FILE,
	    .offset = offsetof(struct values, unsigned_), .size = sizeof(int)};
	static const char *const texts[][2] = {{"true", "fips = \"true\""},
	    {"false", "fips = \"false\""}, {"", "fips = \"\""},
	    {"TRUE", "fips = \"true\""}};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_int_equal(
		    settings_set(&row, &v, "f", texts[i][0], &err), 0);
		assert_printed(&row, texts[i][1]);
	}
	assert_int_equal(
	    settings_set(&row, &v, "a:1: fips", "yes", &err), ERR_CONFIG);
	assert_string_equal(
	    err.text, "a:1: fips: \"yes\" is neither true nor false");
	assert_printed(&row, "fips = \"true\"");
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(defaults_are_texts_or_zero),
	    T(a_default_out_of_its_range_is_refused),
	    T(a_row_is_found_by_its_name),
	    T(a_value_is_checked_before_it_is_stored),
	    T(a_list_is_filled_from_its_start),
	    T(a_setting_may_hold_unless_another_one_is_set),
	    T(a_number_of_0_holds_only_where_it_can_be_meant),
	    T(a_value_is_printed_as_the_file_has_it),
	    T(a_switch_may_be_left_to_a_lower_layer),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "aid/keys.h"
#include "base/clock.h"
#include "json/document.h"
#include "json/metrics.h"

static struct document document;
static struct err err;

static int read_text(struct keys *k, const char *text)
{
	memset(&err, 0, sizeof err);
	return document_read(
	    &document, keys_put(k, "status", text, 0644), "it", &err);
}

static void a_document_is_whole_or_damaged(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {{"{}", 0}, {"{\"serial\":3}\n\n\n", 0},
	    {"{\"serial\":3,\"serial_end\":3}", 0},
	    /* Parts of two. */
	    {"{\"serial\":4,\"serial_end\":3}", ERR_INTERNAL},
	    {"{\"serial_end\":3}", ERR_INTERNAL},
	    {"{\"serial\":4", ERR_INTERNAL}, {"", ERR_INTERNAL},
	    {"[]", ERR_INTERNAL}, {"{}{}", ERR_INTERNAL}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (read_text(*state, cases[i].text) != cases[i].rc)
			fail_msg("%s", cases[i].text);
		assert_int_equal(err.code, cases[i].rc);
		if (cases[i].rc != 0)
			assert_string_equal(err.text, "it is damaged");
		document_close(&document);
	}
	assert_int_equal(
	    document_read(&document, keys_path(*state, "nothing"), "it", &err),
	    ERR_ABSENT);
}

static void of_what_is_not_there_there_is_nothing(void **state)
{
	assert_int_equal(
	    read_text(*state, "{\"a\":\"x\",\"n\":-5,\"o\":{}}"), 0);
	assert_string_equal(document_text(document.root, "a"), "x");
	assert_string_equal(document_text(document.root, "n"), "");
	assert_string_equal(document_text(document.root, "b"), "");
	assert_int_equal(document_number(document.root, "n"), -5);
	assert_int_equal(document_number(document.root, "a"), 0);
	assert_int_equal(document_number(NULL, "a"), 0);
	assert_true(document_has(document.root, "o"));
	assert_false(document_has(document.root, "b"));
	document_close(&document);
}

/* In ms from now; "": not told. */
static void an_age_is_judged(void **state)
{
	static const struct {
		int64_t written;
		long allowed;
		const char *said; /* NULL: it is young enough */
	} cases[] = {{-500000, 0, NULL}, {-1000, 600, NULL},
	    {-540000, 600, NULL},
	    {-700000, 600, " s old, and --max-age allows 600 s"},
	    {600000, 600, "the status was written in another boot"},
	    {600000, 0, NULL}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const int64_t at =
		    clock_read(CLOCK_BOOTTIME) + cases[i].written;
		char text[64];
		int rc;

		/* A machine that was up for less than that. */
		if (at < 0)
			continue;
		(void)snprintf(
		    text, sizeof text, "{\"boottime\":%lld}", (long long)at);
		assert_int_equal(read_text(*state, text), 0);
		rc = document_check_age(&document, cases[i].allowed, &err);
		assert_int_equal(rc, cases[i].said != NULL ? ERR_EMPTY : 0);
		if (rc != 0 && strstr(err.text, cases[i].said) == NULL)
			fail_msg("%s", err.text);
		document_close(&document);
	}
}

/* Also where this boot has lasted longer by now. */
static void the_id_of_a_boot_is_believed(void **state)
{
	static const char form[] = "{\"boot\":\"%s\",\"boottime\":0}";
	static const char other[] = "00000000-0000-4000-8000-000000000000";
	char boot[40] = "", text[128];
	FILE *from = fopen("/proc/sys/kernel/random/boot_id", "re");

	assert_non_null(from);
	assert_int_equal(fscanf(from, "%39s", boot), 1);
	(void)fclose(from);
	(void)snprintf(text, sizeof text, form, boot);
	assert_int_equal(read_text(*state, text), 0);
	assert_true(document_age(&document) > 0);
	document_close(&document);
	(void)snprintf(text, sizeof text, form, other);
	assert_int_equal(read_text(*state, text), 0);
	assert_int_equal(document_age(&document), -1);
	assert_int_equal(
	    document_check_age(&document, 31536000, &err), ERR_EMPTY);
	assert_non_null(strstr(err.text, "in another boot"));
	document_close(&document);
}

static void labels_and_numbers_are_written_as_the_formats_want(void **state)
{
	static const char evil[] = "a\"b\\c\n\x1b[0m\xff";
	char text[1024] = "";
	FILE *to = fmemopen(text, sizeof text, "w");

	(void)state;
	assert_non_null(to);
	metrics_one(to, "x_bytes", "Bytes.", 5);
	metrics_begin(to, "y_seconds", "Time.");
	metrics_put_ms(to, "y_seconds", "queue", evil, -1);
	metrics_put_ms(to, "y_seconds", "queue", "b", 1795952895283);
	metrics_put_ms(to, "y_seconds", NULL, NULL, INT64_MIN);
	metrics_put(to, "y_seconds", NULL, NULL, INT64_MIN);
	metrics_one_ms(to, "z_seconds", "Zero.", 0);
	metrics_end(to);
	assert_int_equal(fclose(to), 0);
	assert_string_equal(text,
	    "# HELP x_bytes Bytes.\n# TYPE x_bytes gauge\nx_bytes 5\n"
	    "# HELP y_seconds Time.\n# TYPE y_seconds gauge\n"
	    "y_seconds{queue=\"a\\\"b\\\\c??[0m?\"} -0.001\n"
	    "y_seconds{queue=\"b\"} 1795952895.283\n"
	    "y_seconds -9223372036854775.808\n"
	    "y_seconds -9223372036854775808\n"
	    "# HELP z_seconds Zero.\n# TYPE z_seconds gauge\n"
	    "z_seconds 0.000\n# EOF\n");
}

#define T(f) cmocka_unit_test_setup_teardown(f, keys_setup, keys_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_document_is_whole_or_damaged),
	    T(of_what_is_not_there_there_is_nothing),
	    T(an_age_is_judged),
	    T(the_id_of_a_boot_is_believed),
	    T(labels_and_numbers_are_written_as_the_formats_want),
	};

	return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "doctor/findings.h"

static char *text;
static size_t text_len;
static struct findings all;
static struct err err;

static void begin(bool json)
{
	free(text);
	text = NULL;
	all.to = open_memstream(&text, &text_len);
	assert_non_null(all.to);
	assert_int_equal(findings_open(&all, all.to, json, &err), 0);
}

static void end(int code)
{
	assert_int_equal(findings_close(&all, &err), code);
	(void)fclose(all.to);
}

static void add_one_of_each(void)
{
	findings_ok(&all, "clock", "%d s off", 1);
	findings_warn(&all, "key", "chmod 600 KEY", "mode %o", 0644U);
	findings_fail(&all, ERR_CONFIG, "queue", "set queue", "none");
	findings_fail(&all, ERR_DENIED, "role", NULL, "a\"\n\x9b");
	findings_not_asked(&all, "identity", "no route");
}

static void lines_name_level_and_remedy(void **state)
{
	(void)state;
	begin(false);
	add_one_of_each();
	end(ERR_CONFIG);
	assert_true(err.told);
	assert_string_equal(text, "ok         clock: 1 s off\n"
				  "warning    key: mode 644\n"
				  "           -> chmod 600 KEY\n"
				  "FAIL       queue: none\n"
				  "           -> set queue\n"
				  "FAIL       role: a\"??\n"
				  "not asked  identity: no route\n"
				  "1 ok, 1 warning, 2 FAIL, 1 not asked\n");
}

static void json_has_the_same_and_the_exit_code(void **state)
{
	(void)state;
	begin(true);
	add_one_of_each();
	end(ERR_CONFIG);
	assert_string_equal(text,
	    "{\"findings\":["
	    "{\"level\":\"ok\",\"name\":\"clock\",\"text\":\"1 s off\"},"
	    "{\"level\":\"warning\",\"name\":\"key\",\"text\":\"mode 644\","
	    "\"remedy\":\"chmod 600 KEY\"},"
	    "{\"level\":\"FAIL\",\"name\":\"queue\",\"text\":\"none\","
	    "\"remedy\":\"set queue\",\"exit\":78},"
	    "{\"level\":\"FAIL\",\"name\":\"role\",\"text\":\"a\\u0022??\","
	    "\"exit\":77},"
	    "{\"level\":\"not asked\",\"name\":\"identity\","
	    "\"text\":\"no route\"}],\"exit\":78}\n");
}

/* Warnings and what nobody may ask are no faults. */
static void without_a_fail_the_end_is_0(void **state)
{
	(void)state;
	begin(false);
	findings_warn(&all, "key", NULL, "old");
	findings_not_asked(&all, "identity", "no route");
	end(0);
	assert_string_equal(text, "warning    key: old\n"
				  "not asked  identity: no route\n"
				  "0 ok, 1 warning, 0 FAIL, 1 not asked\n");
}

static void an_error_is_a_fail_with_its_code(void **state)
{
	const struct err why = {.code = ERR_NET, .text = "cut"};
	const struct err silent = {.code = ERR_PERM};

	(void)state;
	begin(false);
	findings_err(&all, "TLS", &why);
	findings_err(&all, "kernel", &silent);
	end(ERR_NET);
	assert_string_equal(text, "FAIL       TLS: cut\n"
				  "FAIL       kernel: not permitted\n"
				  "0 ok, 0 warnings, 2 FAIL, 0 not asked\n");
}

static void long_texts_lose_their_middle(void **state)
{
	char *const long_text = calloc(1, 8001);
	char *const name = calloc(1, 201);

	(void)state;
	memset(long_text, 'x', 8000);
	memset(name, 'n', 200);
	begin(false);
	findings_warn(&all, name, long_text, "%s", long_text);
	end(0);
	assert_true(strlen(text) < FINDING_NAME_MAX + FINDING_TEXT_MAX +
				       FINDING_REMEDY_MAX + 100);
	assert_non_null(strstr(text, "x ... x"));
	free(long_text);
	free(name);
}

static void keep(void *ctx, const struct finding *f)
{
	*(struct finding *)ctx = *f;
}

/* The other half may send anything. */
static void what_is_no_finding_is_not_taken(void **state)
{
	struct finding f = {.level = FINDING_OK, .name = "a", .text = "b"};
	struct finding bad[5];
	struct finding kept = {.level = -1};

	(void)state;
	for (size_t i = 0; i < 5; i++)
		bad[i] = f;
	bad[0].level = FINDING_LEVELS;
	bad[1].level = -1;
	memset(bad[2].name, 'x', sizeof bad[2].name);
	memset(bad[3].text, 'x', sizeof bad[3].text);
	memset(bad[4].remedy, 'x', sizeof bad[4].remedy);
	findings_send(&all, keep, &kept);
	for (size_t i = 0; i < 5; i++)
		assert_false(findings_take(&all, &bad[i]));
	f.level = FINDING_FAIL;
	assert_false(findings_take(&all, &f));
	assert_int_equal(kept.level, -1);
	f.code = ERR_CONFIG;
	f.text[0] = '\x1b';
	assert_true(findings_take(&all, &f));
	assert_string_equal(kept.text, "?");
	assert_int_equal(all.code, ERR_CONFIG);
}

static void a_report_that_cannot_be_written_fails(void **state)
{
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	assert_int_equal(findings_open(&all, full, false, &err), 0);
	findings_ok(&all, "clock", "right");
	assert_int_equal(findings_close(&all, &err), ERR_IO);
	assert_int_equal(err_exit(ERR_IO), EX_SOFTWARE);
	(void)fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_name_level_and_remedy),
	    cmocka_unit_test(json_has_the_same_and_the_exit_code),
	    cmocka_unit_test(without_a_fail_the_end_is_0),
	    cmocka_unit_test(an_error_is_a_fail_with_its_code),
	    cmocka_unit_test(long_texts_lose_their_middle),
	    cmocka_unit_test(what_is_no_finding_is_not_taken),
	    cmocka_unit_test(a_report_that_cannot_be_written_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

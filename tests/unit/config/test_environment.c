/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/environment.h"

static char *shown(void)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	assert_non_null(to);
	environment_show(to);
	assert_int_equal(fclose(to), 0);
	return text;
}

static int clear(void **state)
{
	(void)state;
	return clearenv();
}

static void set(const char *name, const char *value)
{
	assert_int_equal(setenv(name, value, 1), 0);
}

static void what_is_set_is_shown_in_order(void **state)
{
	char *text;

	(void)state;
	text = shown();
	assert_string_equal(text, "");
	free(text);
	set("https_proxy", "http://proxy:3128");
	set("AWS_REGION", "eu-west-1");
	set("AWS_PROFILE", "");
	set("PATH", "/bin");
	text = shown();
	assert_string_equal(text,
	    "# AWS_REGION = \"eu-west-1\"  # environment\n"
	    "# https_proxy = \"http://proxy:3128\"  # environment\n");
	free(text);
}

static void no_secret_is_shown(void **state)
{
	static const char *const secrets[] = {"AWS_ACCESS_KEY_ID",
	    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
	    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_SECRET_KEY"};
	char *text;

	(void)state;
	for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
		set(secrets[i], "hunter2");
	set("HTTPS_PROXY", "http://me:hunter2@proxy");
	text = shown();
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "# HTTPS_PROXY is set  # environment\n"));
	for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
		assert_non_null(strstr(text, secrets[i]));
	free(text);
}

static void a_misspelt_variable_is_named(void **state)
{
	char *text;

	(void)state;
	set("AWS_REGOIN", "eu-west-1");
	set("AWS_\x1b[2J", "eu-west-1");
	text = shown();
	assert_string_equal(text,
	    "# ignored AWS_REGOIN: these programs read no variable of this "
	    "name\n"
	    "# ignored AWS_?[2J: these programs read no variable of this "
	    "name\n");
	free(text);
}

static void the_first_that_is_set_holds(void **state)
{
	static const char *const names[] = {
	    "AWS_DEFAULT_PROFILE", "AWS_PROFILE", NULL};

	(void)state;
	assert_null(environment_first(NULL));
	assert_null(environment_first(names));
	set("AWS_PROFILE", "b");
	set("AWS_DEFAULT_PROFILE", "");
	assert_string_equal(environment_first(names), "AWS_PROFILE");
	set("AWS_DEFAULT_PROFILE", "a");
	assert_string_equal(environment_first(names), "AWS_DEFAULT_PROFILE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(what_is_set_is_shown_in_order, clear),
	    cmocka_unit_test_setup(no_secret_is_shown, clear),
	    cmocka_unit_test_setup(a_misspelt_variable_is_named, clear),
	    cmocka_unit_test_setup(the_first_that_is_set_holds, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqs/reach.h"

/* home/.aws/credentials, links/one -> ../files/two -> three, files/three */
static char folder[] = "/tmp/sqs-entropy-reach-XXXXXX";
static const char *const folders[] = {"home", "home/.aws", "links", "files"};

static const char *at(const char *name)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	(void)snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
	return path[turn];
}

static int set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	for (size_t i = 0; i < 4; i++)
		if (mkdir(at(folders[i]), 0700) != 0)
			return -1;
	if (symlink("../files/two", at("links/one")) != 0 ||
	    symlink("three", at("files/two")) != 0)
		return -1;
	return setenv("HOME", at("home"), 1);
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(at("links/one"));
	(void)unlink(at("files/two"));
	for (size_t i = 4; i-- > 0;)
		(void)rmdir(at(folders[i]));
	return rmdir(folder);
}

static bool has(const struct reach *r, const char *path)
{
	for (size_t i = 0; i < r->paths_n; i++)
		if (strcmp(r->paths[i], path) == 0)
			return true;
	return false;
}

/* Each with the one path that it adds. */
static void the_folder_of_a_file_is_given(void **state)
{
	static const struct {
		const char *file, *path;
	} cases[] = {{"/nowhere/at/all", "/nowhere/at"},
	    {"certs/ca.pem", "certs"}, {"/run/x.conf", "/run"},
	    /* These folders would give everything, or all that is a user's. */
	    {"/ca.pem", "/ca.pem"}, {"//ca.pem", "//ca.pem"},
	    {"/etc/../ca.pem", "/etc/../ca.pem"}, {"ca.pem", "ca.pem"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct reach r = {.paths_n = 0};

		reach_add_file(&r, REACH_KEYS, cases[i].file);
		assert_int_equal(r.paths_n, 1);
		assert_string_equal(r.paths[0], cases[i].path);
		assert_null(r.paths[1]);
		reach_free(&r);
	}
}

static void a_home_is_not_given_but_what_is_in_it(void **state)
{
	struct reach r = {.paths_n = 0};

	(void)state;
	reach_add_file(&r, REACH_KEYS, at("home/keys"));
	reach_add_file(&r, REACH_KEYS, at("home/.aws/credentials"));
	reach_add_file(&r, REACH_KEYS, at("home/.aws/../ca.pem"));
	assert_int_equal(r.paths_n, 3);
	assert_string_equal(r.paths[0], at("home/keys"));
	assert_string_equal(r.paths[1], at("home/.aws"));
	assert_string_equal(r.paths[2], at("home/.aws/../ca.pem"));
	reach_free(&r);
}

/* It can be turned at each step. */
static void the_folders_of_all_links_are_given(void **state)
{
	struct reach r = {.paths_n = 0};

	(void)state;
	reach_add_file(&r, REACH_NAMES, at("links/one"));
	assert_int_equal(r.paths_n, 3);
	assert_true(has(&r, at("links")));
	assert_true(has(&r, at("links/../files")));
	assert_null(reach_find_shut(&r, REACH_NAMES, REACH_EVER));
	reach_free(&r);
	/* A link to itself ends, too. */
	assert_int_equal(symlink("loop", at("links/loop")), 0);
	reach_add_file(&r, REACH_NAMES, at("links/loop"));
	assert_in_range(r.paths_n, 1, REACH_PATHS_MAX);
	reach_free(&r);
	assert_int_equal(unlink(at("links/loop")), 0);
}

static void what_has_no_room_is_left_out(void **state)
{
	struct reach r = {.paths_n = 0};

	(void)state;
	reach_add_system(&r);
	assert_true(has(&r, "/run") && has(&r, "/etc"));
	assert_false(has(&r, "/") || has(&r, "/var") || has(&r, "/home"));
	for (int k = 0; k < 2 * REACH_PATHS_MAX; k++)
		reach_add_file(&r, REACH_TRUST, "/nowhere/ca.pem");
	reach_add_file(&r, REACH_TRUST, NULL);
	reach_add_file(&r, REACH_TRUST, "");
	assert_in_range(r.paths_n, 1, REACH_PATHS_MAX);
	assert_null(r.paths[r.paths_n]);
	assert_int_equal(r.files_n, REACH_FILES_MAX);
	reach_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_folder_of_a_file_is_given),
	    cmocka_unit_test(a_home_is_not_given_but_what_is_in_it),
	    cmocka_unit_test(the_folders_of_all_links_are_given),
	    cmocka_unit_test(what_has_no_room_is_left_out),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

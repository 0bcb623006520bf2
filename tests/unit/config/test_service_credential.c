/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aid/keys.h"
#include "config/service_credential.h"
#include "message/keyfile.h"

#define NAME "signing-key"
#define SECRET                                                                 \
	"sqs-entropy-ed25519-secret "                                          \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"

static char found[PATH_MAX];

static int setup(void **state)
{
	const int rc = keys_setup(state);

	(void)strcpy(found, "unchanged");
	return rc == 0 ? setenv("CREDENTIALS_DIRECTORY",
			     ((struct keys *)*state)->dir, 1)
		       : rc;
}

static int teardown(void **state)
{
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	return keys_teardown(state);
}

static bool finds(void)
{
	return service_credential_find(NAME, found, sizeof found);
}

static void a_credential_in_the_directory_is_found(void **state)
{
	const char *path = keys_put(*state, NAME, "key", 0400);

	assert_true(finds());
	assert_string_equal(found, path);
	assert_true(service_credential_is(path));
}

static void an_absent_or_empty_credential_is_not_found(void **state)
{
	assert_false(finds());
	keys_put(*state, NAME, "", 0400);
	assert_false(finds());
	/* As empty as systemd lets a unit say it. */
	keys_put(*state, NAME, "\n", 0400);
	assert_false(finds());
	keys_put(*state, NAME, "\n", 0400);
	assert_false(finds());
	assert_string_equal(found, "unchanged");
}

static void without_its_directory_no_credential_is_found(void **state)
{
	static const char *const bad[] = {
	    "", "relative", "/not/there", "/dev/null"};

	keys_put(*state, NAME, "key", 0400);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(setenv("CREDENTIALS_DIRECTORY", bad[i], 1), 0);
		assert_false(finds());
	}
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	assert_false(finds());
	assert_false(service_credential_is(keys_path(*state, NAME)));
	assert_string_equal(found, "unchanged");
}

/* It must not pass for one that is not there. */
static void a_credential_that_cannot_be_seen_counts_as_there(void **state)
{
	struct keys *k = *state;

	keys_put(k, NAME, "key", 0400);
	assert_int_equal(chmod(k->dir, 0), 0);
	keys_drop(true);
	assert_true(finds());
	keys_drop(false);
}

static void a_path_that_does_not_fit_is_not_found(void **state)
{
	const size_t len = strlen(keys_put(*state, NAME, "key", 0400));

	assert_false(service_credential_find(NAME, found, len));
	assert_string_equal(found, "unchanged");
	assert_true(service_credential_find(NAME, found, len + 1));
}

static void only_a_path_right_in_the_directory_is_a_credential(void **state)
{
	struct keys *k = *state;
	char path[128];

	static const char *const not [] = {
	    "%s", "%s-other/key", "%s/sub/key", "/elsewhere%s/key", "%sx"};

	for (size_t i = 0; i < 5; i++) {
		(void)snprintf(path, sizeof path, not [i], k -> dir);
		assert_false(service_credential_is(path));
	}
	assert_true(service_credential_is(keys_path(k, "key")));
}

static int read_key(const char *path)
{
	uint8_t key[KEYS_LEN];
	struct err err;

	return keyfile_read(KEYFILE_SIGN_SECRET, path, key, &err);
}

/* systemd shows a service's right as the group's: 0440, root's. */
static void only_owner_and_group_may_read_a_credential(void **state)
{
	static const struct {
		mode_t mode;
		bool good;
	} modes[] = {{0400, true}, {0440, true}, {0600, true}, {0640, true},
	    {0460, false}, {0444, false}, {0404, false}, {0442, false}};

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		const char *path =
		    keys_put(*state, NAME, SECRET, modes[i].mode);

		assert_int_equal(
		    read_key(path), modes[i].good ? 0 : ERR_CONFIG);
	}
}

static void elsewhere_the_rule_is_as_strict_as_ever(void **state)
{
	const char *path = keys_put(*state, NAME, SECRET, 0440);

	assert_int_equal(read_key(path), 0);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/run", 1), 0);
	assert_int_equal(read_key(path), ERR_CONFIG);
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(read_key(path), ERR_CONFIG);
}

static void a_credential_of_another_user_is_refused(void **state)
{
	const char *path = keys_put(*state, NAME, SECRET, 0440);

	if (geteuid() != 0) {
		print_message("skipped: not root\n");
		skip();
	}
	assert_int_equal(chown(path, 12345, 0), 0);
	assert_int_equal(read_key(path), ERR_CONFIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_credential_in_the_directory_is_found),
	    TEST(an_absent_or_empty_credential_is_not_found),
	    TEST(without_its_directory_no_credential_is_found),
	    TEST(a_credential_that_cannot_be_seen_counts_as_there),
	    TEST(a_path_that_does_not_fit_is_not_found),
	    TEST(only_a_path_right_in_the_directory_is_a_credential),
	    TEST(only_owner_and_group_may_read_a_credential),
	    TEST(elsewhere_the_rule_is_as_strict_as_ever),
	    TEST(a_credential_of_another_user_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

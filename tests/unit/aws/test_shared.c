/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/shared_files.h"

static char home[] = "/tmp/sqs-entropy-shared-XXXXXX";
static char credentials[64], config[64];

static int set_up(void **state)
{
	(void)state;
	if (mkdtemp(home) == NULL)
		return -1;
	(void)snprintf(credentials, sizeof credentials, "%s/credentials", home);
	(void)snprintf(config, sizeof config, "%s/config", home);
	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", credentials, 1);
	(void)setenv("AWS_CONFIG_FILE", config, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(credentials);
	(void)unlink(config);
	return rmdir(home);
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_not_equal(fputs(text, f), EOF);
	assert_int_equal(fclose(f), 0);
}

/* Both files, read once; to be freed. */
static struct shared *read_both(
    const char *credentials_text, const char *config_text)
{
	struct shared_files *f = shared_files_new("configured");
	struct shared *s;

	put(credentials, credentials_text);
	put(config, config_text);
	assert_non_null(f);
	assert_int_equal(shared_read(f, &s, NULL), 0);
	shared_files_free(f);
	return s;
}

/* NULL is equal to NULL alone. */
static void expect(const char *got, const char *want)
{
	if (got == NULL || want == NULL)
		assert_true(got == want);
	else
		assert_string_equal(got, want);
}

static void both_files_are_one_and_the_credentials_file_counts(void **state)
{
	static const struct {
		const char *profile, *key, *want;
	} cases[] = {{"a", "one", "1"}, {"a", "TWO", "b"}, {"a", "three", "3"},
	    {"a", "four", ""}, {"a", "five", NULL}, {"A", "one", NULL},
	    {"b", "one", "x"}, {"c", "one", NULL}, {"s", "one", NULL},
	    {"default", "k", "word"}};
	struct shared *s = read_both("[a]\ntwo = b\nfour =\n[default]\n",
	    "[profile a]\none = 0\ntwo = a\nthree = 3\nfour = 4\n"
	    "[profile b]\nONE = x\n[c]\none = 1\n[services s]\none = 1\n"
	    "[profile a]\none = 1\n[profile default]\nk = word\n"
	    "[default]\nk = bare\n");

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		expect(shared_get(s, cases[i].profile, cases[i].key),
		    cases[i].want);
	expect(shared_get_from(s, SHARED_CONFIG, "a", "two"), "a");
	expect(shared_get_from(s, SHARED_CREDENTIALS, "a", "one"), NULL);
	assert_true(shared_has(s, "a") && shared_has(s, "b"));
	assert_false(shared_has(s, "c") || shared_has(s, "s"));
	assert_true(shared_is_ambiguous(s));
	expect(shared_path(s, SHARED_CONFIG), config);
	assert_true(shared_is_there(s, SHARED_CONFIG));
	shared_free(s);
	s = read_both("", "[default]\nk = 1\n[profile default]\nk = 2\n");
	assert_false(shared_is_ambiguous(s));
	expect(shared_get(s, "default", "k"), "2");
	shared_free(s);
	shared_free(NULL);
}

static void nested_properties_are_those_of_the_key_that_counts(void **state)
{
	static const struct {
		enum shared_kind kind;
		const char *name, *key, *subkey, *want;
	} cases[] = {{SHARED_SERVICES, "x", "sqs", "endpoint_url", "http://b"},
	    {SHARED_SERVICES, "x", "SQS", "Endpoint_URL", "http://b"},
	    {SHARED_SERVICES, "x", "sqs", "other", NULL},
	    {SHARED_SERVICES, "x", "s3", "endpoint_url", "http://c"},
	    {SHARED_SERVICES, "x", "plain", "endpoint_url", NULL},
	    {SHARED_SERVICES, "y", "sqs", "endpoint_url", NULL},
	    {SHARED_PROFILE, "x", "sqs", "endpoint_url", NULL},
	    {SHARED_PROFILE, "p", "s3", "a", "credentials"},
	    {SHARED_PROFILE, "p", "s3", "b", NULL},
	    {SHARED_PROFILE, "p", "s4", "b", "2"}};
	struct shared *s = read_both("[p]\ns3 =\n  a = credentials\n",
	    "[services x]\nsqs =\n endpoint_url = http://a\n other = 1\n"
	    "sqs =\n endpoint_url = http://b\n"
	    "s3 =\n endpoint_url = http://c\nplain = z\n"
	    "[profile p]\ns3 =\n  a = config\n  b = 1\ns4 =\n  b = 2\n");

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		expect(shared_get_nested(s, cases[i].kind, cases[i].name,
			   cases[i].key, cases[i].subkey),
		    cases[i].want);
	shared_free(s);
}

/* "": the variable is set to nothing, NULL: it is not set. */
static void set_variable(const char *name, const char *value)
{
	if (value == NULL)
		assert_int_equal(unsetenv(name), 0);
	else
		assert_int_equal(setenv(name, value, 1), 0);
}

static void the_profile_is_chosen_in_the_order_of_botocore(void **state)
{
	static const struct {
		const char *old_variable, *variable, *configured, *want;
	} cases[] = {{"a", "b", "c", "a"}, {NULL, "b", "c", "b"},
	    {"", "b", "c", "b"}, {NULL, "", "c", "c"}, {NULL, NULL, "c", "c"},
	    {"", "", "", "default"}, {NULL, NULL, NULL, "default"},
	    {NULL, NULL, "default", "default"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct shared_files *f = shared_files_new(cases[i].configured);
		struct shared *s;

		set_variable("AWS_DEFAULT_PROFILE", cases[i].old_variable);
		set_variable("AWS_PROFILE", cases[i].variable);
		assert_int_equal(shared_read(f, &s, NULL), 0);
		assert_string_equal(shared_profile(s), cases[i].want);
		assert_int_equal(shared_profile_asked(s), i != 5 && i != 6);
		shared_free(s);
		shared_files_free(f);
	}
	set_variable("AWS_PROFILE", NULL);
}

/* dir is HOME, variable is AWS_CONFIG_FILE. */
static void expect_path(const char *dir, const char *variable, const char *path)
{
	struct shared_files *f;

	set_variable("HOME", dir);
	set_variable("AWS_CONFIG_FILE", variable);
	f = shared_files_new(NULL);
	/* Who this process is later does not matter. */
	set_variable("HOME", "/elsewhere");
	assert_string_equal(shared_files_path(f, SHARED_CONFIG), path);
	shared_files_free(f);
}

static void a_home_is_found_where_the_sdks_find_it(void **state)
{
	const struct passwd *pw = getpwuid(geteuid());
	char path[256], variable[128];

	(void)state;
	expect_path("/h", NULL, "/h/.aws/config");
	expect_path("/h", "", "/h/.aws/config");
	expect_path("/h", "~/x", "/h/x");
	expect_path("/h", "~", "/h");
	expect_path("/h", "x/~", "x/~");
	expect_path("/h", "~nobody-has-this-name/x", "~nobody-has-this-name/x");
	set_variable("X_1", "some/where");
	expect_path("/h", "/a/$X_1/${X_1}/b", "/a/some/where/some/where/b");
	expect_path("/h", "~/$X_1", "/h/some/where");
	expect_path("/h", "/$", "/$");
	expect_path("/h", "/$X_1.c$", "/some/where.c$");
	expect_path("/h", "/${X_1", "/${X_1");
	expect_path(
	    "/h", "/${}/$X_2/${X_2}/$$X_1", "/${}/$X_2/${X_2}/$some/where");
	expect_path("/h", "$HOME/c", "/elsewhere/c");
	if (pw == NULL)
		return;
	(void)snprintf(path, sizeof path, "%s/.aws/config", pw->pw_dir);
	expect_path(NULL, NULL, path);
	expect_path("", NULL, path);
	(void)snprintf(
	    variable, sizeof variable, "~%s/.aws/config", pw->pw_name);
	expect_path("/h", variable, path);
	set_variable("AWS_CONFIG_FILE", config);
}

/* As a service finds /root with ProtectHome=: whoever started it has not chosen
 * that home, and may have no keys in it.  A path that was chosen is another
 * matter. */
static void a_home_that_cannot_be_searched_has_no_files(void **state)
{
	char locked[64];
	struct shared_files *f;
	struct shared *s;

	(void)state;
	(void)snprintf(locked, sizeof locked, "%s/locked", home);
	assert_int_equal(mkdir(locked, 0), 0);
	assert_int_equal(setenv("HOME", locked, 1), 0);
	set_variable("AWS_SHARED_CREDENTIALS_FILE", NULL);
	set_variable("AWS_CONFIG_FILE", NULL);
	assert_int_equal(seteuid(geteuid() == 0 ? 65534 : geteuid()), 0);
	f = shared_files_new(NULL);
	shared_files_read_ahead(f);
	assert_int_equal(shared_read(f, &s, NULL), 0);
	assert_false(shared_is_there(s, SHARED_CREDENTIALS));
	assert_int_equal(s->file[SHARED_CREDENTIALS].unread.code, 0);
	assert_int_equal(s->file[SHARED_CONFIG].unread.code, 0);
	shared_free(s);
	(void)strcat(locked, "/x");
	set_variable("AWS_SHARED_CREDENTIALS_FILE", locked);
	assert_int_equal(shared_read(f, &s, NULL), 0);
	assert_int_equal(s->file[SHARED_CREDENTIALS].unread.code, ERR_CONFIG);
	shared_free(s);
	shared_files_free(f);
	assert_int_equal(seteuid(getuid()), 0);
	locked[strlen(locked) - 2] = '\0';
	assert_int_equal(rmdir(locked), 0);
	set_variable("AWS_SHARED_CREDENTIALS_FILE", credentials);
	set_variable("AWS_CONFIG_FILE", config);
}

/* Of hundreds of SSO profiles the last is found; the length of a file may not
 * be felt as its square. */
static void a_file_of_one_mebibyte_is_read(void **state)
{
	static char text[SHARED_FILE_MAX + 1];
	struct shared *s;
	size_t len = 0;
	int n = 0;

	(void)state;
	while (len + 128 < SHARED_FILE_MAX)
		len += (size_t)snprintf(text + len, sizeof text - len,
		    "[profile n%d]\nsso_session = s\nsso_account_id = "
		    "123456789012\nregion = r%d\n",
		    n, n),
		    n++;
	memset(text + len, '#', SHARED_FILE_MAX - len);
	s = read_both("", text);
	(void)snprintf(text, sizeof text, "n%d", n - 1);
	assert_string_equal(shared_get(s, text, "region") + 1, text + 1);
	shared_free(s);
}

/* What is read ahead, and what Landlock has to allow, is of the profile that
 * signs in the end. */
static void a_chain_of_roles_ends_at_whose_keys_sign(void **state)
{
	static const struct {
		const char *text, *last;
	} cases[] = {
	    {"", "configured"},
	    {"[profile configured]\nsource_profile=b\n", "configured"},
	    {"[profile configured]\nrole_arn=r\nsource_profile=b\n", "b"},
	    {"[profile configured]\nrole_arn=r\naws_access_key_id=k\n"
	     "source_profile=b\n",
		"b"},
	    {"[profile configured]\nrole_arn=r\nweb_identity_token_file=f\n"
	     "source_profile=b\n",
		"configured"},
	    {"[profile configured]\nrole_arn=r\nsource_profile=b\n"
	     "[profile b]\nrole_arn=r\nsource_profile=c\n",
		"c"},
	    {"[profile configured]\nrole_arn=r\nsource_profile=b\n"
	     "[profile b]\nrole_arn=r\nsource_profile=c\n"
	     "aws_access_key_id=k\n",
		"b"},
	    {"[profile configured]\nrole_arn=r\nsource_profile=b\n"
	     "[profile b]\nrole_arn=r\nweb_identity_token_file=f\n"
	     "source_profile=c\n",
		"b"},
	    {"[profile configured]\nrole_arn=r\nsource_profile=configured\n",
		"configured"},
	    {"[profile configured]\nrole_arn=r\ncredential_source=x\n",
		"configured"},
	    {"[profile configured]\nrole_arn=r\nsource_profile=b\n"
	     "[profile b]\nrole_arn=r\nsource_profile=configured\n",
		"configured"},
	};

	(void)state;
	(void)unsetenv("AWS_PROFILE");
	(void)unsetenv("AWS_DEFAULT_PROFILE");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct shared *s = read_both("", cases[i].text);

		assert_string_equal(shared_last_profile(s), cases[i].last);
		shared_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_chain_of_roles_ends_at_whose_keys_sign),
	    cmocka_unit_test(
		both_files_are_one_and_the_credentials_file_counts),
	    cmocka_unit_test(
		nested_properties_are_those_of_the_key_that_counts),
	    cmocka_unit_test(the_profile_is_chosen_in_the_order_of_botocore),
	    cmocka_unit_test(a_home_is_found_where_the_sdks_find_it),
	    cmocka_unit_test(a_home_that_cannot_be_searched_has_no_files),
	    cmocka_unit_test(a_file_of_one_mebibyte_is_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

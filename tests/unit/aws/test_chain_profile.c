/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char home[] = "/tmp/sqs-entropy-chain-XXXXXX";
static char credentials[64], config[64];
static char story[1024];

static const char *const variables[] = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CREDENTIAL_FILE", "AWS_REGION",
    "AWS_STS_REGIONAL_ENDPOINTS"};

static int set_up(void **state)
{
	(void)state;
	if (mkdtemp(home) == NULL)
		return -1;
	(void)snprintf(credentials, sizeof credentials, "%s/cred", home);
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

/* "NAME=VALUE NAME=VALUE" */
static void set_variables(const char *text)
{
	char copy[512];
	char *rest = copy, *word;

	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
		assert_int_equal(unsetenv(variables[i]), 0);
	(void)snprintf(copy, sizeof copy, "%s", text);
	while ((word = strsep(&rest, " ")) != NULL) {
		char *equals = strchr(word, '=');

		if (equals == NULL)
			continue;
		*equals = '\0';
		assert_int_equal(setenv(word, equals + 1, 1), 0);
	}
}

static void add_to_story(
    void *ctx, const char *source, int rc, const char *text)
{
	const size_t len = strlen(story);

	(void)ctx;
	if (rc == ERR_ABSENT)
		return;
	(void)snprintf(story + len, sizeof story - len, "%s%s: %s",
	    len > 0 ? "; " : "", source, text);
}

static int load_nobody(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	(void)ctx;
	(void)out;
	(void)deadline;
	(void)err;
	return ERR_INTERNAL;
}

/* want: how what is told of the source that would sign, or that fails, begins,
 * '*' standing for any text. */
static bool is_like(const char *s, const char *want)
{
	const char *star = strchr(want, '*');

	if (star == NULL)
		return strstr(s, want) == s;
	if (strncmp(s, want, (size_t)(star - want)) != 0)
		return false;
	for (s += star - want; *s != '\0'; s++)
		if (is_like(s, star + 1))
			return true;
	return false;
}

static void expect(const char *settings, const char *credentials_text,
    const char *config_text, const char *want)
{
	const struct clock clock = clock_system(NULL);
	struct shared_files *files = shared_files_new(NULL);
	struct cred_process *process = cred_process_new(files, &clock, false);
	struct chain *chain = chain_new(&(struct chain_config){.clock = &clock,
	    .files = files,
	    .process = process,
	    .region = "",
	    .metadata = {.name = "IMDS", .load = load_nobody}});
	struct err err = {0};

	put(credentials, credentials_text);
	put(config, config_text);
	set_variables(settings);
	story[0] = '\0';
	if (chain_explain(chain, add_to_story, NULL, &err) != 0)
		assert_non_null(strstr(story, err.text));
	if (!is_like(story, want))
		fail_msg("%s, not %s", story, want);
	chain_free(chain);
	cred_process_free(process);
	shared_files_free(files);
}

#define KEYS "aws_access_key_id = A\naws_secret_access_key = sesame\n"
#define ROLE "role_arn = arn:aws:iam::1:role/r\n"

static void the_first_source_in_the_order_of_botocore_signs(void **state)
{
	static const struct {
		const char *settings, *credentials, *config, *want;
	} cases[] = {
	    {"", "", "", "IMDS: would be asked"},
	    {"AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=s", "[default]\n" KEYS,
		"[default]\n" ROLE, "environment: the environment"},
	    {"", "[default]\n" KEYS,
		"[default]\n" ROLE "source_profile=default\n",
		"profile: role arn:aws:iam::1:role/r of profile default, by "
		"profile default of */cred"},
	    {"AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_ROLE_ARN=r",
		"[default]\n" KEYS, "",
		"profile: role r by the web identity token /t"},
	    {"", "", "[default]\nweb_identity_token_file=/t\n" ROLE,
		"profile: role arn:aws:iam::1:role/r by the web identity "
		"token /t"},
	    {"AWS_ROLE_ARN=r", "",
		"[default]\nweb_identity_token_file=/t\n" ROLE,
		"profile: role r by the web identity token /t"},
	    {"AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_ROLE_ARN=r", "",
		"[default]\n" ROLE "credential_source = Ec2InstanceMetadata\n",
		"profile: role arn:aws:iam::1:role/r of profile default, by "
		"credential_source Ec2InstanceMetadata"},
	    {"", "[default]\n" KEYS, "[default]\ncredential_process = p\n",
		"profile: profile default of */cred"},
	    {"", "", "[default]\ncredential_process = p\n" KEYS,
		"profile: credential_process of profile default"},
	    {"", "", "[default]\n" KEYS, "profile: profile default of */conf"},
	    {"AWS_PROFILE=x", "", "[profile x]\nregion = r\n",
		"IMDS: would be asked"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		expect(cases[i].settings, cases[i].credentials, cases[i].config,
		    cases[i].want);
}

static void source_profiles_are_gone_through(void **state)
{
	static const struct {
		const char *config, *want;
	} cases[] = {
	    {"source_profile=b\n[profile b]\n" KEYS,
		"profile: role arn:aws:iam::1:role/r of profile a, by profile "
		"b of */config"},
	    {"source_profile=b\n[profile b]\n" ROLE
	     "source_profile=c\n[profile c]\ncredential_process=p\n",
		"profile: role arn:aws:iam::1:role/r of profile a, by role "
		"arn:aws:iam::1:role/r of profile b, by credential_process of "
		"profile c"},
	    /* Keys of a source profile go before its role. */
	    {"source_profile=b\n[profile b]\n" ROLE KEYS "source_profile=c\n",
		"profile: role arn:aws:iam::1:role/r of profile a, by profile "
		"b of"},
	    {"source_profile=a\n" KEYS,
		"profile: role arn:aws:iam::1:role/r of profile a, by profile "
		"a of"},
	    /* The environment's web identity is not a source profile's. */
	    {"source_profile=b\n[profile b]\n",
		"profile: profile b is a source_profile and has no "
		"credentials: give it keys, a role or a credential_process"},
	    {"source_profile=b\n[profile b]\nweb_identity_token_file=/t\n" ROLE,
		"profile: role arn:aws:iam::1:role/r of profile a, by role "
		"arn:aws:iam::1:role/r by the web identity token /t"},
	    {"source_profile=a\n",
		"profile: profile a: source_profile a leads back to itself: "
		"let the last one have keys"},
	    {"source_profile=b\n[profile b]\n" ROLE "source_profile=a\n",
		"profile: profile b: source_profile a leads back to itself"},
	    {"source_profile=b\n[profile b]\n" ROLE "source_profile=c\n"
	     "[profile c]\n" ROLE "source_profile=b\n",
		"profile: profile c: source_profile b leads back to itself"},
	    {"source_profile=b\n",
		"profile: profile a: there is no source_profile b"},
	    {"source_profile=b\n[profile b]\naws_access_key_id=x\n",
		"profile: */config: profile b has no aws_secret_access_key"},
	    {"credential_source=Environment\n",
		"profile: profile a: credential_source Environment: "
		"AWS_ACCESS_KEY_ID is not set"},
	    {"credential_source=ec2instancemetadata\n",
		"profile: profile a: there is no credential_source ec2instance"},
	    {"credential_source=EcsContainer\n",
		"profile: profile a: credential_source EcsContainer: neither"},
	    {"credential_source=Environment\nsource_profile=a\n",
		"profile: profile a: role_arn needs one of"},
	    {"", "profile: profile a: role_arn needs source_profile or"},
	    {"source_profile=a\nmfa_serial=m\n",
		"profile: profile a: mfa_serial needs a person"},
	    {"source_profile=a\nduration_seconds=1h\n" KEYS,
		"profile: profile a: duration_seconds is not"},
	    {"source_profile=b\n[profile b]\nsso_account_id=1\n",
		"profile: profile b has sso_account_id: a sign-in by IAM Id"},
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		(void)snprintf(text, sizeof text, "[profile a]\n" ROLE "%s",
		    cases[i].config);
		expect("AWS_PROFILE=a", "", text, cases[i].want);
	}
}

/* A role of the profile in force. */
#define ROLED "[default]\n" ROLE "source_profile = a\n[profile a]\n" KEYS

static void what_cannot_be_had_is_never_passed_over(void **state)
{
	static const struct {
		const char *settings, *credentials, *config, *want;
	} cases[] = {
	    {"AWS_PROFILE=x AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=s", "",
		"", "environment: there is no profile x"},
	    {"AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=s", "", "bad",
		"environment: */config:1: no [SECTION]"},
	    {"AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=s "
	     "AWS_CREDENTIAL_EXPIRATION=2020-01-01T00:00:00Z",
		"", "",
		"environment: the credentials of the environment have expired, "
		"as AWS_CREDENTIAL_EXPIRATION says: renew them"},
	    {"AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=s "
	     "AWS_CREDENTIAL_EXPIRATION=tomorrow",
		"", "",
		"environment: AWS_CREDENTIAL_EXPIRATION is no time such as "
		"2026-11-22T08:00:00Z: correct it, or unset it"},
	    {"AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=s "
	     "AWS_CREDENTIAL_EXPIRATION=2999-01-01T00:00:00Z",
		"", "", "environment: the environment"},
	    {"AWS_PROFILE=x", "", "[default]\n" KEYS,
		"profile: there is no profile x"},
	    {"", "", "[default]\nsso_role_name=r\n" KEYS,
		"profile: profile default has sso_role_name"},
	    {"", "", "[default]\nlogin_session=s\n" KEYS,
		"profile: profile default has login_session"},
	    {"", "[default]\n" KEYS, "[default]\nlogin_session=s\n",
		"profile: profile default of */cred"},
	    {"AWS_WEB_IDENTITY_TOKEN_FILE=/t", "", "",
		"profile: profile default: the web identity token /t is for no "
		"role"},
	    {"", "", "[profile default]\n" KEYS "[default]\nregion=r\n",
		"profile: */config has [profile default] and behind it "
		"[default], of which each SDK takes another one: remove one "
		"of them"},
	    {"AWS_PROFILE=x", "", "[profile x]\ncredential_source = Y\n",
		"profile: profile x has credential_source and no role_arn"},
	    {"AWS_PROFILE=x", "", "[profile x]\nsso_session = Y\n",
		"profile: profile x has sso_session and is for a person who "
		"signs in: use another"},
	    {"", "", "[default]\nrole_arn =\nsource_profile = b\n",
		"profile: profile default: role_arn is empty: write the "
		"role's ARN"},
	    {"AWS_REGION=eu-west-1 AWS_STS_REGIONAL_ENDPOINTS=odd", "", ROLED,
		"profile: profile default: AWS_STS_REGIONAL_ENDPOINTS or sts_regional_endpoints "
		"is neither regional nor legacy"},
	    {"AWS_REGION=eu-west-1", "",
		"[default]\nsts_regional_endpoints = odd\n" ROLED,
		"profile: profile default: AWS_STS_REGIONAL_ENDPOINTS or sts_regional_endpoints "
		"is neither regional nor legacy"},
	    {"AWS_REGION=Europe", "", ROLED,
		"profile: profile default: \"Europe\" is no name of a region for STS, such as "
		"eu-west-1"},
	    {"AWS_CREDENTIAL_FILE=/x", "", "",
		"profile: AWS_CREDENTIAL_FILE is of the old EC2 tools and is "
		"not read: put the keys into ~/.aws/credentials, or the file "
		"of AWS_SHARED_CREDENTIALS_FILE"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		expect(cases[i].settings, cases[i].credentials, cases[i].config,
		    cases[i].want);
}

/* A chain of profiles that is longer than anybody's. */
static void the_way_through_profiles_is_bounded(void **state)
{
	char text[4096] = "";
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 40; i++)
		len += (size_t)snprintf(text + len, sizeof text - len,
		    "[profile p%d]\n" ROLE "source_profile = p%d\n", i, i + 1);
	(void)snprintf(text + len, sizeof text - len, "[profile p40]\n" KEYS);
	expect("AWS_PROFILE=p0", "", text,
	    "profile: profile p15: over 16 profiles");
	expect("AWS_PROFILE=p30", "", text,
	    "profile: role arn:aws:iam::1:role/r of profile p30, by role");
}

static void the_token_of_a_source_profile_is_among_the_files(void **state)
{
	const struct clock clock = clock_system(NULL);
	struct shared_files *files = shared_files_new("a");
	struct chain *chain =
	    chain_new(&(struct chain_config){.clock = &clock, .files = files});
	const char *const *listed;

	(void)state;
	set_variables("AWS_WEB_IDENTITY_TOKEN_FILE=/env");
	put(config, "[profile a]\n" ROLE "source_profile = b\n"
		    "[profile b]\n" ROLE "web_identity_token_file = /t\n");
	listed = chain_token_files(chain);
	assert_string_equal(listed[0], "/env");
	assert_string_equal(listed[1], "/t");
	assert_null(listed[2]);
	chain_free(chain);
	shared_files_free(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_source_in_the_order_of_botocore_signs),
	    cmocka_unit_test(source_profiles_are_gone_through),
	    cmocka_unit_test(the_token_of_a_source_profile_is_among_the_files),
	    cmocka_unit_test(what_cannot_be_had_is_never_passed_over),
	    cmocka_unit_test(the_way_through_profiles_is_bounded),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/endpoint.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static char path[] = "/tmp/test_endpoint.XXXXXX";
static struct endpoint found;
static struct err err;

static int make_file(void **state)
{
	const int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static const char *const variables[] = {"AWS_ENDPOINT_URL_SQS",
    "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL", "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE"};

static int prepare(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(variables); i++)
		(void)unsetenv(variables[i]);
	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/a", 1);
	(void)setenv("AWS_CONFIG_FILE", path, 1);
	memset(&err, 0, sizeof err);
	return 0;
}

/* What is set, "NAME=VALUE" for the environment. */
struct place {
	const char *environment[3];
	const char *file; /* NULL: empty */
	struct endpoint_config config;
};

static int find(const struct place *at)
{
	FILE *file = fopen(path, "w");
	struct endpoint_config cfg = at->config;
	struct shared_files *files;
	struct shared *shared;
	int rc;

	(void)prepare(NULL);
	assert_non_null(file);
	assert_true(fputs(at->file != NULL ? at->file : "", file) >= 0);
	assert_int_equal(fclose(file), 0);
	for (size_t i = 0; i < 3 && at->environment[i] != NULL; i++)
		assert_int_equal(putenv((char *)at->environment[i]), 0);
	if (cfg.service == NULL)
		cfg.service = "sqs";
	files = shared_files_new(NULL);
	assert_int_equal(shared_read(files, &shared, &err), 0);
	rc = endpoint_find(&cfg, shared, &found, &err);
	shared_free(shared);
	shared_files_free(files);
	return rc;
}

/* ---- rules */

static void each_partition_has_its_four_hosts(void **state)
{
	static const struct {
		const char *service, *region;
		bool fips, dual;
		const char *url;
	} cases[] = {
	    {"sqs", "eu-west-1", 0, 0, "https://sqs.eu-west-1.amazonaws.com"},
	    {"sqs", "eu-west-1", 1, 0,
		"https://sqs-fips.eu-west-1.amazonaws.com"},
	    {"sqs", "eu-west-1", 0, 1, "https://sqs.eu-west-1.api.aws"},
	    {"sqs", "eu-west-1", 1, 1, "https://sqs-fips.eu-west-1.api.aws"},
	    {"sqs", "us-gov-west-1", 1, 0,
		"https://sqs.us-gov-west-1.amazonaws.com"},
	    {"sqs", "us-gov-west-1", 1, 1,
		"https://sqs-fips.us-gov-west-1.api.aws"},
	    {"sqs", "cn-north-1", 0, 1,
		"https://sqs.cn-north-1.api.amazonwebservices.com.cn"},
	    {"sqs", "us-isof-south-1", 1, 0,
		"https://sqs-fips.us-isof-south-1.csp.hci.ic.gov"},
	    {"sqs", "eusc-de-east-1", 0, 0,
		"https://sqs.eusc-de-east-1.amazonaws.eu"},
	    {"sqs", "elasticmq", 0, 0, "https://sqs.elasticmq.amazonaws.com"},
	    {"sts", "us-gov-east-1", 1, 0,
		"https://sts.us-gov-east-1.amazonaws.com"},
	    {"sts", "us-east-1", 1, 0,
		"https://sts-fips.us-east-1.amazonaws.com"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		found = (struct endpoint){
		    .fips = cases[i].fips, .dual = cases[i].dual};
		endpoint_make(cases[i].service, cases[i].region, &found);
		assert_string_equal(found.url, cases[i].url);
	}
	found = (struct endpoint){.url = "https://h", .from = "x"};
	endpoint_make("sqs", "eu-west-1", &found);
	assert_string_equal(found.url, "https://h");
	assert_string_equal(found.from, "x");
}

/* ---- URLs */

#define PROFILE "[default]\n"
#define GLOBAL  "endpoint_url = https://global\n"
#define NAMED   "services = own\n"
#define SECTION                                                                \
	"[services own]\nsqs =\n  endpoint_url = https://section\n"            \
	"dynamodb =\n  endpoint_url = https://dynamodb\n"
#define ALL PROFILE GLOBAL NAMED SECTION

static void the_first_place_that_sets_a_url_counts(void **state)
{
	static const struct {
		struct place place;
		const char *url, *from;
	} cases[] = {
	    {{{"AWS_ENDPOINT_URL_SQS=https://a", "AWS_ENDPOINT_URL=https://b"},
		 ALL, {.option = "https://o", .configured = "https://c"}},
		"https://o", "--endpoint-url"},
	    {{{"AWS_ENDPOINT_URL_SQS=https://a", "AWS_ENDPOINT_URL=https://b"},
		 ALL, {.option = "", .configured = "https://c"}},
		"https://a", "AWS_ENDPOINT_URL_SQS"},
	    {{{"AWS_ENDPOINT_URL_SQS=", "AWS_ENDPOINT_URL=https://b"}, ALL,
		 {.configured = "https://c"}},
		"https://b", "AWS_ENDPOINT_URL"},
	    {{{"AWS_ENDPOINT_URL_STS=https://a"}, ALL,
		 {.configured = "https://c"}},
		"https://c", "endpoint-url"},
	    {{{NULL}, ALL, {.configured = ""}}, "https://section",
		"endpoint_url of sqs in [services own]"},
	    {{{NULL}, ALL, {.service = "sts"}}, "https://global",
		"endpoint_url of the profile default"},
	    {{{"AWS_ENDPOINT_URL_STS=https://a"}, ALL, {.service = "sts"}},
		"https://a", "AWS_ENDPOINT_URL_STS"},
	    {{{NULL}, PROFILE GLOBAL, {0}}, "https://global",
		"endpoint_url of the profile default"},
	    {{{NULL}, PROFILE NAMED SECTION, {.service = "sts"}}, "", ""},
	    {{{"AWS_PROFILE=p"},
		 "[profile p]\n" GLOBAL "[profile q]\n" NAMED SECTION, {0}},
		"https://global", "endpoint_url of the profile p"},
	    {{{NULL}, "[profile p]\n" GLOBAL SECTION, {0}}, "", ""},
	    {{{NULL}, PROFILE "endpoint_url =\n", {0}}, "", ""},
	    /* A section that is not reached may be missing. */
	    {{{"AWS_ENDPOINT_URL=https://b"}, PROFILE NAMED, {0}}, "https://b",
		"AWS_ENDPOINT_URL"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (find(&cases[i].place) != 0)
			fail_msg("%zu: %s", i, err.text);
		assert_string_equal(found.url, cases[i].url);
		assert_string_equal(found.from, cases[i].from);
	}
}

#define IGNORE "ignore_configured_endpoint_urls = true\n"

/* What is ours is not meant: only this program reads it. */
static void what_the_sdks_share_may_be_ignored(void **state)
{
	static const struct {
		struct place place;
		const char *url;
	} cases[] = {
	    {{{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true",
		  "AWS_ENDPOINT_URL_SQS=https://a"},
		 ALL, {0}},
		""},
	    {{{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=True"}, PROFILE NAMED, {0}},
		""},
	    {{{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true",
		  "AWS_ENDPOINT_URL=https://b"},
		 ALL, {.configured = "https://c"}},
		"https://c"},
	    {{{"AWS_ENDPOINT_URL=https://b"}, PROFILE IGNORE,
		 {.option = "https://o"}},
		"https://o"},
	    {{{"AWS_ENDPOINT_URL=https://b"}, PROFILE IGNORE, {0}}, ""},
	    {{{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false"},
		 PROFILE IGNORE GLOBAL, {0}},
		"https://global"},
	    {{{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="}, PROFILE IGNORE GLOBAL,
		 {0}},
		""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (find(&cases[i].place) != 0)
			fail_msg("%zu: %s", i, err.text);
		assert_string_equal(found.url, cases[i].url);
	}
}

/* ---- switches */

#define FIPS "use_fips_endpoint = true\n"
#define DUAL "use_dualstack_endpoint = true\n"

static void the_first_place_that_sets_a_switch_counts(void **state)
{
	static const struct {
		struct place place;
		bool fips, dual;
	} cases[] = {
	    {{{NULL}, NULL, {0}}, 0, 0},
	    {{{"AWS_USE_FIPS_ENDPOINT=true"}, NULL, {0}}, 1, 0},
	    {{{"AWS_USE_DUALSTACK_ENDPOINT=TRUE"}, NULL, {0}}, 0, 1},
	    {{{NULL}, PROFILE FIPS DUAL, {0}}, 1, 1},
	    {{{"AWS_USE_FIPS_ENDPOINT=false", "AWS_USE_DUALSTACK_ENDPOINT="},
		 PROFILE FIPS DUAL, {0}},
		0, 1},
	    {{{NULL}, PROFILE FIPS DUAL, {.use_fips = TEXT_FALSE}}, 0, 1},
	    {{{NULL}, NULL,
		 {.use_fips = TEXT_TRUE, .use_dualstack = TEXT_TRUE}},
		1, 1},
	    {{{"AWS_USE_FIPS_ENDPOINT=false"}, NULL, {.use_fips = TEXT_TRUE}},
		0, 0},
	    {{{NULL}, "[profile p]\n" FIPS, {0}}, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (find(&cases[i].place) != 0)
			fail_msg("%zu: %s", i, err.text);
		assert_int_equal(found.fips, cases[i].fips);
		assert_int_equal(found.dual, cases[i].dual);
	}
}

/* ---- errors */

static void what_cannot_be_honoured_is_an_error_that_names_its_place(
    void **state)
{
	static char long_one[LIMIT_URL + 32] = "AWS_ENDPOINT_URL=";
	const struct {
		struct place place;
		const char *word, *other;
	} cases[] = {
	    {{{"AWS_USE_FIPS_ENDPOINT=yes"}, NULL, {0}},
		"AWS_USE_FIPS_ENDPOINT: \"yes\" is neither", ""},
	    {{{"AWS_USE_DUALSTACK_ENDPOINT=1"}, PROFILE DUAL, {0}},
		"AWS_USE_DUALSTACK_ENDPOINT: \"1\"", ""},
	    {{{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=on"}, NULL, {0}},
		"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: \"on\"", ""},
	    {{{NULL}, PROFILE "use_fips_endpoint = 1\n", {0}},
		"use_fips_endpoint of the profile default: \"1\"", ""},
	    {{{NULL}, PROFILE "ignore_configured_endpoint_urls = no\n", {0}},
		"ignore_configured_endpoint_urls of the profile default", ""},
	    {{{NULL}, PROFILE NAMED, {0}}, "services of the profile default",
		"has no [services own]"},
	    {{{NULL}, PROFILE NAMED GLOBAL "[profile own]\n" GLOBAL, {0}},
		"services of the profile default", path},
	    {{{"AWS_USE_FIPS_ENDPOINT=true", "AWS_ENDPOINT_URL_SQS=https://a"},
		 NULL, {0}},
		"AWS_USE_FIPS_ENDPOINT asks for a FIPS endpoint",
		"AWS_ENDPOINT_URL_SQS sets the endpoint https://a"},
	    {{{NULL}, PROFILE DUAL GLOBAL, {0}},
		"use_dualstack_endpoint of the profile default asks",
		"endpoint_url of the profile default sets"},
	    {{{NULL}, NULL, {.use_fips = TEXT_TRUE, .configured = "https://c"}},
		"use-fips-endpoint asks", "endpoint-url sets"},
	    {{{NULL}, NULL,
		 {.use_dualstack = TEXT_TRUE, .option = "https://o"}},
		"use-dualstack-endpoint asks", "--endpoint-url sets"},
	    {{{long_one}, NULL, {0}}, "AWS_ENDPOINT_URL: longer than", ""},
	};

	(void)state;
	memset(long_one + strlen(long_one), 'a', LIMIT_URL);
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(find(&cases[i].place), ERR_CONFIG);
		if (strstr(err.text, cases[i].word) == NULL ||
		    strstr(err.text, cases[i].other) == NULL)
			fail_msg("%zu: %s", i, err.text);
	}
}

static void what_is_ignored_is_no_endpoint_beside_fips(void **state)
{
	const struct place place = {
	    {"AWS_USE_FIPS_ENDPOINT=true", "AWS_ENDPOINT_URL_SQS=https://a",
		"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"},
	    NULL, {0}};

	(void)state;
	assert_int_equal(find(&place), 0);
	assert_true(found.fips);
	assert_string_equal(found.fips_from, "AWS_USE_FIPS_ENDPOINT");
	assert_string_equal(found.url, "");
}

#define TEST(f) cmocka_unit_test_setup(f, prepare)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(each_partition_has_its_four_hosts),
	    TEST(the_first_place_that_sets_a_url_counts),
	    TEST(what_the_sdks_share_may_be_ignored),
	    TEST(the_first_place_that_sets_a_switch_counts),
	    TEST(what_cannot_be_honoured_is_an_error_that_names_its_place),
	    TEST(what_is_ignored_is_no_endpoint_beside_fips),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}

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

#include "sqs/place.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define A        "/123456789012/q"
#define URL      "https://sqs.eu-west-1.amazonaws.com" A
#define ARN      "arn:aws:sqs:eu-west-1:123456789012:q"
#define VPC      "https://vpce-1.sqs.eu-west-3.vpce.amazonaws.com"
#define OTHER    "https://h.example"

static char path[] = "/tmp/test_place.XXXXXX";
static struct place place;
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

static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL", "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE", "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"};

/* Nothing of the host's own settings. */
static int prepare(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(variables); i++)
		(void)unsetenv(variables[i]);
	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/a", 1);
	(void)setenv("AWS_CONFIG_FILE", "/nonexistent/b", 1);
	memset(&err, 0, sizeof err);
	return 0;
}

static void set_profile_region(const char *region)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fprintf(file, "[default]\nregion = %s\n", region) > 0);
	assert_int_equal(fclose(file), 0);
	(void)setenv("AWS_CONFIG_FILE", path, 1);
}

/* The same place with another queue, up to the next call. */
static struct session_config with_queue(
    struct session_config cfg, const char *queue)
{
	static char queues[LIMIT_QUEUES][LIMIT_URL];

	assert_true(strlen(queue) < LIMIT_URL);
	strcpy(queues[0], queue);
	cfg.queues = (const char(*)[LIMIT_URL])queues;
	return cfg;
}

static struct session_config config(const char *queue)
{
	return with_queue(
	    (struct session_config){
		.region = "", .endpoint_url = "", .profile = ""},
	    queue);
}

/* As session.c does, but that nobody is asked for a region. */
static int find(const struct session_config *cfg)
{
	struct shared_files *files = shared_files_new(NULL);
	struct shared *shared;
	int rc;

	assert_int_equal(shared_read(files, &shared, &err), 0);
	rc = place_find_queue("sqs", cfg->queues[0], &place, &err);
	if (rc == 0)
		rc = place_find_endpoint(cfg, shared, &place, &err);
	if (rc == 0)
		rc = place_find_region(cfg, shared, &place, &err);
	if (rc == 0)
		endpoint_make("sqs", place.region, &place.endpoint);
	shared_free(shared);
	shared_files_free(files);
	return rc;
}

static void assert_region(
    const struct session_config *cfg, const char *region, const char *from)
{
	if (find(cfg) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(place.region, region);
	assert_string_equal(place.region_from, from);
}

static void assert_refused(const struct session_config *cfg, const char *word)
{
	assert_int_equal(find(cfg), ERR_CONFIG);
	if (strstr(err.text, word) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err.text, word);
}

static void the_first_place_that_sets_a_region_counts(void **state)
{
	struct session_config cfg = config(OTHER A);

	(void)state;
	set_profile_region("eu-north-1");
	assert_region(&cfg, "eu-north-1", "region of the profile default");
	cfg.endpoint_url = VPC;
	assert_region(&cfg, "eu-west-3", "endpoint-url");
	cfg.endpoint_url = "https://b.example";
	cfg.region = "us-east-2";
	assert_region(&cfg, "us-east-2", "\"region\" in the configuration");
	(void)setenv("AWS_DEFAULT_REGION", "us-west-1", 1);
	assert_region(&cfg, "us-west-1", "AWS_DEFAULT_REGION");
	(void)setenv("AWS_REGION", "us-west-2", 1);
	assert_region(&cfg, "us-west-2", "AWS_REGION");
	/* The queue's own counts, whatever host is asked. */
	cfg = with_queue(cfg, URL);
	assert_region(&cfg, "eu-west-1", "the queue's URL");
	cfg = with_queue(cfg, ARN);
	assert_region(&cfg, "eu-west-1", "the queue's ARN");
	cfg.endpoint_url = "https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com";
	assert_region(&cfg, "eu-west-1", "the queue's ARN");
}

static void a_region_that_cannot_be_is_told_with_its_place(void **state)
{
	static const char *const bad[] = {"evil.org/", "EU-WEST-1", "eu west",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "fips-us-east-1", "us-east-1-fips"};
	struct session_config cfg = config("q");

	for (size_t i = 0; i < COUNT(bad); i++) {
		(void)prepare(state);
		cfg.region = "";
		set_profile_region(bad[i]);
		assert_refused(&cfg, "region of the profile default: \"");
		cfg.region = bad[i];
		assert_refused(&cfg, "\"region\" in the configuration: \"");
		(void)setenv("AWS_DEFAULT_REGION", bad[i], 1);
		assert_refused(&cfg, "AWS_DEFAULT_REGION: \"");
		(void)setenv("AWS_REGION", bad[i], 1);
		assert_refused(&cfg, "AWS_REGION: \"");
		assert_non_null(strstr(err.text, i < 4 ? "no name" : "FIPS"));
	}
}

static void without_a_region_each_place_is_told(void **state)
{
	static const char *const words[] = {"no region: the queue names none",
	    "AWS_REGION, AWS_DEFAULT_REGION and \"region\"",
	    "the profile default has none (/nonexistent/b is not there)",
	    "set AWS_REGION or \"region\""};
	struct session_config cfg = config("q");

	(void)state;
	assert_int_equal(find(&cfg), ERR_ABSENT);
	for (size_t i = 0; i < COUNT(words); i++)
		assert_non_null(strstr(err.text, words[i]));
	cfg = with_queue(cfg, OTHER A);
	assert_int_equal(find(&cfg), ERR_ABSENT);
	assert_non_null(
	    strstr(err.text, "the queue and the endpoint name none"));
}

/* A request that is signed for one region is refused in another. */
static void two_regions_of_one_queue_are_refused(void **state)
{
	struct session_config cfg = config(URL);

	(void)state;
	cfg.endpoint_url = VPC;
	assert_refused(&cfg, "the queue's URL says the region eu-west-1, but "
			     "endpoint-url sets an endpoint in eu-west-3");
	cfg = with_queue(cfg, ARN);
	assert_refused(&cfg, "the queue's ARN says the region eu-west-1");
	cfg = with_queue(cfg, "q");
	cfg.region = "us-east-2";
	assert_refused(&cfg, "\"region\" in the configuration says");
	(void)setenv("AWS_REGION", "us-east-1", 1);
	assert_refused(&cfg, "AWS_REGION says the region us-east-1");
}

static void assert_warning(const struct session_config *cfg, const char *text)
{
	char warning[SESSION_WARNING_MAX];

	assert_int_equal(find(cfg), 0);
	place_warn(cfg, &place, warning);
	assert_string_equal(warning, text);
}

static void a_region_that_the_queue_overrules_is_a_warning(void **state)
{
	struct session_config cfg = config(URL);

	(void)state;
	assert_warning(&cfg, "");
	cfg.region = "eu-west-1";
	assert_warning(&cfg, "");
	cfg.region = "us-east-2";
	assert_warning(&cfg,
	    "\"region\" in the configuration says the region us-east-2, but "
	    "the queue is in eu-west-1, as the queue's URL says: requests are "
	    "signed for eu-west-1");
	cfg = with_queue(cfg, ARN);
	(void)setenv("AWS_REGION", "us\x1b[1m", 1);
	assert_warning(&cfg,
	    "AWS_REGION says the region us?[1m, but the queue is in eu-west-1, "
	    "as the queue's ARN says: requests are signed for eu-west-1");
	cfg = with_queue(cfg, OTHER A);
	(void)setenv("AWS_REGION", "eu-west-1", 1);
	assert_warning(&cfg, "");
}

#define HOST(host) "https://" host

static void the_host_is_the_one_that_is_wanted(void **state)
{
	static const struct {
		const char *queue;
		bool fips, dual;
		const char *url; /* NULL: refused */
	} cases[] = {
	    {URL, 0, 0, HOST("sqs.eu-west-1.amazonaws.com")},
	    {URL, 1, 0, HOST("sqs-fips.eu-west-1.amazonaws.com")},
	    {URL, 0, 1, HOST("sqs.eu-west-1.api.aws")},
	    {URL, 1, 1, HOST("sqs-fips.eu-west-1.api.aws")},
	    {ARN, 0, 0, HOST("sqs.eu-west-1.amazonaws.com")},
	    {ARN, 1, 1, HOST("sqs-fips.eu-west-1.api.aws")},
	    {HOST("us-west-2.queue.amazonaws.com") A, 0, 0,
		HOST("us-west-2.queue.amazonaws.com")},
	    {HOST("us-west-2.queue.amazonaws.com") A, 1, 0,
		HOST("sqs-fips.us-west-2.amazonaws.com")},
	    {HOST("queue.amazonaws.com") A, 0, 0, HOST("queue.amazonaws.com")},
	    {HOST("queue.amazonaws.com") A, 0, 1,
		HOST("sqs.us-east-1.api.aws")},
	    {HOST("sqs-fips.us-east-1.amazonaws.com") A, 0, 0,
		HOST("sqs-fips.us-east-1.amazonaws.com")},
	    {HOST("sqs-fips.us-east-1.amazonaws.com") A, 1, 0,
		HOST("sqs-fips.us-east-1.amazonaws.com")},
	    {HOST("sqs.us-gov-west-1.amazonaws.com") A, 1, 0,
		HOST("sqs.us-gov-west-1.amazonaws.com")},
	    {VPC A, 0, 0, VPC},
	    /* What nobody knows to be such a host. */
	    {VPC A, 1, 0, NULL},
	    {VPC A, 0, 1, NULL},
	    {OTHER A, 1, 0, NULL},
	    {HOST("sqs.eu-west-1.amazonaws.com:8443") A, 0, 1, NULL},
	    {"http://sqs.eu-west-1.amazonaws.com" A, 1, 0, NULL},
	};
	struct session_config cfg;

	(void)state;
	(void)setenv("AWS_REGION", "eu-west-1", 1);
	for (size_t i = 0; i < COUNT(cases); i++) {
		cfg = config(cases[i].queue);
		cfg.use_fips = cases[i].fips ? TEXT_TRUE : TEXT_UNSET;
		cfg.use_dualstack = cases[i].dual ? TEXT_TRUE : TEXT_UNSET;
		if (cases[i].url == NULL) {
			assert_refused(&cfg, "the queue's URL sets");
			continue;
		}
		if (find(&cfg) != 0)
			fail_msg("%s: %s", cfg.queues[0], err.text);
		assert_string_equal(place.endpoint.url, cases[i].url);
	}
}

/* Whoever may tag the instance would choose who is SQS otherwise. */
static void a_tag_leads_to_hosts_of_sqs_at_aws_only(void **state)
{
	static const char *const good[] = {URL, ARN, "q", VPC A,
	    HOST("sqs-fips.us-east-1.api.aws") A, HOST("queue.amazonaws.com") A,
	    HOST("vpce-1.sqs-fips.us-east-1.vpce.amazonaws.com") A};
	static const char *const bad[] = {OTHER A,
	    "http://sqs.eu-west-1.amazonaws.com" A,
	    HOST("sqs.eu-west-1.amazonaws.com:8443") A,
	    HOST("sqs-fips.us-east-1.api.aws.example.org") A,
	    HOST("sqs.us-east-1.xapi.aws") A,
	    HOST("vpce-1.sqs.us-east-1.vpce.amazonaws.com.example.org") A,
	    HOST("vpce-1.vpce-svc-2.us-east-1.vpce.amazonaws.com") A,
	    HOST("vpce-1.sqs.us-east-1.vpce-amazonaws.com") A,
	    HOST("x.sqs.us-east-1.vpce.amazonaws.com") A,
	    HOST("queue.amazonaws.com.example.org") A,
	    HOST("us-east-1.queueamazonaws.com") A,
	    HOST("queue.us-east-1.amazonaws.com") A,
	    HOST("sqs.us-east-1.amazonaws.com.") A,
	    HOST("sqs.cn-north-1.amazonaws.com") A,
	    HOST("us-east-1.sqs.amazonaws.com") A, HOST("127.0.0.1") A};
	struct session_config cfg = config("");

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(
		    place_find_queue("sqs", good[i], &place, &err), 0);
		assert_int_equal(place_check_tag(&cfg, &place, &err), 0);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(
		    place_find_queue("sqs", bad[i], &place, &err), 0);
		if (place_check_tag(&cfg, &place, &err) != ERR_CONFIG)
			fail_msg("%s", bad[i]);
	}
	cfg.region = "us-east-2";
	assert_int_equal(place_find_queue("sqs", ARN, &place, &err), 0);
	assert_int_equal(place_check_tag(&cfg, &place, &err), ERR_CONFIG);
	assert_non_null(strstr(err.text,
	    "names a queue in eu-west-1, but \"region\" in the "
	    "configuration says the region us-east-2"));
}

#define TEST(f) cmocka_unit_test_setup(f, prepare)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_first_place_that_sets_a_region_counts),
	    TEST(a_region_that_cannot_be_is_told_with_its_place),
	    TEST(without_a_region_each_place_is_told),
	    TEST(two_regions_of_one_queue_are_refused),
	    TEST(a_region_that_the_queue_overrules_is_a_warning),
	    TEST(the_host_is_the_one_that_is_wanted),
	    TEST(a_tag_leads_to_hosts_of_sqs_at_aws_only),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/arn.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define A        "123456789012"
#define FORTY    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void a_region_has_one_partition(void **state)
{
	static const char *const cases[][2] = {
	    {"eu-west-1", "aws"},
	    {"us-east-1", "aws"},
	    {"xx-new-9", "aws"},
	    {"", "aws"},
	    {"cn-north-1", "aws-cn"},
	    {"us-gov-west-1", "aws-us-gov"},
	    {"us-iso-east-1", "aws-iso"},
	    {"us-isob-east-1", "aws-iso-b"},
	    {"eu-isoe-west-1", "aws-iso-e"},
	    {"us-isof-south-1", "aws-iso-f"},
	    {"eusc-de-east-1", "aws-eusc"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(
		    arn_partition(cases[i][0])->id, cases[i][1]);
}

static void a_region_is_a_label_of_a_host(void **state)
{
	static const char *const bad[] = {"", "-a", "a-", "eu_west", "a.b",
	    "EU-west-1", "a/", "a@b", "a:1", "a b", "a\n", "\xc3\xa9",
	    FORTY "aaaaaaaaaaaaaaaaaaaaaaaa"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (arn_is_region(bad[i]))
			fail_msg("a region: %s", bad[i]);
	assert_true(arn_is_region("elasticmq"));
	assert_true(arn_is_region(FORTY "aaaaaaaaaaaaaaaaaaaaaaa"));
}

static void hosts_of_sqs_name_their_region(void **state)
{
	static const char *const cases[][2] = {
	    {"sqs.eu-west-1.amazonaws.com", "eu-west-1"},
	    {"sqs.eu-west-1.api.aws", "eu-west-1"},
	    {"sqs-fips.us-east-2.amazonaws.com", "us-east-2"},
	    {"sqs-fips.us-east-2.api.aws", "us-east-2"},
	    {"us-west-2.queue.amazonaws.com", "us-west-2"},
	    {"sqs.us-west-2.amazonaws.com:8443", "us-west-2"},
	    {"queue.amazonaws.com", "us-east-1"},
	    {"vpce-0a1-b2-us-east-2a.sqs.us-east-2.vpce.amazonaws.com",
		"us-east-2"},
	    {"vpce-0a1-b2.sqs-fips.us-east-2.vpce.amazonaws.com", "us-east-2"},
	    {"sqs-fips.cn-north-1.api.amazonwebservices.com.cn", "cn-north-1"},
	    {"sqs-fips.us-gov-west-1.api.aws", "us-gov-west-1"},
	    {"sqs.eu-isoe-west-1.api.cloud-aws.adc-e.uk", "eu-isoe-west-1"},
	    {"sqs.cn-north-1.amazonaws.com.cn", "cn-north-1"},
	    {"cn-north-1.queue.amazonaws.com.cn", "cn-north-1"},
	    {"sqs.cn-north-1.api.amazonwebservices.com.cn", "cn-north-1"},
	    {"vpce-1.sqs.cn-north-1.vpce.amazonaws.com.cn", "cn-north-1"},
	    {"sqs.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
	    {"sqs.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
	    {"sqs.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
	    {"sqs.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"},
	};
	char region[LIMIT_REGION];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_true(arn_region_of("sqs", cases[i][0], region));
		assert_string_equal(region, cases[i][1]);
	}
}

static void no_other_host_names_a_region(void **state)
{
	static const char *const hosts[] = {"", ".", "127.0.0.1", "[::1]",
	    "amazonaws.com", ".amazonaws.com", "sqs.amazonaws.com",
	    "sqs..amazonaws.com", "sqs.eu_west.amazonaws.com",
	    "sqs.a.b.amazonaws.com", "sqs.eu-west-1amazonaws.com",
	    "sqs.eu-west-1.notamazonaws.com",
	    "sqs.eu-west-1.amazonaws.com.evil.example",
	    "sqs.eu-west-1.amazonaws.com.",
	    "sqs.evil.example:sqs.eu-west-1.amazonaws.com",
	    "s3.eu-west-1.amazonaws.com", "sqs.eu-west-1.compute.amazonaws.com",
	    "ec2-192-0-2-1.eu-west-1.compute.amazonaws.com",
	    "evil.sqs.eu-west-1.amazonaws.com", "sqs.evil.example",
	    "x.sqs.eu-west-1.vpce.amazonaws.com",
	    "vpce-1.vpce-svc-2.eu-west-1.vpce.amazonaws.com",
	    "vpce-1.x.sqs.eu-west-1.vpce.amazonaws.com", "vpce.amazonaws.com",
	    "vpce-1.vpce.amazonaws.com", "sqs.-.amazonaws.com",
	    "evil.queue.amazonaws.com.evil.example", "queue.amazonaws.com.cn",
	    "a.queue.amazonaws.com.queue",
	    "vpce-1.sqs-fipsx.us-east-2.vpce.amazonaws.com",
	    "vpce-1.sqs.x.sqs-fips.us-east-2.vpce.amazonaws.com",
	    "vpce-1.sqs.us-east-2.vpce.amazonaws.com.example.org",
	    "vpce-1.sqs.us-east-2.vpce-amazonaws.com",
	    "vpce-1.sqs.us-east-2.amazonaws.com", "vpce-.vpce.amazonaws.com",
	    "sqs.us-east-2.vpce.amazonaws.com", "vpce-1.vpce",
	    "sqs-fips.us-east-2.api.aws.example.org",
	    "sqs-fips.us-east-2.xapi.aws", "sqs-fips.us-east-2.aws",
	    "sqs-fips.amazonaws.com", "sqs-fips.queue.us-east-2.amazonaws.com",
	    "us-east-2.queue.api.aws.example", "queue.amazonaws.com.example",
	    "xqueue.amazonaws.com", "queue.amazonaws.com.", "queue.api.aws",
	    "us-east-2.xqueue.amazonaws.com", "us-east-2.queueamazonaws.com",
	    /* Another partition's domain. */
	    "sqs.cn-north-1.amazonaws.com", "sqs.eu-west-1.amazonaws.com.cn",
	    "sqs.eusc-de-east-1.api.aws", "sqs.us-iso-east-1.sc2s.sgov.gov"};
	char region[LIMIT_REGION] = "kept";

	(void)state;
	for (size_t i = 0; i < COUNT(hosts); i++)
		if (arn_region_of("sqs", hosts[i], region))
			fail_msg("%s names %s", hosts[i], region);
	assert_string_equal(region, "kept");
}

struct reading {
	const char *queue, *region, *account, *name;
};

static void a_queue_says_what_it_is(void **state)
{
	static const struct reading cases[] = {
	    {"entropy", "", "", "entropy"},
	    {"entropy.fifo", "", "", "entropy.fifo"},
	    {"arn:aws:sqs:eu-west-1:" A ":q", "eu-west-1", A, "q"},
	    {"arn:aws-cn:sqs:cn-north-1:" A ":q.fifo", "cn-north-1", A,
		"q.fifo"},
	    {"https://sqs.eu-west-1.amazonaws.com/" A "/q", "eu-west-1", A,
		"q"},
	    {"HTTPS://SQS.EU-WEST-1.AMAZONAWS.COM:443/" A "/q", "eu-west-1", A,
		"q"},
	    {"https://sqs.eu-west-1.amazonaws.com:8443/" A "/q", "eu-west-1", A,
		"q"},
	    {"http://127.0.0.1:5000/" A "/q", "", A, "q"},
	    {"http://localhost:4566/queue/eu-west-1/" A "/q", "", A, "q"},
	    {"https://h/1/q", "", "", ""},
	    {"https://h/queue/q", "", "", ""},
	    {"https://h/" A "3/q", "", "", ""},
	    {"https://h/12345678901x/q", "", "", ""},
	    {"https://h/" A "/a.b", "", "", ""},
	    {"https://h/" A "/%71", "", "", ""},
	    {"https://h/" A "/...", "", "", ""},
	};
	struct arn a;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (arn_read(cases[i].queue, &a) != 0)
			fail_msg("refused: %s", cases[i].queue);
		assert_string_equal(a.region, cases[i].region);
		assert_string_equal(a.account, cases[i].account);
		assert_string_equal(a.name, cases[i].name);
	}
}

static void what_is_no_queue_is_refused(void **state)
{
	static const char *const bad[] = {"", "a b", "a.b", ".fifo", "q.fifo.",
	    "\xc3\xa9", "a\n", FORTY FORTY "a", FORTY FORTY ".fifo", "/1/q",
	    "h:80", "ftp://h/1/q", "https://h", "https://h/q",
	    "https://h/" A "/..", "https://u@h/" A "/q", "https://h/" A "/q?x",
	    "arn:", "arn:aws", "arn:aws:sqs:eu-west-1:" A,
	    "arn:aws:sqs:eu-west-1:" A ":",
	    "arn:aws:sqs:eu-west-1:" A ":q:", "arn:aws:sqs:eu-west-1:" A ":a b",
	    "arn:aws:sqs:eu-west-1::q", "arn:aws:sqs:eu-west-1:12345678901:q",
	    "arn:aws:sqs:eu-west-1:1234567890123:q", "arn:aws:sqs::" A ":q",
	    "arn:aws:sqs:eu.west:" A ":q", "arn:aws:sqs:EU-WEST-1:" A ":q",
	    "arn:aws:sns:eu-west-1:" A ":q", "arn:aws:sqss:eu-west-1:" A ":q",
	    "arn::sqs:eu-west-1:" A ":q", "arn:aws:sqs:cn-north-1:" A ":q",
	    "arn:aws-cn:sqs:eu-west-1:" A ":q", "arn:aw:sqs:eu-west-1:" A ":q",
	    "ARN:aws:sqs:eu-west-1:" A ":q", " arn:aws:sqs:eu-west-1:" A ":q"};
	struct arn a;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (arn_read(bad[i], &a) != ERR_FORMAT)
			fail_msg("accepted: %s", bad[i]);
}

static void what_a_queue_does_not_say_is_set_or_found(void **state)
{
	static const struct {
		const char *queue, *region;
		const struct arn found;
		const char *arn;
	} cases[] = {
	    /* An ARN says all, and nobody overrules it. */
	    {"arn:aws:sqs:eu-west-1:" A ":q", "us-east-1",
		{"us-east-2", "999999999999", "x"},
		"arn:aws:sqs:eu-west-1:" A ":q"},
	    /* A URL whose host names the region says all, too. */
	    {"https://sqs.eu-west-1.amazonaws.com/" A "/q", "us-east-1",
		{"us-east-2", "999999999999", "x"},
		"arn:aws:sqs:eu-west-1:" A ":q"},
	    {"https://h/" A "/q", "us-east-1",
		{"us-east-2", "999999999999", "x"},
		"arn:aws:sqs:us-east-1:" A ":q"},
	    {"https://h/" A "/q", "", {"cn-north-1", "999999999999", "x"},
		"arn:aws-cn:sqs:cn-north-1:" A ":q"},
	    /* Nobody may find another account for it. */
	    {"https://h/1/q", "eu-west-1", {"eu-west-1", A, "q"}, ""},
	    {"q", "", {"us-gov-west-1", A, "x"},
		"arn:aws-us-gov:sqs:us-gov-west-1:" A ":q"},
	    {"q", "eu-west-1", {"us-east-2", A, "x"},
		"arn:aws:sqs:eu-west-1:" A ":q"},
	    {"q", "eu west", {"us-east-2", A, "x"},
		"arn:aws:sqs:us-east-2:" A ":q"},
	    {"", "", {"us-east-2", A, "x"}, "arn:aws:sqs:us-east-2:" A ":x"},
	    {"", "eu-west-1", {"us-east-2", A, "x"},
		"arn:aws:sqs:eu-west-1:" A ":x"},
	    {"q", "", {"", A, "q"}, ""},
	    {"q", "eu-west-1", {"eu-west-1", "", "q"}, ""},
	    {"", "eu-west-1", {"eu-west-1", A, ""}, ""},
	    {"a b", "eu-west-1", {"eu-west-1", A, "q"}, ""},
	};
	char arn[ARN_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		arn_make(arn, cases[i].queue, cases[i].region, &cases[i].found);
		assert_string_equal(arn, cases[i].arn);
	}
	arn_make(arn, "q", "eu-west-1", NULL);
	assert_string_equal(arn, "");
}

static void the_longest_arn_has_room(void **state)
{
	static const struct arn longest = {
	    "us-iso-" FORTY "aaaaaaaaaaaaaaaa", A, FORTY FORTY};
	char arn[ARN_TEXT_MAX];
	struct arn a;

	(void)state;
	arn_make(arn, "", "", &longest);
	assert_int_equal(arn_read(arn, &a), 0);
	assert_memory_equal(&a, &longest, sizeof a);
}

static void what_comes_from_the_other_half_is_judged(void **state)
{
	struct arn a = {"", "", ""};

	(void)state;
	assert_true(arn_is_sound(&a));
	a = (struct arn){"eu-west-1", A, "q"};
	assert_true(arn_is_sound(&a));
	a = (struct arn){"eu-west-1:", A, "q"};
	assert_false(arn_is_sound(&a));
	a = (struct arn){"eu-west-1", "1", "q"};
	assert_false(arn_is_sound(&a));
	a = (struct arn){"eu-west-1", A, "a/b"};
	assert_false(arn_is_sound(&a));
	memset(&a, 'a', sizeof a);
	assert_false(arn_is_sound(&a));
	a = (struct arn){"", "", ""};
	memset(a.name, 'a', sizeof a.name);
	assert_false(arn_is_sound(&a));
	a = (struct arn){"", "", ""};
	memset(a.account, '1', sizeof a.account);
	assert_false(arn_is_sound(&a));
}

static void assert_set_region(const char *region, const char *by)
{
	const char *place = NULL;

	assert_string_equal(arn_set_region("a", &place), region);
	assert_string_equal(place, by);
}

static void the_environment_precedes_the_configured_region(void **state)
{
	(void)state;
	(void)unsetenv("AWS_REGION");
	(void)unsetenv("AWS_DEFAULT_REGION");
	assert_set_region("a", "\"region\" in the configuration");
	assert_string_equal(arn_set_region("", NULL), "");
	(void)setenv("AWS_DEFAULT_REGION", "b", 1);
	assert_set_region("b", "AWS_DEFAULT_REGION");
	(void)setenv("AWS_REGION", "c", 1);
	assert_set_region("c", "AWS_REGION");
	assert_string_equal(arn_set_region("a", NULL), "c");
	(void)setenv("AWS_REGION", "", 1);
	assert_set_region("b", "AWS_DEFAULT_REGION");
	(void)unsetenv("AWS_REGION");
	(void)unsetenv("AWS_DEFAULT_REGION");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_region_has_one_partition),
	    cmocka_unit_test(a_region_is_a_label_of_a_host),
	    cmocka_unit_test(hosts_of_sqs_name_their_region),
	    cmocka_unit_test(no_other_host_names_a_region),
	    cmocka_unit_test(a_queue_says_what_it_is),
	    cmocka_unit_test(what_is_no_queue_is_refused),
	    cmocka_unit_test(what_a_queue_does_not_say_is_set_or_found),
	    cmocka_unit_test(the_longest_arn_has_room),
	    cmocka_unit_test(what_comes_from_the_other_half_is_judged),
	    cmocka_unit_test(the_environment_precedes_the_configured_region),
	};

	return cmocka_run_group_tests_name("arn", tests, NULL, NULL);
}

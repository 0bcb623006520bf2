/* SPDX-License-Identifier: Apache-2.0 */
/* Where a service beside the queues is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aid/session.h"
#include "sqs/call.h"
#include "sqs/kms.h"

#define ARN(region) "arn:aws:sqs:" region ":123456789012:entropy"
#define ZONE        "eu-west-1"

static int prepare(void **state)
{
	(void)state;
	session_aid_forget_host();
	return 0;
}

/* What is set, and where KMS is then.  The endpoint of a queue, set by option
 * or configured, is none of KMS's. */
static const struct {
	const char *first, *second, *configured;
	const char *variable, *value;
	enum text_switch fips, dual;
	const char *url, *region;
} places[] = {
    {ARN("us-west-2"), ARN(ZONE), "", "", "", 0, 0,
	"https://kms.us-west-2.amazonaws.com/", "us-west-2"},
    /* As of the queue, its own word goes before what is set. */
    {ARN(ZONE), "", "us-east-1", "AWS_REGION", "us-east-1", 0, 0,
	"https://kms.eu-west-1.amazonaws.com/", ZONE},
    {"https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q", "", "", "", "",
	0, 0, "https://kms.cn-north-1.amazonaws.com.cn/", "cn-north-1"},
    {"http://127.0.0.1:1/123456789012/q", "", ZONE, "", "", 0, 0,
	"https://kms.eu-west-1.amazonaws.com/", ZONE},
    {"entropy", "", "us-east-1", "AWS_REGION", ZONE, 0, 0,
	"https://kms.eu-west-1.amazonaws.com/", ZONE},
    {"", "", "us-east-1", "", "", 0, 0, "https://kms.us-east-1.amazonaws.com/",
	"us-east-1"},
    {"q", "", "us-east-1", "", "", TEXT_TRUE, 0,
	"https://kms-fips.us-east-1.amazonaws.com/", "us-east-1"},
    {"q", "", "us-gov-west-1", "", "", TEXT_TRUE, 0,
	"https://kms-fips.us-gov-west-1.amazonaws.com/", "us-gov-west-1"},
    {"q", "", ZONE, "", "", 0, TEXT_TRUE, "https://kms.eu-west-1.api.aws/",
	ZONE},
    {"q", "", ZONE, "AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9", 0, 0,
	"http://127.0.0.1:9/", ZONE},
    {"q", "", ZONE, "AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9", 0, 0,
	"https://kms.eu-west-1.amazonaws.com/", ZONE},
    {"q", "", ZONE, "AWS_ENDPOINT_URL", "http://127.0.0.1:8", 0, 0,
	"http://127.0.0.1:8/", ZONE},
    {"q", "", "", "AWS_ENDPOINT_URL_KMS", "https://kms.us-west-2.api.aws", 0, 0,
	"https://kms.us-west-2.api.aws/", "us-west-2"},
};

static void kms_is_where_the_first_queue_is(void **state)
{
	const struct clock clock = clock_system(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		struct session_config cfg =
		    session_aid_of(places[i].first, places[i].second);
		struct err err = {0};
		struct session s;
		struct sqs *kms = NULL;

		cfg.region = places[i].configured;
		cfg.endpoint_option = "https://localhost";
		cfg.use_fips = places[i].fips;
		cfg.use_dualstack = places[i].dual;
		session_aid_forget_host();
		(void)setenv(places[i].variable, places[i].value, 1);
		if (session_init(&s, &cfg, &clock, &err) != 0 ||
		    session_open_service(&s, &kms_service, 1, &kms, &err) != 0)
			fail_msg("%zu: %s", i, err.text);
		assert_string_equal(kms->url, places[i].url);
		assert_string_equal(kms->region, places[i].region);
		sqs_free(kms);
		session_close(&s);
	}
}

/* What is wrong is so for --check as for a run, and nobody is asked. */
static const struct {
	const char *queue, *configured, *variable, *value;
	int rc, shown; /* of a run, of --check */
	const char *text;
} faults[] = {
    {"q", ZONE, "AWS_ENDPOINT_URL_KMS", "http://192.0.2.1", ERR_CONFIG,
	ERR_CONFIG, "AWS_ENDPOINT_URL_KMS: endpoint \"http://192.0.2.1\": "},
    {"q", ZONE, "AWS_ENDPOINT_URL_KMS", "https://kms.us-east-1.amazonaws.com",
	ERR_CONFIG, ERR_CONFIG, "AWS_ENDPOINT_URL_KMS sets an endpoint in us-"},
    {ARN(ZONE), "", "AWS_ENDPOINT_URL_KMS",
	"https://vpce-1.kms-fips.us-east-1.vpce.amazonaws.com", ERR_CONFIG,
	ERR_CONFIG, "the queue's ARN says the region " ZONE},
    {"q", "nowhere!", "", "", ERR_CONFIG, ERR_CONFIG, "is no name of a region"},
    {"q", "", "", "", ERR_CONFIG, 0, "no region: "},
};

static void what_is_wrong_is_told_by_name(void **state)
{
	const struct clock clock = clock_system(NULL);
	FILE *to = fopen("/dev/null", "w");

	(void)state;
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		struct session_config cfg = session_aid_of(faults[i].queue, "");
		struct err err = {0}, shown = {0};
		struct session s;
		struct sqs *kms = NULL;

		cfg.region = faults[i].configured;
		session_aid_forget_host();
		(void)setenv(faults[i].variable, faults[i].value, 1);
		assert_int_equal(session_init(&s, &cfg, &clock, &err), 0);
		assert_int_equal(
		    session_open_service(&s, &kms_service, 1, &kms, &err),
		    faults[i].rc);
		assert_null(kms);
		assert_non_null(strstr(err.text, faults[i].text));
		assert_int_equal(
		    session_show_service(&cfg, &kms_service, to, &shown),
		    faults[i].shown);
		if (faults[i].shown != 0)
			assert_string_equal(shown.text, err.text);
		session_close(&s);
	}
	(void)fclose(to);
}

static void check_tells_the_endpoint(void **state)
{
	static const char *const lines[] = {
	    "# endpoint of KMS = \"https://kms.eu-west-1.amazonaws.com\"  # the "
	    "region\n",
	    "# endpoint of KMS = \"\"  # the region that EC2 metadata tells\n"};

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct session_config cfg = session_aid_of("q", "");
		struct err err = {0};
		char text[256] = "";
		FILE *to = fmemopen(text, sizeof text, "w");

		cfg.region = k == 0 ? ZONE : "";
		assert_int_equal(
		    session_show_service(&cfg, &kms_service, to, &err), 0);
		(void)fclose(to);
		assert_string_equal(text, lines[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(kms_is_where_the_first_queue_is, prepare),
	    cmocka_unit_test_setup(what_is_wrong_is_told_by_name, prepare),
	    cmocka_unit_test_setup(check_tells_the_endpoint, prepare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

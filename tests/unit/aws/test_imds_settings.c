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

#include "aws/imds_settings.h"

#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define MODE     "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"
#define TIMEOUT  "AWS_METADATA_SERVICE_TIMEOUT"
#define ATTEMPTS "AWS_METADATA_SERVICE_NUM_ATTEMPTS"
#define IPV4     "http://169.254.169.254"
#define IPV6     "http://[fd00:ec2::254]"

static struct imds_settings settings;
static struct err err;

static char config[] = "/tmp/imds-settings-XXXXXX";

/* variable may be NULL; profile is the one line of [default]. */
static int read_with(
    const char *variable, const char *value, const char *profile)
{
	FILE *f = fopen(config, "w");
	struct shared_files *files;
	int rc;

	assert_non_null(f);
	assert_true(fprintf(f, "[default]\n%s\n", profile) > 0);
	assert_int_equal(fclose(f), 0);
	if (variable != NULL)
		assert_int_equal(setenv(variable, value, 1), 0);
	files = shared_files_new(NULL);
	rc = imds_settings_read(files, &settings, &err);
	shared_files_free(files);
	if (variable != NULL)
		assert_int_equal(unsetenv(variable), 0);
	return rc;
}

static void expect_endpoint(const char *variable, const char *value,
    const char *profile, const char *endpoint)
{
	assert_int_equal(read_with(variable, value, profile), 0);
	assert_string_equal(settings.endpoint, endpoint);
}

static void an_endpoint_goes_before_a_mode_and_a_variable_before_a_key(
    void **state)
{
	static const char key[] =
	    "ec2_metadata_service_endpoint=http://127.0.0.1:8";
	static const char mode[] = "ec2_metadata_service_endpoint_mode=iPv6";
	static const char empty[] = "ec2_metadata_service_endpoint=";
	static const char none[] = "";

	(void)state;
	expect_endpoint(NULL, NULL, none, IPV4);
	assert_false(settings.configured);
	expect_endpoint(ENDPOINT, "", none, IPV4);
	expect_endpoint(NULL, NULL, empty, IPV4);
	expect_endpoint(
	    ENDPOINT, "http://127.0.0.1:9//", key, "http://127.0.0.1:9");
	assert_true(settings.configured);
	expect_endpoint(ENDPOINT, "", key, "http://127.0.0.1:8");
	expect_endpoint(MODE, "IPv6", key, "http://127.0.0.1:8");
	expect_endpoint(MODE, "ipv4", mode, IPV4);
	expect_endpoint(MODE, "IPV6", none, IPV6);
	assert_false(settings.configured);
	expect_endpoint(NULL, NULL, mode, IPV6);
}

static void an_endpoint_of_imds_must_be_a_plain_url(void **state)
{
	static const char *const wrong[] = {"127.0.0.1", "ftp://127.0.0.1",
	    "http://a b", "http://u@127.0.0.1", "http://127.0.0.1/?x",
	    "http://", "nonsense"};
	char big[400], none[] = "";

	(void)state;
	memset(big, 'a', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	memcpy(big, "http://", 7);
	expect_endpoint(ENDPOINT, IPV6, none, IPV6);
	assert_int_equal(read_with(ENDPOINT, big, none), ERR_CONFIG);
	for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
		assert_int_equal(
		    read_with(ENDPOINT, wrong[k], none), ERR_CONFIG);
		assert_non_null(strstr(err.text, ENDPOINT " is no endpoint"));
	}
}

static void what_cannot_be_honoured_is_an_error_with_its_name(void **state)
{
	static const char mode[] = "ec2_metadata_service_endpoint_mode=IPv7";
	char attempts[] = "metadata_service_num_attempts=few";
	char none[] = "";
	static const struct {
		const char *variable, *value;
	} wrong[] = {{MODE, "error"}, {MODE, "6"}, {TIMEOUT, "0"},
	    {TIMEOUT, "1.5"}, {TIMEOUT, "-1"}, {TIMEOUT, "1 s"},
	    {TIMEOUT, "3601"}, {ATTEMPTS, "0"}, {ATTEMPTS, "x"}};

	(void)state;
	for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
		assert_int_equal(
		    read_with(wrong[k].variable, wrong[k].value, none),
		    ERR_CONFIG);
		assert_non_null(strstr(err.text, wrong[k].variable));
		assert_non_null(strstr(err.text, wrong[k].value));
	}
	assert_int_equal(read_with(NULL, NULL, mode), ERR_CONFIG);
	assert_non_null(strstr(err.text,
	    "ec2_metadata_service_endpoint_mode is IPv7: write IPv4 or IPv6"));
	/* It is wrong even where it would not be used. */
	assert_int_equal(read_with(ENDPOINT, IPV4, mode), ERR_CONFIG);
	assert_int_equal(read_with(NULL, NULL, attempts), ERR_CONFIG);
}

static void time_and_number_of_tries_can_be_set(void **state)
{
	char time_out[] = "metadata_service_timeout=7", none[] = "";

	(void)state;
	assert_int_equal(read_with(NULL, NULL, none), 0);
	assert_int_equal(settings.try_ms, 0);
	assert_int_equal(settings.tries, 0);
	assert_int_equal(read_with(ATTEMPTS, "4", time_out), 0);
	assert_int_equal(settings.try_ms, 7000);
	assert_int_equal(settings.tries, 4);
	assert_int_equal(read_with(TIMEOUT, "2", time_out), 0);
	assert_int_equal(settings.try_ms, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		an_endpoint_goes_before_a_mode_and_a_variable_before_a_key),
	    cmocka_unit_test(an_endpoint_of_imds_must_be_a_plain_url),
	    cmocka_unit_test(what_cannot_be_honoured_is_an_error_with_its_name),
	    cmocka_unit_test(time_and_number_of_tries_can_be_set),
	};
	static const char *const variables[] = {ENDPOINT, MODE, TIMEOUT,
	    ATTEMPTS, "AWS_EC2_METADATA_DISABLED", "AWS_PROFILE",
	    "AWS_DEFAULT_PROFILE"};
	int fd = mkstemp(config), rc;

	for (size_t k = 0; k < sizeof variables / sizeof variables[0]; k++)
		(void)unsetenv(variables[k]);
	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
	(void)setenv("AWS_CONFIG_FILE", config, 1);
	rc = fd < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
	(void)close(fd);
	(void)unlink(config);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/conf_bench.h"

#include "producer/conf.h"

static struct conf conf;

static int setup(void **state)
{
	(void)state;
	return make_file("queue = q\n");
}

static int load(const char *a, const char *b)
{
	return load_words(&conf, path, a, b);
}

static void the_defaults_keep_a_depth(void **state)
{
	(void)state;
	assert_int_equal(load(NULL, NULL), 0);
	assert_string_equal(conf.device, "/dev/hwrng");
	assert_int_equal(conf.message_bytes, 512);
	assert_int_equal(conf.refill.depth, 1000);
	assert_int_equal(conf.refill.producers, 2);
	assert_int_equal(conf.refill.interval, 60);
	assert_false(conf.once);
}

/* Either of the two means both, as the article has them. */
static void a_watermark_or_a_burst_replaces_the_default_depth(void **state)
{
	(void)state;
	write_file("queue = q\nlow-watermark = 3\n");
	assert_int_equal(load(NULL, NULL), 0);
	assert_int_equal(conf.refill.depth, 0);
	assert_int_equal(conf.refill.low_watermark, 3);
	assert_int_equal(conf.refill.burst, 10);
	write_file("queue = q\nburst = 3\n");
	assert_int_equal(load(NULL, NULL), 0);
	assert_int_equal(conf.refill.depth, 0);
	assert_int_equal(conf.refill.low_watermark, 10);
	assert_int_equal(conf.refill.burst, 3);
}

static void options_win(void **state)
{
	(void)state;
	write_file("queue = q\ndevice = \"/dev/a\"\nburst = 3\n");
	assert_int_equal(load("--once", "--device=/dev/b"), 0);
	assert_string_equal(conf.device, "/dev/b");
	assert_int_equal(conf.refill.burst, 3);
	assert_true(conf.once);
}

static void values_out_of_range_are_refused(void **state)
{
	static const char *const cases[] = {"low-watermark = 0", "burst = 0",
	    "depth = 0", "depth = 100001", "producers = 0", "producers = 1001",
	    "interval = 0", "interval = 86401", "message-bytes = 31",
	    "message-bytes = 16385", "bits-per-byte = 0", "bits-per-byte = 8.1",
	    "low_watermark = 5", "output = \"-\""};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		(void)snprintf(text, sizeof text, "queue = q\n%s\n", cases[i]);
		write_file(text);
		if (load(NULL, NULL) != ERR_CONFIG ||
		    strstr(err.text, ":2:") == NULL)
			fail_msg("%s: %s", cases[i], err.text);
	}
}

/* wrong is part of what the error says, NULL if the file is taken. */
static void assert_judged(const char *text, const char *wrong)
{
	write_file(text);
	assert_int_equal(load(NULL, NULL), wrong != NULL ? ERR_CONFIG : 0);
	if (wrong != NULL && strstr(err.text, wrong) == NULL)
		fail_msg("%s: %s", text, err.text);
}

static void a_depth_goes_without_watermark_and_burst(void **state)
{
	static const struct {
		const char *text, *wrong; /* NULL: it is taken */
	} cases[] = {{"depth = 20\n", NULL},
	    {"depth = 20\nproducers = 3\n", NULL},
	    {"depth = 20\nlow-watermark = 5\n",
		":3: low-watermark cannot be set beside depth, which line 2 "
		"sets: remove one of them"},
	    {"burst = 10\ndepth = 20\n",
		":2: burst cannot be set beside depth, which line 3 sets"},
	    {"low-watermark = 5\nburst = 10\n", NULL},
	    {"producers = 3\n", NULL},
	    {"producers = 2\nburst = 5\n", "not at low-watermark and burst"},
	    {"producers = 1\nburst = 5\n", NULL}};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		(void)snprintf(
		    text, sizeof text, "queue = q\n%s", cases[i].text);
		assert_judged(text, cases[i].wrong);
	}
}

static void a_queue_in_two_spellings_is_refused(void **state)
{
#define ARN(zone, account, name) "\"arn:aws:sqs:" zone ":" account ":" name "\""
#define URL(host)                "\"https://" host "/111122223333/a\""
#define ONE                      ARN("eu-west-1", "111122223333", "a")
	static const struct {
		const char *queues, *wrong; /* NULL: they are taken */
	} cases[] = {
	    {ONE ", " URL("sqs.eu-west-1.amazonaws.com"),
		"queue: \"arn:aws:sqs:eu-west-1:111122223333:a\" and "
		"\"https://sqs.eu-west-1.amazonaws.com/111122223333/a\" are one "
		"queue; remove one"},
	    {URL("sqs-fips.us-east-1.amazonaws.com") ", b, " URL(
		 "queue.amazonaws.com"),
		"and " URL("queue.amazonaws.com") " are one queue"},
	    {ONE ", a", NULL},
	    {ONE ", " URL("localhost"), NULL},
	    {ONE ", " URL("sqs.eu-west-2.amazonaws.com"), NULL},
	    {ONE ", " ARN("eu-west-1", "111122223333", "b"), NULL},
	    {ONE ", " ARN("eu-west-1", "111122223334", "a"), NULL},
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		(void)snprintf(
		    text, sizeof text, "queue = {%s}\n", cases[i].queues);
		assert_judged(text, cases[i].wrong);
	}
}

static void a_queue_is_needed(void **state)
{
	(void)state;
	write_file("");
	assert_int_equal(load(NULL, NULL), ERR_CONFIG);
	assert_non_null(strstr(err.text, "--queue"));
	assert_int_equal(load("--check", NULL), ERR_CONFIG);
	assert_int_equal(load("-q", "x"), 0);
}

static void the_keys_of_a_producer_come_from_the_file(void **state)
{
	(void)state;
	assert_int_equal(load(NULL, NULL), 0);
	assert_string_equal(conf.signing_key, "");
	assert_string_equal(conf.seal_to, "");
	write_file("queue = q\nsigning-key = \"/etc/key\"\n"
		   "seal-to = \"/etc/fleet.pub\"\n");
	assert_int_equal(load(NULL, NULL), 0);
	assert_string_equal(conf.signing_key, "/etc/key");
	assert_string_equal(conf.seal_to, "/etc/fleet.pub");
}

static void a_key_that_would_be_ignored_is_refused(void **state)
{
	(void)state;
	write_file("queue = q\nseal-to = \"/etc/fleet.pub\"\n");
	assert_int_equal(load(NULL, NULL), ERR_CONFIG);
	assert_non_null(strstr(err.text, "signing-key"));
	assert_non_null(strstr(err.text, path));
	assert_int_equal(load("--check", NULL), ERR_CONFIG);
}

static void a_key_is_made_without_a_configuration(void **state)
{
	(void)state;
	write_file("nonsense\n");
	assert_int_equal(load("--genkey", "/etc/key"), 0);
	assert_int_equal(conf.common.action, CONF_GENKEY);
	assert_string_equal(conf.key_file, "/etc/key");
	assert_null(conf.seal);
	assert_int_equal(load("--genkey=x", "--seal"), 0);
	assert_string_equal(conf.key_file, "x");
	assert_string_equal(conf.seal, "");
	assert_int_equal(load("--seal", "--genkey=x"), 0);
	assert_string_equal(conf.seal, "");
	assert_int_equal(load("--genkey=x", "--seal=xwing"), 0);
	assert_string_equal(conf.seal, "xwing");
	assert_int_equal(load("--genkey=x", "--seal="), ERR_USAGE);
	assert_string_equal(
	    err.text, "option --seal= needs a value (see --help)");
	assert_int_equal(load("--genkey", NULL), ERR_USAGE);
	write_file("queue = q\n");
	assert_int_equal(load("--seal", NULL), ERR_USAGE);
	assert_non_null(strstr(err.text, "--genkey"));
	assert_int_equal(load("--seal", "--once"), ERR_USAGE);
	assert_int_equal(load("--seal=xwing", NULL), ERR_USAGE);
	assert_int_equal(load("--genkey=x", "--once"), ERR_USAGE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, remove_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_defaults_keep_a_depth),
	    T(a_watermark_or_a_burst_replaces_the_default_depth),
	    T(options_win),
	    T(values_out_of_range_are_refused),
	    T(a_depth_goes_without_watermark_and_burst),
	    T(a_queue_in_two_spellings_is_refused),
	    T(a_queue_is_needed),
	    T(the_keys_of_a_producer_come_from_the_file),
	    T(a_key_that_would_be_ignored_is_refused),
	    T(a_key_is_made_without_a_configuration),
	};

	return cmocka_run_group_tests_name("producer conf", tests, NULL, NULL);
}

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

#include "aid/loopback.h"
#include "aid/session.h"

#define QUEUE "https://sqs.eu-west-1.amazonaws.com/123456789012/entropy"
#define ANSWER(status, length, text)                                           \
	"HTTP/1.1 " status "\r\nContent-Length: " length "\r\n\r\n" text

static struct session session;
static struct session_queue *q;
static struct clock the_clock;
static struct err err;

static int prepare(void **state)
{
	(void)state;
	session_aid_forget_host();
	(void)setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	the_clock = clock_system(NULL);
	memset(&err, 0, sizeof err);
	return 0;
}

static struct session_config config(const char *queue)
{
	return session_aid_of(queue, "");
}

static int open_within(const struct session_config *cfg, int64_t ms)
{
	static struct session_config kept;
	int rc;

	q = &session.queues[0];
	kept = *cfg;
	rc = session_init(&session, &kept, &the_clock, &err);
	if (rc == 0)
		rc = session_open(
		    &session, q, clock_mono(&the_clock) + ms, &err);
	if (rc != 0)
		session_close(&session);
	return rc;
}

static int open_with(const struct session_config *cfg)
{
	return open_within(cfg, 60000);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_not_equal(fputs(text, f), EOF);
	assert_int_equal(fclose(f), 0);
}

/* As a file is that somebody writes in place, when the service starts. */
static void a_patient_session_waits_for_sound_files(void **state)
{
	struct session_config cfg =
	    config("https://sqs.eu-west-1.amazonaws.com/123456789012/q");
	char path[] = "/tmp/test_session.XXXXXX";
	const int fd = mkstemp(path);
	struct session_found told;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(setenv("AWS_CONFIG_FILE", path, 1), 0);
	write_text(path, "[default]\nregion = eu-west-1\nec2_meta");
	assert_int_equal(session_check(&cfg, &told, &err), ERR_CONFIG);
	assert_int_equal(
	    session_init(&session, &cfg, &the_clock, &err), ERR_CONFIG);
	cfg.patient = true;
	assert_int_equal(session_check(&cfg, &told, &err), 0);
	assert_int_equal(session_init(&session, &cfg, &the_clock, &err), 0);
	q = &session.queues[0];
	assert_int_equal(
	    session_open(&session, q, clock_mono(&the_clock) + 60000, &err),
	    ERR_CONFIG);
	write_text(path, "[default]\nregion = eu-west-1\n");
	assert_int_equal(
	    session_open(&session, q, clock_mono(&the_clock) + 60000, &err), 0);
	session_close(&session);
	(void)unlink(path);
}

static int open_queue(const char *queue)
{
	const struct session_config cfg = config(queue);

	return open_with(&cfg);
}

static void assert_refused(const struct session_config *cfg, const char *word)
{
	assert_int_equal(open_with(cfg), ERR_CONFIG);
	assert_int_equal(err.code, ERR_CONFIG);
	if (strstr(err.text, word) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", err.text, word);
	assert_null(session.http);
	session_close(&session);
}

static void assert_opened(
    const struct session_config *cfg, const char *endpoint, const char *region)
{
	if (open_with(cfg) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(q->endpoint, endpoint);
	assert_string_equal(q->region, region);
	assert_string_equal(q->url, cfg->queues[0]);
	session_close(&session);
	assert_null(session.http);
}

static void a_queue_url_says_endpoint_and_region(void **state)
{
	struct session_config cfg = config(QUEUE);

	(void)state;
	assert_opened(&cfg, "https://sqs.eu-west-1.amazonaws.com", "eu-west-1");
	/* Its host is the endpoint, so its region counts. */
	(void)setenv("AWS_REGION", "us-east-1", 1);
	cfg.region = "us-east-2";
	assert_opened(&cfg, "https://sqs.eu-west-1.amazonaws.com", "eu-west-1");
}

static void an_arn_says_region_account_and_name(void **state)
{
	static const char arn[] = "arn:aws-cn:sqs:cn-north-1:123456789012:q";
	static const char *const endpoints[] = {
	    "https://sqs.cn-north-1.amazonaws.com.cn", "https://b.example",
	    "https://b.example/"};
	struct session_config cfg = config(arn);
	char url[LIMIT_URL];

	(void)state;
	cfg.region = "us-east-2";
	(void)setenv("AWS_REGION", "us-east-1", 1);
	for (size_t i = 0; i < 3; i++) {
		cfg.endpoint_url = i > 0 ? endpoints[i] : "";
		if (open_with(&cfg) != 0)
			fail_msg("%s", err.text);
		assert_string_equal(q->endpoint, endpoints[i]);
		assert_string_equal(q->region, "cn-north-1");
		(void)snprintf(url, sizeof url, "%s/123456789012/q",
		    endpoints[i > 0 ? 1 : 0]);
		assert_string_equal(q->url, url);
		assert_string_equal(q->arn.region, "cn-north-1");
		assert_string_equal(q->arn.account, "123456789012");
		assert_string_equal(q->arn.name, "q");
		session_close(&session);
	}
}

static void variables_of_the_endpoint_precede_the_setting(void **state)
{
	struct session_config cfg = config(QUEUE);

	(void)state;
	cfg.endpoint_url = "https://c.example";
	assert_opened(&cfg, "https://c.example", "eu-west-1");
	(void)setenv("AWS_ENDPOINT_URL", "https://b.example/", 1);
	assert_opened(&cfg, "https://b.example/", "eu-west-1");
	(void)setenv("AWS_ENDPOINT_URL_SQS", "https://a.example:8443", 1);
	assert_opened(&cfg, "https://a.example:8443", "eu-west-1");
	(void)setenv("AWS_ENDPOINT_URL_SQS", "", 1);
	assert_opened(&cfg, "https://b.example/", "eu-west-1");
	(void)setenv("AWS_ENDPOINT_URL", "b.example", 1);
	assert_refused(&cfg, "endpoint");
	(void)setenv("AWS_ENDPOINT_URL", "http://b.example/path", 1);
	assert_refused(&cfg, "endpoint");
}

static void a_region_that_the_queue_overrules_is_a_warning(void **state)
{
	struct session_config cfg = config(QUEUE);

	(void)state;
	assert_int_equal(open_with(&cfg), 0);
	assert_string_equal(q->warning, "");
	session_close(&session);
	cfg.region = "us-east-2";
	assert_int_equal(open_with(&cfg), 0);
	assert_string_equal(q->region, "eu-west-1");
	assert_non_null(strstr(q->warning, "us-east-2"));
	session_close(&session);
}

static void without_a_region_the_user_is_told_to_set_one(void **state)
{
	struct session_config cfg = config("https://h.example/1/q");

	(void)state;
	assert_refused(&cfg, "set AWS_REGION");
	cfg = config("entropy");
	assert_refused(&cfg, "set AWS_REGION");
}

static void a_queue_that_is_no_url_and_no_name_is_refused(void **state)
{
	static const char *const bad[] = {"ftp://h/1/q", "https://h",
	    "https://h/", "https://h/q", "https://h/1/", "https://h//q",
	    "https://h/1//q", "https://h/1/q/", "https://h/1/q?x=1",
	    "https://u@h/1/q", "http:///1/q", "arn:aws:sqs:eu-west-1:1:q",
	    "arn:aws-cn:sqs:eu-west-1:123456789012:q", "a b", "a.b", ".fifo",
	    "a.fifo.fifo", "\xc3\xa9", "/1/q", "host:80",
	    ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	     "aaaaaaaaaaaaaaaaa")};
	struct session_config cfg;

	(void)state;
	(void)setenv("AWS_REGION", "eu-west-1", 1);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cfg = config(bad[i]);
		assert_refused(&cfg, "queue \"");
	}
	cfg = config("");
	assert_refused(&cfg, "give --queue");
}

static void a_queue_name_is_looked_up(void **state)
{
	static const char url[] = "http://127.0.0.1:1/123456789012/entropy";
	static const char *const ends[] = {"", ".fifo", "-2"};
	struct loopback_step steps[3];
	struct loopback *l;
	char answers[3][256];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(answers[i], sizeof answers[i],
		    "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n"
		    "{\"QueueUrl\":\"%s%s\"}",
		    strlen(url) + strlen(ends[i]) + 15, url, ends[i]);
		steps[i] = (struct loopback_step){.answer = answers[i]};
	}
	l = loopback_new(steps, 3);
	(void)setenv("AWS_REGION", "eu-west-1", 1);
	(void)setenv("AWS_ENDPOINT_URL_SQS", loopback_url(l), 1);
	assert_int_equal(open_queue("entropy"), 0);
	assert_string_equal(q->url, url);
	assert_string_equal(q->arn.region, "eu-west-1");
	assert_string_equal(q->arn.account, "123456789012");
	assert_string_equal(q->arn.name, "entropy");
	session_close(&session);
	assert_int_equal(open_queue("entropy.fifo"), 0);
	session_close(&session);
	assert_non_null(
	    strstr(loopback_request(l, 1), "{\"QueueName\":\"entropy.fifo\"}"));
	/* The URL of another queue is no answer. */
	assert_int_equal(open_queue("entropy"), ERR_FORMAT);
	loopback_free(l);
}

static void an_unknown_queue_name_is_told_with_its_region(void **state)
{
	const struct loopback_step step = {
	    .answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n"
		      "x-amzn-query-error: AWS.SimpleQueueService."
		      "NonExistentQueue;Sender\r\n\r\n{}"};
	struct loopback *l = loopback_new(&step, 1);

	(void)state;
	(void)setenv("AWS_REGION", "eu-west-1", 1);
	(void)setenv("AWS_ENDPOINT_URL", loopback_url(l), 1);
	assert_int_equal(open_queue("entropy"), ERR_NOQUEUE);
	assert_non_null(strstr(err.text, "entropy in region eu-west-1"));
	assert_null(q->sqs);
	loopback_free(l);
}

/* The service's own host, for a deadline that lets nobody ask it. */
static void the_region_gives_the_endpoint(void **state)
{
	const struct session_config cfg = config("entropy");
	int rc;

	(void)state;
	(void)setenv("AWS_REGION", "cn-north-1", 1);
	rc = open_within(&cfg, 0);
	assert_true(rc == ERR_TIMEOUT || rc == ERR_UNREACHABLE);
	assert_non_null(strstr(err.text, "sqs.cn-north-1.amazonaws.com.cn"));
	(void)setenv("AWS_REGION", "us-east-1", 1);
	rc = open_within(&cfg, 0);
	assert_true(rc == ERR_TIMEOUT || rc == ERR_UNREACHABLE);
	assert_non_null(strstr(err.text, "sqs.us-east-1.amazonaws.com"));
	assert_null(strstr(err.text, ".com.cn"));
}

static void each_queue_has_its_own_region(void **state)
{
	static const char queues[LIMIT_QUEUES][LIMIT_URL] = {QUEUE,
	    "arn:aws-cn:sqs:cn-north-1:123456789012:q",
	    "https://h.example/1/q"};
	static const char *const regions[] = {
	    "eu-west-1", "cn-north-1", "us-east-2"};
	static struct session_found found;
	struct session_config cfg = config("");

	(void)state;
	cfg.queues = queues;
	cfg.region = "us-east-2";
	assert_int_equal(session_init(&session, &cfg, &the_clock, &err), 0);
	assert_int_equal(session.n, 3);
	for (size_t i = 3; i-- > 0;)
		assert_int_equal(
		    session_open(&session, &session.queues[i], 1, &err), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(session.queues[i].entry, queues[i]);
		assert_string_equal(session.queues[i].region, regions[i]);
		assert_string_equal(session.queues[i].arn.region, regions[i]);
	}
	session_close(&session);
	cfg.region = "";
	assert_int_equal(session_check(&cfg, &found, &err), 0);
	assert_int_equal(found.n, 3);
	assert_string_equal(found.queues[1].endpoint,
	    "https://sqs.cn-north-1.amazonaws.com.cn");
}

static void a_malformed_queue_is_not_hidden_by_a_good_one(void **state)
{
	static struct session_found found;
	static const char queues[LIMIT_QUEUES][LIMIT_URL] = {QUEUE, "a b"};
	struct session_config cfg = config("");

	(void)state;
	cfg.queues = queues;
	assert_refused(&cfg, "queue \"a b\"");
	assert_int_equal(session_check(&cfg, &found, &err), ERR_CONFIG);
}

/* A name's look-up that failed may be tried again: it is not final. */
static void a_session_may_be_opened_again_after_a_failure(void **state)
{
	static const struct loopback_step steps[] = {
	    {.answer = NULL},
	    {.answer = NULL},
	    {.answer = NULL},
	    {.answer =
		    "HTTP/1.1 200 OK\r\nContent-Length: 54\r\n\r\n"
		    "{\"QueueUrl\":\"http://127.0.0.1/123456789012/entropy\"}  "},
	};
	struct loopback *l = loopback_new(steps, 4);
	struct session_config cfg = config("entropy");

	(void)state;
	(void)setenv("AWS_REGION", "eu-west-1", 1);
	(void)setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	cfg.endpoint_url = loopback_url(l);
	q = &session.queues[0];
	assert_int_equal(session_init(&session, &cfg, &the_clock, &err), 0);
	assert_int_not_equal(
	    session_open(&session, q, clock_mono(&the_clock) + 60000, &err), 0);
	assert_int_equal(
	    session_open(&session, q, clock_mono(&the_clock) + 60000, &err), 0);
	assert_string_equal(q->url, "http://127.0.0.1/123456789012/entropy");
	session_close(&session);
	loopback_free(l);
}

/* What a confined process must be able to read. */
static void the_files_that_a_session_needs_are_listed(void **state)
{
	const struct session_config cfg = config("entropy");
	const char *const *paths;
	bool etc = false, shared = false;

	(void)state;
	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/shared", 1);
	assert_int_equal(session_init(&session, &cfg, &the_clock, &err), 0);
	paths = session_readable(&session);
	for (size_t i = 0; paths[i] != NULL; i++) {
		etc = etc || strcmp(paths[i], "/etc") == 0;
		shared = shared || strcmp(paths[i], "/nowhere") == 0;
	}
	assert_true(etc && shared);
	session_close(&session);
}

static struct loopback *metadata(const struct loopback_step *steps, int n)
{
	struct loopback *l = loopback_new(steps, n);

	(void)unsetenv("AWS_EC2_METADATA_DISABLED");
	(void)setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", loopback_url(l), 1);
	return l;
}

#define TOKEN                                                                  \
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"                             \
	"X-aws-ec2-metadata-token-ttl-seconds: 21600\r\n\r\ntoken"

static void the_queue_may_come_from_an_instance_tag(void **state)
{
	static const struct loopback_step steps[] = {
	    {.answer = TOKEN},
	    {.answer = ANSWER("200 OK", "56", QUEUE)},
	};
	struct session_config cfg = config("");
	struct loopback *l = metadata(steps, 2);

	(void)state;
	if (open_with(&cfg) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(q->url, QUEUE);
	assert_string_equal(q->region, "eu-west-1");
	session_close(&session);
	assert_non_null(
	    strstr(loopback_request(l, 1), "/latest/meta-data/tags/instance/"));
	loopback_free(l);
}

/* Whoever may tag the instance would choose who is SQS otherwise. */
static void a_tag_that_leads_out_of_aws_is_refused(void **state)
{
	static const char *const tags[] = {"http://127.0.0.1:1/123456789012/q",
	    "https://sqs.eu-west-1.amazonaws.com:8443/123456789012/q",
	    "http://sqs.eu-west-1.amazonaws.com/123456789012/q",
	    "https://sqs.eu-west-1.example.org/123456789012/q"};
	struct session_config cfg = config("");
	struct loopback_step steps[2] = {{.answer = TOKEN}};
	struct loopback *l;
	char answer[256];

	(void)state;
	for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
		(void)snprintf(answer, sizeof answer,
		    "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
		    strlen(tags[i]), tags[i]);
		steps[1].answer = answer;
		l = metadata(steps, 2);
		assert_refused(&cfg, "no host of SQS at AWS");
		loopback_free(l);
	}
}

static void without_the_tag_there_is_no_queue(void **state)
{
	static const struct loopback_step steps[] = {
	    {.answer = TOKEN},
	    {.answer = ANSWER("404 Not Found", "0", "")},
	};
	struct session_config cfg = config("");
	struct loopback *l = metadata(steps, 2);

	(void)state;
	assert_refused(&cfg, "instance tag sqs-entropy:queue");
	loopback_free(l);
	(void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	assert_refused(&cfg, "instance tag sqs-entropy:queue");
}

static void the_region_may_come_from_the_metadata_service(void **state)
{
	static const struct loopback_step steps[] = {
	    {.answer = TOKEN},
	    {.answer = ANSWER("200 OK", "9", "sa-east-1")},
	};
	static const struct loopback_step bad[] = {
	    {.answer = TOKEN},
	    {.answer = ANSWER("200 OK", "9", "<html>hi\n")},
	};
	struct session_config cfg = config("https://h.example/1/q");
	struct loopback *l = metadata(steps, 2);

	(void)state;
	assert_opened(&cfg, "https://h.example", "sa-east-1");
	loopback_free(l);
	l = metadata(bad, 2);
	assert_refused(&cfg, "region");
	loopback_free(l);
}

static void the_environments_ca_bundle_precedes_the_setting(void **state)
{
	struct session_config cfg = config(QUEUE);

	(void)state;
	cfg.ca_bundle = "/nonexistent/ca.pem";
	assert_refused(&cfg, "/nonexistent/ca.pem");
	/* The environment's comes before the configured one. */
	(void)setenv("AWS_CA_BUNDLE", "/nonexistent/env.pem", 1);
	assert_refused(&cfg, "/nonexistent/env.pem");
}

#define TEST(f) cmocka_unit_test_setup(f, prepare)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_patient_session_waits_for_sound_files),
	    TEST(a_queue_url_says_endpoint_and_region),
	    TEST(an_arn_says_region_account_and_name),
	    TEST(variables_of_the_endpoint_precede_the_setting),
	    TEST(a_region_that_the_queue_overrules_is_a_warning),
	    TEST(without_a_region_the_user_is_told_to_set_one),
	    TEST(a_queue_that_is_no_url_and_no_name_is_refused),
	    TEST(a_queue_name_is_looked_up),
	    TEST(each_queue_has_its_own_region),
	    TEST(a_malformed_queue_is_not_hidden_by_a_good_one),
	    TEST(an_unknown_queue_name_is_told_with_its_region),
	    TEST(the_region_gives_the_endpoint),
	    TEST(a_session_may_be_opened_again_after_a_failure),
	    TEST(the_files_that_a_session_needs_are_listed),
	    TEST(the_queue_may_come_from_an_instance_tag),
	    TEST(a_tag_that_leads_out_of_aws_is_refused),
	    TEST(without_the_tag_there_is_no_queue),
	    TEST(the_region_may_come_from_the_metadata_service),
	    TEST(the_environments_ca_bundle_precedes_the_setting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

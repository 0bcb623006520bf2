/* SPDX-License-Identifier: Apache-2.0 */
/* A run of the online half, where memory, libcurl or OpenSSL fails for once: it
 * ends with an error, whoever gives the credentials. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aid/failing.h"
#include "aid/keys.h"
#include "aid/loopback.h"
#include "aid/sts.h"
#include "sqs/messages.h"
#include "sqs/queue.h"
#include "sqs/session.h"

#define GIVEN_MAX   3 /* answers of who gives the credentials */
#define ANSWERS_MAX 8
#define GIVEN                                                                  \
	"\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","     \
	"\"Expiration\":\"2099-01-01T00:00:00Z\""
#define LATER "<Expiration>2099-01-01T00:00:00Z</Expiration>"
#define STS   IN("<AccessKeyId>A</AccessKeyId>" SECRET SESSION LATER)
#define WEB                                                                     \
	"<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/" \
	"doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult><Credentials>"      \
	"<AccessKeyId>A</AccessKeyId>" SECRET SESSION LATER                     \
	"</Credentials></AssumeRoleWithWebIdentityResult>"                      \
	"</AssumeRoleWithWebIdentityResponse>"
#define MD5 "d4f1807d5a331844c4bc0401a6a80156"
#define MESSAGE                                                                \
	"{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"r\","         \
	"\"MD5OfBody\":\"" MD5 "\","                                           \
	"\"Body\":\"BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\"}]}"

/* What SQS answers, in the order of use_queue(). */
static const char *const sqs_answers[] = {MESSAGE,
    "{\"Successful\":[{\"Id\":\"0\"}],\"Failed\":[]}",
    "{\"Successful\":[{\"Id\":\"0\",\"MessageId\":\"m\",\"MD5OfMessageBody\":"
    "\"" MD5 "\"}]}",
    "{\"Attributes\":{\"ApproximateNumberOfMessages\":\"1\","
    "\"ApproximateNumberOfMessagesNotVisible\":\"0\","
    "\"VisibilityTimeout\":\"30\",\"MessageRetentionPeriod\":\"345600\","
    "\"MaximumMessageSize\":\"262144\"}}"};
#define SQS_ANSWERS (sizeof sqs_answers / sizeof sqs_answers[0])

/* Who gives the credentials. */
struct giver {
	const char *name;
	const char *variables; /* "NAME=VALUE ..."; "@" is the server, "~" a
				  folder */
	const char *config;    /* of ~/config */
	/* What it answers, before SQS does. */
	const char *answers[GIVEN_MAX];
};

static const struct giver givers[] = {
    {.name = "the environment",
	.variables = "AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=s "
		     "AWS_SESSION_TOKEN=t"},
    {.name = "a profile",
	.config = "[default]\naws_access_key_id=A\naws_secret_access_key=s\n"},
    {.name = "a role",
	.config = "[default]\nrole_arn=" ROLE "\nsource_profile=a\n"
		  "external_id=x\n[profile a]\naws_access_key_id=A\n"
		  "aws_secret_access_key=s\n",
	.variables = "AWS_ENDPOINT_URL_STS=@",
	.answers = {STS}},
    {.name = "a token",
	.variables = "AWS_ENDPOINT_URL_STS=@ AWS_ROLE_ARN=" ROLE
		     " AWS_WEB_IDENTITY_TOKEN_FILE=~/token",
	.answers = {WEB}},
    {.name = "a container",
	.variables = "AWS_CONTAINER_CREDENTIALS_FULL_URI=@/get "
		     "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=~/token",
	.answers = {"{" GIVEN "}"}},
    {.name = "a container with a token",
	.variables = "AWS_CONTAINER_CREDENTIALS_FULL_URI=@/get "
		     "AWS_CONTAINER_AUTHORIZATION_TOKEN=token",
	.answers = {"{" GIVEN "}"}},
    {.name = "a command", .config = "[default]\ncredential_process=x\n"},
    {.name = "IMDS",
	.variables = "AWS_EC2_METADATA_SERVICE_ENDPOINT=@",
	.answers = {"token", "role", "{\"Code\":\"Success\"," GIVEN "}"}}};

static struct keys *files;
static char texts[ANSWERS_MAX][1024];
static char queues[LIMIT_QUEUES][LIMIT_URL];
static const char *set[8]; /* variables that are set */
static size_t set_n;
static bool shown; /* --check, instead of a run */

/* A failure that passes is not waited for: it is told, too. */
static int refuse_sleep(void *ctx, int64_t ms)
{
	(void)ctx;
	(void)ms;
	return ERR_CANCELED;
}

/* What that command prints. */
static int run_command(
    void *ctx, struct buf *output, int64_t deadline, struct err *err)
{
	(void)ctx;
	(void)deadline;
	if (buf_addstr(output,
		"{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":"
		"\"s\",\"SessionToken\":\"t\","
		"\"Expiration\":\"2099-01-01T00:00:00Z\"}") == 0)
		return 0;
	return err_set(err, ERR_NOMEM, "out of memory");
}

static void set_variables(const char *text, const char *url)
{
	static char kept[8][48];

	for (set_n = 0; text != NULL && *text != '\0'; set_n++) {
		const size_t len = strcspn(text, "="), all = strcspn(text, " ");
		const char *value = text + len + 1;
		char full[256];

		(void)snprintf(
		    kept[set_n], sizeof kept[0], "%.*s", (int)len, text);
		(void)snprintf(full, sizeof full, "%s%.*s",
		    *value == '@'   ? url
		    : *value == '~' ? files->dir
				    : "",
		    (int)(all - len - 1 - (strchr("@~", *value) != NULL)),
		    value + (strchr("@~", *value) != NULL));
		assert_int_equal(setenv(kept[set_n], full, 1), 0);
		set[set_n] = kept[set_n];
		text += all + (text[all] == ' ');
	}
}

static void unset_variables(void)
{
	while (set_n > 0)
		assert_int_equal(unsetenv(set[--set_n]), 0);
}

static void put_answer(struct loopback_step *steps, int k, const char *body)
{
	(void)snprintf(texts[k], sizeof texts[k],
	    "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
	    body);
	steps[k] = (struct loopback_step){.answer = texts[k]};
}

static struct loopback *serve(
    const struct giver *g, struct loopback_step *steps)
{
	int n = 0;

	for (int k = 0; k < GIVEN_MAX && g->answers[k] != NULL; k++)
		put_answer(steps, n++, g->answers[k]);
	for (size_t k = 0; k < SQS_ANSWERS; k++)
		put_answer(steps, n++, sqs_answers[k]);
	return loopback_new(steps, n);
}

/* Whatever fails: what is there at the end is right. */
static int use_queue(
    struct session_queue *q, bool all, int64_t deadline, struct err *err)
{
	const bool want[LIMIT_BATCH] = {true};
	bool done[LIMIT_BATCH] = {false};
	struct sqs_messages m = {0};
	const struct message *list[1];
	struct sqs_attributes about;
	size_t unsure;
	int rc = sqs_receive(q->sqs, q->url, 1, 0, &m, deadline, err);

	if (rc == 0) {
		assert_int_equal(m.n, 1);
		assert_true(m.receipts[0].intact);
		assert_int_equal(m.at[0].payload_len, 33);
	}
	if (rc != 0 || !all)
		goto out;
	rc = sqs_delete(q->sqs, q->url, &m, want, done, deadline, err);
	assert_int_equal(done[0], rc == 0);
	list[0] = &m.at[0];
	if (rc == 0) {
		rc = sqs_send(
		    q->sqs, q->url, list, 1, done, &unsure, deadline, err);
		assert_int_equal(done[0], rc == 0);
	}
	if (rc == 0)
		rc =
		    sqs_queue_attributes(q->sqs, q->url, &about, deadline, err);
	if (rc == 0)
		assert_int_equal(about.visibility_s, 30);
out:
	sqs_messages_free(&m);
	return rc;
}

static int use_session(const struct session_config *cfg, bool all)
{
	struct clock clock = clock_system(NULL);
	const int64_t deadline = clock_mono(&clock) + 60000;
	struct err err = {0};
	struct session s;
	int rc;

	clock.sleep = refuse_sleep;
	rc = session_init(&s, cfg, &clock, &err);
	if (rc == 0) {
		(void)session_command(&s);
		session_use_runner(&s, run_command, NULL);
		rc = session_open(&s, &s.queues[0], deadline, &err);
		if (rc == 0)
			rc = use_queue(&s.queues[0], all, deadline, &err);
		session_close(&s);
	}
	assert_int_equal(err.code, rc);
	assert_int_equal(err.text[0] == '\0', rc == 0);
	return rc;
}

static int show_session(const struct session_config *cfg)
{
	static char text[8192];
	struct err err = {0};
	FILE *to;
	int rc;

	failing_hold(true);
	to = fmemopen(text, sizeof text, "w");
	assert_non_null(to);
	failing_hold(false);
	rc = session_show(cfg, to, NULL, &err);
	(void)fclose(to);
	assert_int_equal(err.code, rc);
	assert_int_equal(err.text[0] == '\0', rc == 0);
	return rc;
}

static const struct session_config usual = {
    .queues = (const char (*)[LIMIT_URL])queues,
    .region = "eu-west-1",
    .endpoint_url = "",
    .profile = "",
    .ca_bundle = "",
    .agent = "test",
    .cancel_fd = -1};

/* A session with these credentials: it is used, or shown. */
static int try_session(void *state)
{
	const struct giver *g = state;
	const struct session_config cfg = usual;
	struct loopback_step steps[ANSWERS_MAX];
	struct loopback *server;
	int rc;

	failing_hold(true);
	server = serve(g, steps);
	set_variables(g->variables, loopback_url(server));
	(void)snprintf(queues[0], sizeof queues[0], "%s/123456789012/entropy",
	    loopback_url(server));
	failing_hold(false);
	rc = shown ? show_session(&cfg) : use_session(&cfg, g == givers);
	failing_hold(true);
	unset_variables();
	loopback_free(server);
	failing_hold(false);
	return rc;
}

/* Of AWS IoT, which nothing but TLS can ask: what is read before. */
static int show_iot(void *state)
{
	struct keys *k = state;
	char certificate[128], key[128];
	struct session_config cfg = usual;

	(void)snprintf(certificate, sizeof certificate, "%s", k->path);
	(void)snprintf(key, sizeof key, "%s/key", k->dir);
	cfg.iot = (struct cred_iot_config){
	    "x.credentials.iot.eu-west-1.amazonaws.com", "alias", "thing",
	    certificate, key};
	return show_session(&cfg);
}

static void each_call_of_reading_a_certificate_may_fail(void **state)
{
	(void)keys_put(*state, "key", "-----BEGIN PRIVATE KEY-----\n", 0600);
	(void)keys_put(
	    *state, "certificate", "-----BEGIN CERTIFICATE-----\n", 0600);
	(void)strcpy(queues[0],
	    "https://sqs.eu-west-1.amazonaws.com/123456789012/entropy");
	(void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	(void)failing_each(show_iot, *state, true);
}

static void each_call_of_a_run_may_fail(void **state)
{
	files = *state;
	(void)setenv("HOME", files->dir, 1);
	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
	(void)keys_put(files, "token", "token", 0600);
	for (size_t i = 0; i < sizeof givers / sizeof givers[0]; i++) {
		unsigned calls;

		(void)setenv("AWS_CONFIG_FILE",
		    keys_put(files, "config",
			givers[i].config != NULL ? givers[i].config : "", 0600),
		    1);
		if (strcmp(givers[i].name, "IMDS") != 0)
			(void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
		else
			(void)unsetenv("AWS_EC2_METADATA_DISABLED");
		shown = false;
		calls = failing_each(try_session, (void *)&givers[i], true);
		shown = true;
		calls += failing_each(try_session, (void *)&givers[i], true);
		print_message("%s: %u calls failed\n", givers[i].name, calls);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		each_call_of_a_run_may_fail, keys_setup, keys_teardown),
	    cmocka_unit_test_setup_teardown(
		each_call_of_reading_a_certificate_may_fail, keys_setup,
		keys_teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW      INT64_C(1795330800000) /* 2026-11-22T07:00:00Z */
#define DEADLINE 10000

/* ---- whoever runs the command, and time */

static struct {
	int64_t mono;
	int runs, failures; /* so many runs fail with rc first */
	int rc, stopped;
	const char *output;
} world;

static int run(void *ctx, struct buf *out, int64_t deadline, struct err *err)
{
	assert_ptr_equal(ctx, &world);
	assert_int_equal(deadline, DEADLINE);
	world.runs++;
	if (world.rc != 0 && world.runs <= world.failures)
		return err_set(err, world.rc, "ended with status 1: no");
	return buf_addstr(out, world.output);
}

static int64_t mono_of(void *ctx)
{
	(void)ctx;
	return world.mono;
}

static int64_t wall_of(void *ctx)
{
	(void)ctx;
	return NOW;
}

static int sleep_for(void *ctx, int64_t ms)
{
	(void)ctx;
	world.mono += ms;
	return world.stopped;
}

static const struct clock frozen = {
    .mono = mono_of, .wall = wall_of, .sleep = sleep_for};

/* ---- the shared files */

static char config[] = "/tmp/sqs-entropy-config-XXXXXX";

static int set_up(void **state)
{
	const int fd = mkstemp(config);

	(void)state;
	(void)unsetenv("AWS_PROFILE");
	(void)unsetenv("AWS_DEFAULT_PROFILE");
	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
	return fd >= 0 && close(fd) == 0 ? setenv("AWS_CONFIG_FILE", config, 1)
					 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(config);
}

static void write_config(const char *text)
{
	FILE *f = fopen(config, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

struct bench {
	struct shared_files *files;
	struct cred_process *p;
	struct cred *c;
	struct err err;
};

static struct bench opened(const char *text, bool patient)
{
	struct bench b = {.c = cred_new()};

	write_config(text);
	b.files = shared_files_new(NULL);
	b.p = cred_process_new(b.files, &frozen, patient);
	assert_non_null(b.p);
	memset(&world, 0, sizeof world);
	world.output = "{\"Version\":1,\"AccessKeyId\":\"AKIA\","
		       "\"SecretAccessKey\":\"s\"}";
	return b;
}

static void finish(struct bench *b)
{
	cred_free(b->c);
	cred_process_free(b->p);
	shared_files_free(b->files);
}

/* As at the start of a program. */
static void find(struct bench *b)
{
	const struct words *words;

	assert_int_equal(cred_process_find(b->p, &words, &b->err), 0);
	if (words != NULL)
		cred_process_connect(b->p, run, &world);
}

static int load(struct bench *b)
{
	return cred_process_load(b->p, "default", b->c, DEADLINE, &b->err);
}

#define COMMAND "[default]\ncredential_process = /bin/x 'a b'\n"

/* ---- the document */

static void documents_are_taken_or_told(void **state)
{
	static const struct {
		int rc;
		const char *text, *said;
	} cases[] = {
	    {0,
		"{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":"
		"\"s\",\"AccountId\":\"1\"}\n",
		""},
	    {0,
		" {\"Version\": 1, \"AccessKeyId\": \"A\", "
		"\"SecretAccessKey\":\"s\", \"SessionToken\": null}",
		""},
	    {ERR_NOCRED, "", "x wrote something else than one JSON document"},
	    {ERR_NOCRED, "no", "x wrote something else than one JSON document"},
	    {ERR_NOCRED, "{\"Version\":1,",
		"x wrote something else than one JSON document"},
	    {ERR_NOCRED, "{} {}",
		"x wrote something else than one JSON document"},
	    {ERR_NOCRED, "[1]", "x wrote no JSON object"},
	    {ERR_NOCRED, "{}", "x wrote a document whose Version is not 1"},
	    {ERR_NOCRED, "{\"Version\":2}",
		"x wrote a document whose Version is not 1"},
	    {ERR_NOCRED, "{\"Version\":\"1\"}",
		"x wrote a document whose Version is not 1"},
	    {ERR_NOCRED, "{\"Version\":1.5}",
		"x wrote a document whose Version is not 1"},
	    {ERR_NOCRED, "{\"Version\":1}",
		"x: AccessKeyId is missing, malformed or too long"},
	    {ERR_NOCRED, "{\"Version\":1,\"AccessKeyId\":\"A\"}",
		"x: SecretAccessKey is missing, malformed or too long"},
	    {ERR_NOCRED,
		"{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":"
		"\"s\",\"Expiration\":\"never\"}",
		"x: Expiration is missing, malformed or too long"},
	};
	struct buf *text = buf_new(CRED_PROCESS_OUTPUT_MAX);
	struct cred *c = cred_new();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};

		assert_int_equal(
		    buf_set(text, cases[i].text, strlen(cases[i].text)), 0);
		assert_int_equal(
		    cred_process_document(text, "x", c, &err), cases[i].rc);
		assert_int_equal(err.code, cases[i].rc);
		assert_string_equal(err.text, cases[i].said);
	}
	cred_free(c);
	buf_free(text);
}

/* ---- the command */

static void the_command_is_that_of_the_profile(void **state)
{
	static const struct {
		const char *text, *word; /* the last; NULL: none */
	} cases[] = {
	    {COMMAND, "a b"},
	    {"", NULL},
	    {"[default]\nregion = eu-west-1\n[profile o]\n"
	     "credential_process = /bin/o\n",
		NULL},
	    /* whoever assumes a role runs that of the profile behind it */
	    {"[default]\nrole_arn = r\nsource_profile = a\n"
	     "[profile a]\nrole_arn = r\nsource_profile = b\n"
	     "[profile b]\ncredential_process = /bin/b\n",
		"/bin/b"},
	    {"[default]\nrole_arn = r\nsource_profile = default\n"
	     "credential_process = /bin/own\n",
		"/bin/own"},
	    {"[default]\nrole_arn = r\nsource_profile = a\n"
	     "[profile a]\nrole_arn = r\nsource_profile = default\n",
		NULL},
	    {"[default]\nsource_profile = a\ncredential_process = /bin/own\n"
	     "[profile a]\ncredential_process = /bin/a\n",
		"/bin/own"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bench b = opened(cases[i].text, false);
		const struct words *words;

		assert_int_equal(cred_process_find(b.p, &words, &b.err), 0);
		if (cases[i].word == NULL)
			assert_null(words);
		else
			assert_string_equal(
			    words->at[words->n - 1], cases[i].word);
		finish(&b);
	}
}

static void a_line_that_is_not_well_formed_is_told(void **state)
{
	static const char *const lines[] = {"a \"b", "'a", "a\\", "", "''\\"};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		const struct words *words;
		char text[128];
		struct bench b;

		(void)snprintf(text, sizeof text,
		    "[default]\ncredential_process = %s\n", lines[i]);
		b = opened(text, false);
		assert_int_equal(
		    cred_process_find(b.p, &words, &b.err), ERR_CONFIG);
		assert_null(words);
		assert_int_equal(load(&b), ERR_CONFIG);
		assert_non_null(strstr(
		    b.err.text, "credential_process of profile default "));
		finish(&b);
	}
}

static void without_a_command_the_next_source_is_asked(void **state)
{
	struct bench b = opened("[default]\nregion = eu-west-1\n", false);

	(void)state;
	find(&b);
	assert_int_equal(load(&b), ERR_ABSENT);
	assert_int_equal(world.runs, 0);
	finish(&b);
}

static void a_command_that_moves_ends_the_program(void **state)
{
	static const struct {
		const char *first, *later, *said;
		int rc;
	} cases[] = {
	    {COMMAND, COMMAND, "", 0},
	    {COMMAND, "[default]\ncredential_process = /bin/x 'a c'\n",
		"was changed since", ERR_EOF},
	    {"", COMMAND, "was added since", ERR_EOF},
	    {COMMAND, "[default]\n", "has no credential_process", ERR_ABSENT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bench b = opened(cases[i].first, true);

		find(&b);
		write_config(cases[i].later);
		assert_int_equal(load(&b), cases[i].rc);
		assert_int_equal(world.runs, cases[i].rc == 0 ? 1 : 0);
		assert_non_null(strstr(b.err.text, cases[i].said));
		if (cases[i].rc == ERR_EOF)
			assert_int_equal(err_exit(b.err.code), 69);
		finish(&b);
	}
}

static void credentials_that_have_expired_are_refused(void **state)
{
	static const struct {
		const char *expiration;
		int rc;
	} cases[] = {{"2026-11-22T07:00:00Z", ERR_NOCRED},
	    {"2026-11-22T08:00:00+01:00", ERR_NOCRED},
	    {"2026-11-22T07:00:01Z", 0}, {"2026-11-22T08:00:01+01:00", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bench b = opened(COMMAND, false);
		char text[256];

		(void)snprintf(text, sizeof text,
		    "{\"Version\":1,\"AccessKeyId\":\"A\","
		    "\"SecretAccessKey\":\"s\",\"Expiration\":\"%s\"}",
		    cases[i].expiration);
		find(&b);
		world.output = text;
		assert_int_equal(load(&b), cases[i].rc);
		if (cases[i].rc == 0)
			assert_int_equal(b.c->expires, NOW + 1000);
		else
			assert_non_null(strstr(b.err.text, "have expired"));
		finish(&b);
	}
}

/* ---- failures */

static void a_failure_is_told_with_the_profile(void **state)
{
	static const struct {
		int given, rc;
	} codes[] = {{ERR_IO, ERR_NOCRED}, {ERR_LIMIT, ERR_NOCRED},
	    {ERR_TIMEOUT, ERR_TIMEOUT}, {ERR_EOF, ERR_EOF},
	    {ERR_CANCELED, ERR_CANCELED}};
	char said[ERR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		struct bench b = opened(COMMAND, false);

		find(&b);
		world.rc = codes[i].given;
		world.failures = 99;
		assert_int_equal(load(&b), codes[i].rc);
		assert_int_equal(b.err.code, codes[i].rc);
		(void)snprintf(said, sizeof said,
		    "credential_process of profile default ended with status "
		    "1: no%s",
		    codes[i].rc == ERR_EOF || codes[i].rc == ERR_CANCELED
			? ""
			: " (try it by hand)");
		assert_string_equal(b.err.text, said);
		assert_int_equal(world.runs, 1);
		finish(&b);
	}
}

static void a_patient_one_runs_it_again_until_the_deadline(void **state)
{
	static const struct {
		int failures, stopped, rc, runs;
		int64_t mono;
	} cases[] = {
	    {0, 0, 0, 1, 0},
	    {1, 0, 0, 2, 500},
	    {3, 0, 0, 4, 3500},
	    {99, 0, ERR_NOCRED, 6, 9500},
	    {99, ERR_CANCELED, ERR_CANCELED, 1, 500},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bench b = opened(COMMAND, true);

		find(&b);
		world.rc = ERR_IO;
		world.failures = cases[i].failures;
		world.stopped = cases[i].stopped;
		assert_int_equal(load(&b), cases[i].rc);
		assert_int_equal(world.runs, cases[i].runs);
		assert_int_equal(world.mono, cases[i].mono);
		finish(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(documents_are_taken_or_told),
	    cmocka_unit_test(the_command_is_that_of_the_profile),
	    cmocka_unit_test(a_line_that_is_not_well_formed_is_told),
	    cmocka_unit_test(without_a_command_the_next_source_is_asked),
	    cmocka_unit_test(a_command_that_moves_ends_the_program),
	    cmocka_unit_test(credentials_that_have_expired_are_refused),
	    cmocka_unit_test(a_failure_is_told_with_the_profile),
	    cmocka_unit_test(a_patient_one_runs_it_again_until_the_deadline),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/confine.h"
#include "aws/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char home[] = "/tmp/sqs-entropy-home-XXXXXX";
static char aws[64], credentials[96], config[96];

static int set_up(void **state)
{
	(void)state;
	if (mkdtemp(home) == NULL)
		return -1;
	(void)snprintf(aws, sizeof aws, "%s/.aws", home);
	(void)snprintf(credentials, sizeof credentials, "%s/credentials", aws);
	(void)snprintf(config, sizeof config, "%s/config", aws);
	return mkdir(aws, 0700);
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(credentials);
	(void)unlink(config);
	(void)rmdir(aws);
	return rmdir(home);
}

static void put(const char *path, const char *text, size_t len)
{
	FILE *f;

	(void)unlink(path);
	if (text == NULL)
		return;
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* NULL: no such file. */
static void files(const char *credentials_text, const char *config_text)
{
	assert_int_equal(setenv("HOME", home, 1), 0);
	assert_int_equal(unsetenv("AWS_PROFILE"), 0);
	assert_int_equal(unsetenv("AWS_DEFAULT_PROFILE"), 0);
	assert_int_equal(unsetenv("AWS_SHARED_CREDENTIALS_FILE"), 0);
	assert_int_equal(unsetenv("AWS_CONFIG_FILE"), 0);
	put(credentials, credentials_text,
	    credentials_text != NULL ? strlen(credentials_text) : 0);
	put(config, config_text, config_text != NULL ? strlen(config_text) : 0);
}

/* A chain without a network, and without sources of the machine. */
struct bench {
	struct clock clock;
	struct shared_files *files;
	struct cred_process *process;
	struct chain *chain;
};

static void open_bench(struct bench *b, const char *profile)
{
	b->clock = clock_system(NULL);
	b->files = shared_files_new(profile);
	b->process = cred_process_new(b->files, &b->clock, false);
	b->chain = chain_new(&(struct chain_config){.clock = &b->clock,
	    .files = b->files,
	    .process = b->process,
	    .region = ""});
	assert_non_null(b->chain);
}

static void close_bench(struct bench *b)
{
	chain_free(b->chain);
	cred_process_free(b->process);
	shared_files_free(b->files);
}

/* text: the secret key, or part of the error. */
static void expect(const char *profile, int rc, const char *text)
{
	struct bench b;
	const struct cred *c;
	struct err err = {0};
	int got;

	open_bench(&b, profile);
	got = cred_chain_get(chain_credentials(b.chain), 0, &c, &err);
	if (got != rc || (rc != 0 && strstr(err.text, text) == NULL))
		fail_msg("%d: %s, not %s", got, err.text, text);
	assert_null(strstr(err.text, "sesame"));
	if (rc == 0) {
		assert_string_equal(buf_str(c->secret_key), text);
		assert_string_equal(buf_str(c->access_key), "AKIAX");
	}
	close_bench(&b);
}

#define KEYS(secret)                                                           \
	"aws_access_key_id = AKIAX\naws_secret_access_key = " secret "\n"

static void only_a_profile_that_was_named_must_be_there(void **state)
{
	(void)state;
	files(NULL, NULL);
	expect(NULL, ERR_NOCRED, "/.aws/credentials");
	expect("", ERR_NOCRED, "/.aws/credentials");
	expect("x", ERR_CONFIG, "there is no profile x in ");
	files("", NULL);
	expect(NULL, ERR_NOCRED, "no profile default in ");
	files("[other]\n" KEYS("s"), NULL);
	expect(NULL, ERR_NOCRED, "no profile default in ");
	expect("x", ERR_CONFIG, "add it, or change AWS_PROFILE");
	files(NULL, "[default]\nrole_arn = r\nsource_profile = base\n"
		    "[profile base]\n" KEYS("s"));
	expect(NULL, ERR_CONFIG,
	    "STS is in no region: set AWS_REGION, or "
	    "\"region\" in the profile");
	files(NULL, "[default]\nregion = eu-west-1\n");
	expect(NULL, ERR_NOCRED, "profile default holds no keys");
	expect("default", ERR_NOCRED, "profile default holds no keys");
}

static void keys_come_from_the_profile_that_was_named(void **state)
{
	(void)state;
	files("[default]\n" KEYS("d") "[one]\n" KEYS("1") "[two]\n" KEYS("2"),
	    NULL);
	expect(NULL, 0, "d");
	expect("default", 0, "d");
	expect("one", 0, "1");
	expect("two", 0, "2");
	expect("One", ERR_CONFIG, "no profile One");
	assert_int_equal(setenv("AWS_PROFILE", "two", 1), 0);
	expect("one", 0, "2");
	assert_int_equal(setenv("AWS_PROFILE", "", 1), 0);
	expect("one", 0, "1");
	/* In the credentials file the word "profile" is part of a name. */
	files("[profile one]\n" KEYS("1"), NULL);
	expect("one", ERR_CONFIG, "no profile one");
}

static void the_config_file_is_read_after_the_credentials_file(void **state)
{
	(void)state;
	files(NULL,
	    "[default]\n" KEYS("d") "[profile one]\n" KEYS("1") "[profile \"two words\"]\n" KEYS(
		"2") "[three]\n" KEYS("3") "[profile\tfour ]\n" KEYS("4"));
	expect(NULL, 0, "d");
	expect("one", 0, "1");
	expect("two words", 0, "2");
	expect("three", ERR_CONFIG, "no profile three");
	expect("four", 0, "4");
	files(NULL, "[profile default]\n" KEYS("d"));
	expect(NULL, 0, "d");
	/* The credentials file comes first, and pairs are not mixed. */
	files("[default]\n" KEYS("file"),
	    "[default]\n" KEYS("config") "aws_session_token = other\n");
	expect(NULL, 0, "file");
	files("[default]\naws_access_key_id = AKIAX\n",
	    "[default]\n" KEYS("config"));
	expect(NULL, ERR_CONFIG, "has no aws_secret_access_key");
	files("[default]\n# no keys\n", "[default]\n" KEYS("config"));
	expect(NULL, 0, "config");
}

static void a_token_is_read_anew_from_the_file_each_time(void **state)
{
	struct bench b;
	const struct cred *c;
	struct err err;

	(void)state;
	open_bench(&b, NULL);
	files("[default]\n" KEYS("s") "aws_session_token = t==\n", NULL);
	assert_int_equal(
	    cred_chain_get(chain_credentials(b.chain), 0, &c, &err), 0);
	assert_string_equal(buf_str(c->token), "t==");
	/* The old name goes first. */
	files("[default]\n" KEYS("s") "aws_session_token = t==\n"
				      "aws_security_token = old\n",
	    NULL);
	assert_true(cred_chain_renew(chain_credentials(b.chain), 0));
	assert_int_equal(
	    cred_chain_get(chain_credentials(b.chain), 0, &c, &err), 0);
	assert_string_equal(buf_str(c->token), "old");
	assert_string_equal(c->source, "shared file");
	assert_non_null(strstr(c->origin, "profile default of /tmp/"));
	assert_int_equal(c->expires, 0);
	close_bench(&b);
}

static void comments_spaces_and_nesting_are_read_as_aws_does(void **state)
{
	(void)state;
	files("# comment\n; comment\n\n  \t\n"
	      " ; an indented comment\n"
	      "[ default ] # the one\r\n"
	      "AWS_Access_Key_Id=AKIAX\r\n"
	      "aws_secret_access_key\t=\t/s+e=c#r;t \t; why not\r\n"
	      "s3 =\n"
	      "  aws_secret_access_key = nested\n"
	      "\taws_access_key_id = nested\n"
	      "other = x",
	    NULL);
	expect(NULL, 0, "/s+e=c#r;t");
	files("[default]\naws_access_key_id=AKIAX\n[x]\n" KEYS(
		  "x") "[default]\naws_secret_access_key=later",
	    NULL);
	expect(NULL, 0, "later");
	files("[default]\n" KEYS("old") KEYS("new"), NULL);
	expect(NULL, 0, "new");
}

static void a_malformed_credentials_file_is_refused(void **state)
{
	static const struct {
		const char *text, *where;
	} cases[] = {{"key = value\n", "credentials:1: "},
	    {"[default\n", "credentials:1: "}, {"[]\n", "credentials:1: "},
	    {"[ ]\n", "credentials:1: "}, {"[default] x\n", "credentials:1: "},
	    {"[default]\nsesame\n", "credentials:2: "},
	    {"[default]\n= sesame\n", "credentials:2: "},
	    {"[default]\n" KEYS("s") "\n[x]\nsesame", "credentials:6: "},
	    {"[default]\naws_secret_access_key = sesame\n",
		"default has no aws_access_key_id: add it"},
	    {"[default]\naws_access_key_id = sesame\n",
		"default has no aws_secret_access_key: add it"},
	    {"[default]\naws_access_key_id =\naws_secret_access_key = s\n",
		"default has no aws_access_key_id"},
	    {"[default]\n" KEYS("open sesame"), "copy it anew"},
	    {"[default]\n" KEYS("sesame\xc3\xa9"), "copy it anew"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		files(cases[i].text, NULL);
		expect(NULL, ERR_CONFIG, cases[i].where);
	}
	files(NULL, "[default]\nbad\n");
	expect(NULL, ERR_CONFIG, "config:2: ");
}

static void credentials_come_from_a_readable_text_file_alone(void **state)
{
	static char big[SHARED_FILE_MAX + 64];
	const size_t head = strlen("[default]\n" KEYS("s"));

	(void)state;
	files(NULL, NULL);
	put(credentials, "[default]\n\0x\n", 13);
	expect(NULL, ERR_CONFIG, "no text file");
	memset(big, '#', sizeof big);
	memcpy(big, "[default]\n" KEYS("s"), head);
	put(credentials, big, SHARED_FILE_MAX);
	expect(NULL, 0, "s");
	put(credentials, big, SHARED_FILE_MAX + 1);
	expect(NULL, ERR_CONFIG, "over 1048576 bytes");
	(void)unlink(credentials);
	assert_int_equal(mkdir(credentials, 0700), 0);
	expect(NULL, ERR_CONFIG, "cannot read ");
	assert_int_equal(rmdir(credentials), 0);
	if (geteuid() == 0)
		return; /* root reads all */
	put(credentials, "", 0);
	assert_int_equal(chmod(credentials, 0), 0);
	expect(NULL, ERR_CONFIG, "Permission denied");
}

static void variables_name_the_files_of_credentials(void **state)
{
	(void)state;
	files("[default]\n" KEYS("c"), "[default]\nregion = r\n");
	/* Swapped: each is read in its own dialect. */
	assert_int_equal(setenv("AWS_SHARED_CREDENTIALS_FILE", config, 1), 0);
	assert_int_equal(setenv("AWS_CONFIG_FILE", "~/.aws/credentials", 1), 0);
	expect(NULL, 0, "c");
	assert_int_equal(setenv("AWS_CONFIG_FILE", "/nonexistent/x", 1), 0);
	expect(NULL, ERR_NOCRED, "holds no keys");
	files("[default]\n" KEYS("c"), NULL);
	assert_int_equal(setenv("AWS_SHARED_CREDENTIALS_FILE", "", 1), 0);
	expect(NULL, 0, "c");
	/* Without HOME the user's entry says where: whatever it says, it is
	 * not this folder. */
	assert_int_equal(unsetenv("HOME"), 0);
	assert_int_equal(setenv("AWS_CONFIG_FILE", "/nonexistent/x", 1), 0);
	assert_int_equal(
	    setenv("AWS_SHARED_CREDENTIALS_FILE", credentials, 1), 0);
	expect(NULL, 0, "c");
	files(NULL, NULL);
}

static void a_path_of_a_variable_that_is_too_long_is_refused(void **state)
{
	static char path[5000];

	(void)state;
	files(NULL, NULL);
	memset(path, 'a', sizeof path - 1);
	path[0] = '/';
	assert_int_equal(setenv("AWS_CONFIG_FILE", path, 1), 0);
	expect(NULL, ERR_CONFIG, "AWS_CONFIG_FILE is too long");
	files(NULL, NULL);
}

/* In a child: read as root, then loaded as a user who cannot read the files. */
static int load_as_other(void)
{
	struct bench b;
	const struct cred *c;
	struct err err = {0};
	int status;
	pid_t child;

	open_bench(&b, "");
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		shared_files_read_ahead(b.files);
		if (setresuid(12345, 12345, 12345) != 0)
			_exit(99);
		status =
		    cred_chain_get(chain_credentials(b.chain), 0, &c, &err);
		/* What is not read is not taken for what is not there. */
		if (status != 0)
			status = err.code == ERR_CONFIG &&
					 strstr(err.text, "cannot read") != NULL
				     ? 1
				     : 2;
		close_bench(&b);
		_exit(status);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	close_bench(&b);
	return WEXITSTATUS(status);
}

static void root_reads_ahead_only_what_root_alone_can_write(void **state)
{
	(void)state;
	SKIP_IF(geteuid() != 0, "not root");
	files(
	    "[default]\naws_access_key_id=A\naws_secret_access_key=B\n", NULL);
	assert_int_equal(chmod(credentials, 0600), 0);
	assert_int_equal(load_as_other(), 0);
	/* Who owns the directory can have a link there to any file. */
	assert_int_equal(chown(aws, 12345, 12345), 0);
	assert_int_equal(load_as_other(), 1);
	assert_int_equal(chown(aws, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(root_reads_ahead_only_what_root_alone_can_write),
	    cmocka_unit_test(only_a_profile_that_was_named_must_be_there),
	    cmocka_unit_test(keys_come_from_the_profile_that_was_named),
	    cmocka_unit_test(
		the_config_file_is_read_after_the_credentials_file),
	    cmocka_unit_test(a_token_is_read_anew_from_the_file_each_time),
	    cmocka_unit_test(comments_spaces_and_nesting_are_read_as_aws_does),
	    cmocka_unit_test(a_malformed_credentials_file_is_refused),
	    cmocka_unit_test(credentials_come_from_a_readable_text_file_alone),
	    cmocka_unit_test(variables_name_the_files_of_credentials),
	    cmocka_unit_test(a_path_of_a_variable_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

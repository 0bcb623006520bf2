/* SPDX-License-Identifier: Apache-2.0 */
#include "aid/conf_bench.h"

#include <confuse.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/conf.h"
#include "aid/failing.h"

static struct conf conf;

static int setup(void **state)
{
	(void)state;
	return make_file("");
}

static int load1(const char *a)
{
	return load_words(&conf, path, a, NULL);
}

static int load2(const char *a, const char *b)
{
	return load_words(&conf, path, a, b);
}

static void without_any_setting_the_defaults_hold(void **state)
{
	(void)state;
	assert_int_equal(load1(NULL), 0);
	assert_int_equal(conf.common.action, PROGRAM_RUN);
	assert_int_equal(conf.messages, 1);
	assert_int_equal(conf.timeout, 10);
	assert_int_equal(conf.wait_time, 8);
	assert_string_equal(conf.common.queues[0], "");
	assert_string_equal(conf.output, "");
	assert_string_equal(conf.trusted_producers,
	    SQS_ENTROPY_SYSCONFDIR "/sqs-entropy/trusted.d");
	assert_string_equal(conf.seal_key, "");
	assert_int_equal(conf.policy.unsigned_messages, CREDIT_MIX);
	assert_false(conf.json);
	assert_false(conf.strict);
	assert_false(conf.best_effort);
	assert_int_equal(conf.unless_seeded, 0);
}

static void the_file_is_taken_and_options_win(void **state)
{
	(void)state;
	write_file("queue = \"from-file\"\nmessages = 3\ntimeout = 5\n"
		   "unsigned = credit\nunsigned-bits-per-byte = 0.25\n"
		   "region = us-east-1\noutput = \"/tmp/x\"\n");
	assert_int_equal(load2("--messages", "7"), 0);
	assert_string_equal(conf.common.queues[0], "from-file");
	assert_int_equal(conf.messages, 7);
	assert_int_equal(conf.timeout, 5);
	assert_int_equal(conf.policy.unsigned_messages, CREDIT_CREDIT);
	assert_true(conf.policy.bits_per_byte > 0.24 &&
		    conf.policy.bits_per_byte < 0.26);
	assert_string_equal(conf.common.region, "us-east-1");
	assert_string_equal(conf.output, "/tmp/x");
	/* The queues of a layer are all there are. */
	write_file("queue = {a, b, c}\nqueue-order = random\nwait-time = 0\n");
	assert_int_equal(load1(NULL), 0);
	assert_string_equal(conf.common.queues[3], "");
	assert_string_equal(conf.common.queues[2], "c");
	assert_int_equal(conf.queue_order, CONF_RANDOM);
	assert_int_equal(conf.wait_time, 0);
	assert_int_equal(load2("-qd", "--queue=e"), 0);
	assert_string_equal(conf.common.queues[2], "");
	assert_string_equal(conf.common.queues[1], "e");
	write_file("output = \"/tmp/x\"\n");
	/* An option can take an output of the file back. */
	assert_int_equal(load2("--output", ""), 0);
	assert_string_equal(conf.output, "");
}

/* Credit for unsigned messages is root's, or this user's own, to give. */
static void unsigned_credit_needs_a_file_that_others_cannot_write(void **state)
{
	static const struct {
		mode_t directory, file;
		bool good;
	} cases[] = {{0755, 0644, true}, {0755, 0664, false},
	    {0755, 0646, false}, {0775, 0644, false}, {0777, 0644, false},
	    {01777, 0644, true}, {0700, 0600, true}};
	char directory[] = "/tmp/test_conf_XXXXXX", saved[sizeof path];
	char saved_link[] = "/tmp/test_conf_link", deep[64];

	(void)state;
	assert_non_null(mkdtemp(directory));
	memcpy(saved, path, sizeof path);
	(void)snprintf(path, sizeof path, "%s/conf", directory);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		write_file("unsigned = credit\n");
		assert_int_equal(chmod(path, cases[i].file), 0);
		assert_int_equal(chmod(directory, cases[i].directory), 0);
		assert_int_equal(load1(NULL), cases[i].good ? 0 : ERR_CONFIG);
		if (!cases[i].good)
			assert_non_null(strstr(err.text, ":1: unsigned"));
		write_file("unsigned = refuse\n");
		assert_int_equal(load1(NULL), 0);
	}
	/* Whoever can write where a link leads can change what it names. */
	write_file("unsigned = credit\n");
	assert_int_equal(chmod(directory, 0777), 0);
	assert_int_equal(symlink(path, saved_link), 0);
	memcpy(path, saved_link, sizeof saved_link);
	assert_int_equal(load1(NULL), ERR_CONFIG);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/conf", directory);
	/* And above a directory of root's, the directory itself. */
	(void)snprintf(deep, sizeof deep, "%s/deep", directory);
	assert_int_equal(mkdir(deep, 0755), 0);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/deep/conf", directory);
	write_file("unsigned = credit\n");
	assert_int_equal(load1(NULL), ERR_CONFIG);
	(void)unlink(path);
	(void)rmdir(deep);
	(void)rmdir(directory);
	memcpy(path, saved, sizeof path);
}

static void bad_files_name_the_line(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {{"\n\nmessage = 3\n", ":3:"}, {"messages = 11\n", ":1:"},
	    {"messages = 0\n", "1"}, {"timeout = 301\n", "300"},
	    {"wait-time = 301\n", "300"}, {"wait-time = -1\n", ":1:"},
	    {"unsigned = maybe\n", "refuse"},
	    {"unsigned-bits-per-byte = 9\n", "8"},
	    {"unsigned-bits-per-byte = -1\n", ":1:"}, {"queue = \"x\n", ":"},
	    {"queue", ":1:"}, {"messages = three\n", ":1:"},
	    {"messages = 2\nmessages = 3\n", ":2:"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		write_file(cases[i].text);
		assert_int_equal(load1(NULL), ERR_CONFIG);
		if (strstr(err.text, cases[i].said) == NULL ||
		    strstr(err.text, path) == NULL)
			fail_msg("%s: said %s", cases[i].text, err.text);
	}
}

static void bad_options_are_usage(void **state)
{
	static const char *const cases[][2] = {{"--nonsense", NULL},
	    {"-Z", NULL}, {"extra", NULL}, {"--messages", "0"},
	    {"--messages", "11"}, {"--messages", "1x"}, {"--messages", ""},
	    {"--timeout", "0"}, {"--timeout", "99999999999999999999"},
	    {"--strict=yes", NULL}, {"--queue", NULL}, {"-q", NULL},
	    {"--unless-seeded", "0"}, {"--unless-seeded", "604801"},
	    {"--unless-seeded", "-1"}, {"--unless-seeded", NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int rc = cases[i][1] != NULL ? load2(cases[i][0], cases[i][1])
					     : load1(cases[i][0]);

		if (rc != ERR_USAGE || err.text[0] == '\0')
			fail_msg("%s: %d", cases[i][0], rc);
	}
}

static void best_effort_is_seen_behind_a_bad_option(void **state)
{
	(void)state;
	assert_int_equal(load2("--nonsense", "--best-effort"), ERR_USAGE);
	assert_true(conf.best_effort);
}

/* A unit gives one, an operator's own option follows it. */
static void of_strict_and_best_effort_the_last_one_holds(void **state)
{
	(void)state;
	assert_int_equal(load2("--strict", "--best-effort"), 0);
	assert_true(conf.best_effort && !conf.strict);
	assert_int_equal(load2("--best-effort", "--strict"), 0);
	assert_true(conf.strict && !conf.best_effort);
	assert_int_equal(load1("-bs"), 0);
	assert_true(conf.strict && !conf.best_effort);
}

/* A unit whose exit code counts gives it behind the operator's options. */
static void best_effort_can_be_taken_back(void **state)
{
	(void)state;
	assert_int_equal(load2("--best-effort", "--no-best-effort"), 0);
	assert_false(conf.best_effort);
	assert_int_equal(load2("--no-best-effort", "--best-effort"), 0);
	assert_true(conf.best_effort);
	assert_int_equal(load2("--strict", "--no-best-effort"), 0);
	assert_true(conf.strict && !conf.best_effort);
	assert_string_equal(conf.output, "");
}

static void two_actions_exclude_each_other(void **state)
{
	(void)state;
	assert_int_equal(load2("--check", "--status"), ERR_USAGE);
	assert_non_null(strstr(err.text, "--check and --status exclude"));
	assert_int_equal(load2("-h", "-V"), ERR_USAGE);
	assert_non_null(strstr(err.text, "--help and --version exclude"));
	assert_int_equal(load2("--check", "--check"), 0);
	assert_int_equal(conf.common.action, PROGRAM_CHECK);
}

static int origin_of(const char *name)
{
	const struct settings *settings = &conf_program.settings;

	return conf.common
	    .origin[settings_find(settings, name) - settings->rows];
}

static void where_each_value_came_from_is_known(void **state)
{
	(void)state;
	write_file("messages = 3\n\ntimeout = 5\n");
	assert_int_equal(load2("--messages", "7"), 0);
	assert_int_equal(origin_of("messages"), PROGRAM_BY_OPTION);
	assert_int_equal(origin_of("timeout"), 3);
	assert_int_equal(origin_of("queue"), PROGRAM_BY_DEFAULT);
	assert_int_equal(origin_of("seal-key"), PROGRAM_BY_DEFAULT);
}

/* The status of a run that was to inject is told, of no other. */
static void an_output_is_known_when_the_file_is_malformed(void **state)
{
	(void)state;
	write_file("nonsense\n");
	assert_int_equal(load2("--output", "/tmp/x"), ERR_CONFIG);
	assert_string_equal(conf.output, "/tmp/x");
}

static void unless_seeded_takes_its_time_from_an_option_alone(void **state)
{
	(void)state;
	assert_int_equal(load2("--unless-seeded", "1"), 0);
	assert_int_equal(conf.unless_seeded, 1);
	assert_int_equal(load2("--unless-seeded", "604800"), 0);
	assert_int_equal(conf.unless_seeded, 604800);
	write_file("unless-seeded = 5\n");
	assert_int_equal(load1(NULL), ERR_CONFIG);
}

static void what_seeded_the_template_does_not_count_for_a_clone(void **state)
{
	(void)state;
	assert_int_equal(load1("--forked"), 0);
	assert_true(conf.forked);
	assert_int_equal(load2("--forked", "--unless-seeded=5"), 0);
	assert_int_equal(conf.unless_seeded, 0);
	assert_int_equal(load2("--unless-seeded=5", "--forked"), 0);
	assert_int_equal(conf.unless_seeded, 0);
	write_file("forked = true\n");
	assert_int_equal(load1(NULL), ERR_CONFIG);
}

static void a_clone_seeds_its_kernel_or_nothing(void **state)
{
	(void)state;
	assert_int_equal(load2("--forked", "--output=/tmp/x"), ERR_USAGE);
	assert_string_equal(
	    err.text, "--forked seeds the kernel: leave --output out");
	assert_int_equal(load2("--forked", "--output="), 0);
	write_file("queue = q\noutput = \"/tmp/x\"\n");
	assert_int_equal(load1("--forked"), ERR_CONFIG);
	assert_non_null(strstr(err.text,
	    ":2: output: --forked seeds the kernel: give --output \"\", too, "
	    "or remove this line"));
	assert_int_equal(load2("--forked", "--output="), 0);
	assert_int_equal(load1(NULL), 0);
	assert_int_equal(load2("--forked", "--status"), ERR_USAGE);
}

static void a_credential_comes_before_the_key_of_the_file(void **state)
{
	char directory[96], file[128];
	FILE *f;

	(void)state;
	(void)snprintf(directory, sizeof directory, "%s.d", path);
	(void)snprintf(file, sizeof file, "%s/seal-key", directory);
	assert_int_equal(mkdir(directory, 0700), 0);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", directory, 1), 0);
	write_file("seal-key = \"/etc/fleet.key\"\n");
	assert_int_equal(load1(NULL), 0);
	assert_string_equal(conf.seal_key, "/etc/fleet.key");
	f = fopen(file, "w");
	assert_non_null(f);
	assert_int_equal(load1(NULL), 0);
	assert_string_equal(conf.seal_key, "/etc/fleet.key");
	assert_true(fputs("key", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(load1(NULL), 0);
	assert_string_equal(conf.seal_key, file);
	assert_int_equal(origin_of("seal-key"), PROGRAM_BY_SERVICE);
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	(void)unlink(file);
	(void)rmdir(directory);
}

static void a_file_that_was_named_must_exist(void **state)
{
	(void)state;
	assert_int_equal(
	    load_words(&conf, "/nonexistent", NULL, NULL), ERR_CONFIG);
	assert_non_null(strstr(err.text, "/nonexistent: no such file"));
}

static void a_queue_that_is_too_long_is_refused(void **state)
{
	char queue[LIMIT_URL + 2];

	(void)state;
	memset(queue, 'q', sizeof queue);
	queue[LIMIT_URL] = '\0';
	assert_int_equal(load2("--queue", queue), ERR_USAGE);
	queue[LIMIT_URL - 1] = '\0';
	assert_int_equal(load2("--queue", queue), 0);
}

static void keys_are_taken(void **state)
{
	char text[LIMIT_URL * 10];

	(void)state;
	write_file("trusted-producers = \"/etc/trusted\"\n"
		   "seal-key = \"/etc/fleet.key\"\nunsigned = refuse\n");
	assert_int_equal(load1(NULL), 0);
	assert_string_equal(conf.trusted_producers, "/etc/trusted");
	assert_string_equal(conf.seal_key, "/etc/fleet.key");
	assert_int_equal(conf.policy.unsigned_messages, CREDIT_REFUSE);
	/* A path that would be cut would be another one. */
	(void)snprintf(text, sizeof text, "seal-key = \"/%0*d\"\n",
	    (int)sizeof conf.seal_key, 0);
	write_file(text);
	assert_int_equal(load1(NULL), ERR_CONFIG);
	assert_non_null(strstr(err.text, ":1:"));
}

/* --status tells of the last run, whatever the configuration is by now. */
static void the_status_needs_no_configuration(void **state)
{
	(void)state;
	write_file("nonsense\n");
	assert_int_equal(load1("--status"), 0);
	assert_int_equal(conf.common.action, CONF_STATUS);
	assert_false(conf.json);
	assert_int_equal(load2("--status", "--json"), 0);
	assert_true(conf.json);
	assert_int_equal(load2("--json", "--status"), 0);
	assert_true(conf.json);
	assert_int_equal(conf.common.action, CONF_STATUS);
	assert_int_equal(load2("--status", "extra"), ERR_USAGE);
	write_file("queue = q\n");
	assert_int_equal(load1("--json"), ERR_USAGE);
	assert_int_equal(load2("--check", "--json"), ERR_USAGE);
	assert_non_null(strstr(err.text, "--status"));
	assert_int_equal(load2("--status", "-m3"), ERR_USAGE);
	assert_int_equal(load2("--check", "-m3"), 0);
	assert_int_equal(load2("-m99", "--help"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, remove_file)

static int read_settings(void *state)
{
	int rc;

	(void)state;
	memset(&err, 0, sizeof err);
	rc = load2("--timeout", "20");
	if (rc == 0) {
		assert_int_equal(conf.messages, 3);
		assert_int_equal(conf.timeout, 20);
		assert_string_equal(conf.common.queues[1], "b");
	}
	assert_int_equal(err.code, rc);
	return rc;
}

/* As a package without a libconfuse of its system has it. */
static bool libconfuse_is_linked_in(void)
{
	Dl_info theirs, ours;

	return dladdr((void *)(uintptr_t)cfg_init, &theirs) != 0 &&
	       dladdr((void *)(uintptr_t)read_settings, &ours) != 0 &&
	       theirs.dli_fbase == ours.dli_fbase;
}

static void what_fails_while_settings_are_read_is_told(void **state)
{
	(void)state;
	if (libconfuse_is_linked_in()) {
		print_message("not tried: libconfuse's own allocations would "
			      "fail, too, and its scanner calls exit(3)\n");
		skip();
	}
	write_file("queue = {\"a\", \"b\"}\nmessages = 3\n"
		   "region = eu-west-1\nunsigned = mix\n");
	(void)failing_each(read_settings, NULL, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(without_any_setting_the_defaults_hold),
	    T(the_file_is_taken_and_options_win),
	    T(unsigned_credit_needs_a_file_that_others_cannot_write),
	    T(bad_files_name_the_line),
	    T(bad_options_are_usage),
	    T(best_effort_is_seen_behind_a_bad_option),
	    T(of_strict_and_best_effort_the_last_one_holds),
	    T(best_effort_can_be_taken_back),
	    T(two_actions_exclude_each_other),
	    T(where_each_value_came_from_is_known),
	    T(an_output_is_known_when_the_file_is_malformed),
	    T(unless_seeded_takes_its_time_from_an_option_alone),
	    T(what_seeded_the_template_does_not_count_for_a_clone),
	    T(a_clone_seeds_its_kernel_or_nothing),
	    T(a_credential_comes_before_the_key_of_the_file),
	    T(a_file_that_was_named_must_exist),
	    T(a_queue_that_is_too_long_is_refused),
	    T(keys_are_taken),
	    T(the_status_needs_no_configuration),
	    T(what_fails_while_settings_are_read_is_told),
	};

	return cmocka_run_group_tests_name("agent conf", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <getopt.h>
#include <string.h>

#include "config/options.h"

struct values {
	char queue[32];
	long messages;
	bool strict, lenient, deep, json, wide;
	int verbose;
	const char *file;
	const char *key_file;
	const char *object, *dump;
	long bytes;
	char keys[2][8];
};
static struct values v;
static struct options options;
static struct err err;

enum { LOOK = 1, MAKE, EXAMINE, TELL };
enum { QUEUE, MESSAGES, LOOK_ = 6, MAKE_, DEEP_, VERBOSE_, KEYS, EXAMINE_ };
#define MEMBER(name) SETTING_MEMBER(struct values, name)

static const struct setting rows[] = {
    {"queue", SETTING_STRING, SETTING_OPTION | SETTING_FILE, MEMBER(queue),
	SETTING_SHOWN('q', "URL|NAME", "the queue")},
    {"messages", SETTING_LONG, SETTING_OPTION, "4", 1, 10, MEMBER(messages),
	SETTING_SHOWN('m', "N", "take up to N messages")},
    {"strict", SETTING_FLAG, SETTING_OPTION, .undoes = "lenient",
	MEMBER(strict), SETTING_SHOWN('s', NULL, "fail")},
    {"lenient", SETTING_FLAG, SETTING_OPTION, .undoes = "strict",
	MEMBER(lenient), SETTING_SHOWN('l', NULL, "do not fail")},
    {"hidden", SETTING_STRING, SETTING_FILE, MEMBER(queue)},
    {"a-long-name", SETTING_WORD, SETTING_OPTION, MEMBER(file),
	SETTING_SHOWN(0, "A-LONG-VALUE",
	    "words that do not fit the line and therefore go on in the next "
	    "one, as far as they go")},
    {"look", SETTING_ACTION, SETTING_OPTION, .action = LOOK,
	SETTING_SHOWN(0, NULL, "look"), .reads_all = true},
    {"make", SETTING_ACTION, SETTING_OPTION, .action = MAKE, MEMBER(key_file),
	SETTING_SHOWN(0, "FILE", "make a key")},
    {"deep", SETTING_FLAG, SETTING_OPTION, .belongs_to = "--make FILE",
	MEMBER(deep), SETTING_SHOWN(0, NULL, "with --make: deeper")},
    {"verbose", SETTING_COUNT, SETTING_OPTION, MEMBER(verbose),
	SETTING_SHOWN('v', NULL, "say more"), .goes_with_all = true},
    {"key", SETTING_LIST, SETTING_OPTION, .max = 2, MEMBER(keys),
	SETTING_SHOWN('k', "KEY", "a key")},
    {"examine", SETTING_ACTION, SETTING_OPTION, .action = EXAMINE,
	MEMBER(object), SETTING_SHOWN(0, "[FILE]", "examine a file")},
    {"json", SETTING_FLAG, SETTING_OPTION,
	.belongs_to = "--look, --examine or --made", MEMBER(json),
	SETTING_SHOWN('j', NULL, "as JSON")},
    {"bytes", SETTING_LONG, SETTING_OPTION, "7", 1, 9,
	.belongs_to = "--examine", MEMBER(bytes),
	SETTING_SHOWN(0, "N", "of so many bytes")},
    {"dump", SETTING_WORD, SETTING_OPTION, .belongs_to = "--examine",
	MEMBER(dump), SETTING_SHOWN(0, "FILE", "into a file")},
    {"wide", SETTING_FLAG, SETTING_OPTION, .excludes = "json",
	.belongs_to = "--look or --examine", MEMBER(wide),
	SETTING_SHOWN('w', NULL, "in columns")},
    {"tell", SETTING_ACTION, SETTING_OPTION, .action = TELL,
	SETTING_SHOWN(0, NULL, "tell"), .tells_only = true},
};
static const struct settings settings = {
    rows, sizeof rows / sizeof rows[0], sizeof v};

/* Up to three words behind the program's name. */
static int take3(const char *a, const char *b, const char *c)
{
	const char *words[] = {"program", a, b, c};
	static char room[4][64];
	char *argv[5] = {NULL};
	int argc = 0;

	while (argc < 4 && words[argc] != NULL) {
		argv[argc] = strcpy(room[argc], words[argc]);
		argc++;
	}
	memset(&v, 0, sizeof v);
	memset(&err, 0, sizeof err);
	optind = 0; /* begin anew, glibc */
	return options_read(&options, &settings, &v, argc, argv, &err);
}

static int take(const char *a, const char *b)
{
	return take3(a, b, NULL);
}

static void values_are_left_unchecked(void **state)
{
	(void)state;
	assert_int_equal(take3("--messages=99", "-qentropy", "-s"), 0);
	assert_string_equal(options.given[MESSAGES][0], "99");
	assert_string_equal(options.given[QUEUE][0], "entropy");
	assert_int_equal(v.messages, 0);
	assert_true(v.strict);
	assert_null(options.action);
	assert_int_equal(
	    options_set_given(&options, &settings, &v, &err), ERR_USAGE);
	assert_string_equal(
	    err.text, "--messages: \"99\" is not a whole number from 1 to 10");
	assert_int_equal(err.code, ERR_USAGE);
	/* The last one holds; a name may be cut short. */
	assert_int_equal(take3("-m99", "--mess", "9"), 0);
	assert_int_equal(options_set_given(&options, &settings, &v, &err), 0);
	assert_int_equal(v.messages, 9);
}

static void a_list_takes_its_option_several_times(void **state)
{
	(void)state;
	assert_int_equal(take3("-ka", "--key", "b"), 0);
	assert_string_equal(options.given[KEYS][1], "b");
	strcpy(v.keys[0], "file");
	assert_int_equal(options_set_given(&options, &settings, &v, &err), 0);
	assert_string_equal(v.keys[0], "a");
	assert_string_equal(v.keys[1], "b");
	assert_int_equal(take("-ka", NULL), 0);
	strcpy(v.keys[1], "file");
	assert_int_equal(options_set_given(&options, &settings, &v, &err), 0);
	assert_string_equal(v.keys[1], "");
	assert_int_equal(take3("-ka", "-kb", "-kc"), ERR_USAGE);
	assert_string_equal(err.text, "--key is given more than 2 times");
	assert_int_equal(take("-ka", "-ka"), 0);
	assert_int_equal(
	    options_set_given(&options, &settings, &v, &err), ERR_USAGE);
	assert_string_equal(
	    err.text, "--key: \"a\" is given twice; remove one");
}

static void flags_counts_and_words_are_taken_at_once(void **state)
{
	(void)state;
	assert_int_equal(take3("-vv", "-v", "--a-long-name=a\nb"), 0);
	assert_int_equal(v.verbose, 3);
	assert_string_equal(v.file, "a\nb");
	assert_int_equal(take("-sl", NULL), 0);
	assert_true(v.lenient && !v.strict);
	assert_int_equal(take("-l", "--strict"), 0);
	assert_true(v.strict && !v.lenient);
}

static void what_cannot_be_taken_is_told(void **state)
{
	static const char *const cases[][3] = {
	    {"--messages", NULL, "option --messages needs a value"},
	    {"-q", NULL, "option -q needs a value"},
	    {"-vx", NULL, "there is no option -x"},
	    {"--nonsense", NULL, "option --nonsense is unknown, ambiguous"},
	    {"--ma=x", "--m=1", "option --m=1 is unknown, ambiguous"},
	    {"--strict=yes", NULL, "option --strict=yes is unknown"},
	    {"--hidden", "x", "option --hidden is unknown"},
	    {"extra", "-v", "unexpected argument extra"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(take(cases[i][0], cases[i][1]), ERR_USAGE);
		if (strstr(err.text, cases[i][2]) == NULL)
			fail_msg("%s: said %s", cases[i][0], err.text);
	}
}

static void what_follows_a_mistake_is_taken(void **state)
{
	(void)state;
	assert_int_equal(take3("--first", "--second", "--lenient"), ERR_USAGE);
	assert_non_null(strstr(err.text, "--first"));
	assert_true(v.lenient);
	assert_int_equal(take3("-q", "x", "--look=1"), ERR_USAGE);
	assert_string_equal(options.given[QUEUE][0], "x");
}

static void a_call_has_one_action(void **state)
{
	(void)state;
	assert_int_equal(take("--make", "/key"), 0);
	assert_ptr_equal(options.action, &rows[MAKE_]);
	assert_string_equal(v.key_file, "/key");
	assert_int_equal(take("--look", "--look"), 0);
	assert_ptr_equal(options.action, &rows[LOOK_]);
	assert_int_equal(take3("--look", "--make", "/key"), ERR_USAGE);
	assert_string_equal(
	    err.text, "--look and --make exclude each other (see --help)");
}

static void an_action_may_have_an_operand(void **state)
{
	static const char *const cases[][4] = {/* words, operand */
	    {"--examine", NULL, NULL, NULL}, {"--examine", "/a", NULL, "/a"},
	    {"--examine=/a", NULL, NULL, "/a"}, {"--examine=", NULL, NULL, ""},
	    {"--examine", "--json", "/a", "/a"},
	    {"/a", "--examine", "-v", "/a"},
	    {"--examine", "--", "--json", "--json"}};
	static const char *const refused[][4] = {
	    {"--examine", "/a", "/b", "unexpected argument /b (see --help)"},
	    {"--examine=/a", "/b", NULL, "unexpected argument /b (see --help)"},
	    {"--examine=", "/b", NULL, "unexpected argument /b (see --help)"},
	    {"--look", "/b", NULL, "unexpected argument /b (see --help)"},
	    {"--make", "/a", "/b", "unexpected argument /b (see --help)"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *const *c = cases[i];

		assert_int_equal(take3(c[0], c[1], c[2]), 0);
		assert_ptr_equal(options.action, &rows[EXAMINE_]);
		if (c[3] == NULL)
			assert_null(v.object);
		else
			assert_string_equal(v.object, c[3]);
	}
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		const char *const *c = refused[i];

		assert_int_equal(take3(c[0], c[1], c[2]), ERR_USAGE);
		assert_string_equal(err.text, c[3]);
	}
}

static void an_option_may_belong_to_actions(void **state)
{
	static const char *const stray[][4] = {
	    {"--deep", NULL, NULL, "--deep belongs to --make FILE"},
	    {"--deep", "--look", NULL, "--deep belongs to --make FILE"},
	    {"-j", NULL, NULL, "--json belongs to --look, --examine or --made"},
	    {"-j", "--make", "/key",
		"--json belongs to --look, --examine or --made"},
	    {"--bytes", "5", NULL, "--bytes belongs to --examine"},
	    {"--look", "--dump", "/a", "--dump belongs to --examine"}};

	(void)state;
	assert_int_equal(take("--deep", "--make=/key"), 0);
	assert_true(v.deep);
	assert_int_equal(take("--look", "--json"), 0);
	assert_true(v.json);
	assert_int_equal(take3("--json", "--examine", "/a"), 0);
	assert_int_equal(take3("--bytes=5", "--examine", "/a"), 0);
	assert_int_equal(take3("--dump=/b", "--examine", "/a"), 0);
	assert_string_equal(v.dump, "/b");
	for (size_t i = 0; i < sizeof stray / sizeof stray[0]; i++) {
		const char *const *c = stray[i];

		assert_int_equal(take3(c[0], c[1], c[2]), ERR_USAGE);
		assert_string_equal(err.text, c[3]);
	}
}

static void no_action_ignores_an_option(void **state)
{
	static const char *const cases[][4] = {
	    {"--make=/key", "-q", "x",
		"--queue has no meaning beside --make (see --help)"},
	    {"-m3", "--make=/key", NULL,
		"--messages has no meaning beside --make (see --help)"},
	    {"--examine", "-s", NULL,
		"--strict has no meaning beside --examine (see --help)"},
	    {"--make=/key", "--a-long-name", "x",
		"--a-long-name has no meaning beside --make (see --help)"},
	    {"--examine", "-kx", "-v",
		"--key has no meaning beside --examine (see --help)"},
	    {"-jw", "--look", NULL,
		"--json and --wide exclude each other (see --help)"},
	    {"--look", "--wide", "--json",
		"--json and --wide exclude each other (see --help)"},
	    {"--make=/key", "-v", NULL, NULL}, {"--examine", "-vw", NULL, NULL},
	    {"--look", "-sj", "-m3", NULL}, {"--look", "-kx", NULL, NULL},
	    {"-jw", "--tell", "-m99", NULL}, {"--deep", "-qx", "--tell", NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *const *c = cases[i];

		assert_int_equal(
		    take3(c[0], c[1], c[2]), c[3] != NULL ? ERR_USAGE : 0);
		if (c[3] != NULL)
			assert_string_equal(err.text, c[3]);
	}
}

static void help_is_made_of_the_rows(void **state)
{
	char text[2048] = "";
	FILE *to = fmemopen(text, sizeof text, "w");

	(void)state;
	assert_non_null(to);
	options_print_help(&settings, to);
	assert_int_equal(fclose(to), 0);
	assert_string_equal(text,
	    "  -q, --queue URL|NAME    the queue\n"
	    "  -m, --messages N        take up to N messages, 1-10 (4)\n"
	    "  -s, --strict            fail\n"
	    "  -l, --lenient           do not fail\n"
	    "      --a-long-name A-LONG-VALUE  words that do not fit the line "
	    "and therefore\n"
	    "                          go on in the next one, as far as they "
	    "go\n"
	    "      --look              look\n"
	    "      --make FILE         make a key\n"
	    "      --deep              with --make: deeper\n"
	    "  -v, --verbose           say more\n"
	    "  -k, --key KEY           a key; up to 2 times\n"
	    "      --examine [FILE]    examine a file\n"
	    "  -j, --json              as JSON\n"
	    "      --bytes N           of so many bytes, 1-9 (7)\n"
	    "      --dump FILE         into a file\n"
	    "  -w, --wide              in columns\n"
	    "      --tell              tell\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_left_unchecked),
	    cmocka_unit_test(flags_counts_and_words_are_taken_at_once),
	    cmocka_unit_test(a_list_takes_its_option_several_times),
	    cmocka_unit_test(what_cannot_be_taken_is_told),
	    cmocka_unit_test(what_follows_a_mistake_is_taken),
	    cmocka_unit_test(a_call_has_one_action),
	    cmocka_unit_test(an_action_may_have_an_operand),
	    cmocka_unit_test(an_option_may_belong_to_actions),
	    cmocka_unit_test(no_action_ignores_an_option),
	    cmocka_unit_test(help_is_made_of_the_rows),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}

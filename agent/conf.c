/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/conf.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "config/conffile.h"
#include "config/options.h"
#include "config/service_credential.h"
#include "sqs/session.h"

/* Rows of the table that options name too. */
enum row { ROW_QUEUE, ROW_MESSAGES, ROW_TIMEOUT, ROW_OUTPUT, ROW_OTHERS };

enum { OPTION_CHECK = 256, OPTION_STATUS, OPTION_JSON, OPTION_UNLESS_SEEDED };

#define WEEK 604800 /* seconds */

static const struct option long_options[] = {
    {"queue", required_argument, NULL, 'q'},
    {"messages", required_argument, NULL, 'm'},
    {"timeout", required_argument, NULL, 't'},
    {"output", required_argument, NULL, 'o'},
    {"strict", no_argument, NULL, 's'},
    {"best-effort", no_argument, NULL, 'b'},
    {"unless-seeded", required_argument, NULL, OPTION_UNLESS_SEEDED},
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"status", no_argument, NULL, OPTION_STATUS},
    {"json", no_argument, NULL, OPTION_JSON},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};
#define SHORT_OPTIONS ":q:m:t:o:sbc:vhV"

static const char *const unsigned_choices[] = {"mix", "credit", "refuse", NULL};

void conf_print_help(void)
{
	(void)fputs(
	    "Usage: sqs-entropy-agent [OPTION]...\n"
	    "Take messages of hardware random bytes from an Amazon SQS queue "
	    "and inject\nthem into the kernel, once.\n\n"
	    "  -q, --queue URL|NAME    the queue (default: from the "
	    "configuration, or the\n"
	    "                          instance tag " SESSION_QUEUE_TAG ")\n"
	    "  -m, --messages N        take up to N messages, 1-10 (1)\n"
	    "  -t, --timeout SECONDS   give up after this, 1-300 (10)\n"
	    "  -o, --output FILE|-     write the bytes there instead of "
	    "injecting them\n"
	    "  -s, --strict            fail unless credit was given\n"
	    "  -b, --best-effort       exit 0 whatever happened\n"
	    "      --unless-seeded SECONDS  do nothing when a run injected "
	    "less than this\n"
	    "                          ago, 1-604800\n"
	    "  -c, --config FILE       instead of " CONF_FILE "\n"
	    "      --check             validate the configuration and exit\n"
	    "      --status            say what the last run did\n"
	    "      --json              with --status: as JSON\n"
	    "  -v, --verbose           say more (twice: debug)\n"
	    "  -h, --help              show this and exit\n"
	    "  -V, --version           show the version and exit\n\n"
	    "Exit: 0 done, 64 usage, 65 no usable message, 69 unavailable,\n"
	    "70 internal, 75 queue empty, 77 not permitted, "
	    "78 configuration.\n"
	    "See sqs-entropy-agent(8) and sqs-entropy-agent.conf(5).\n",
	    stdout);
}

#define MEMBER(name) SETTING_MEMBER(struct conf, name)

static const struct setting rows[] = {
    [ROW_QUEUE] = {"queue", SETTING_STRING, SETTING_FILE, MEMBER(queue)},
    [ROW_MESSAGES] = {"messages", SETTING_LONG, SETTING_FILE, "1", 1,
	LIMIT_BATCH, MEMBER(messages)},
    [ROW_TIMEOUT] = {"timeout", SETTING_LONG, SETTING_FILE, "10", 1, 300,
	MEMBER(timeout)},
    [ROW_OUTPUT] = {"output", SETTING_STRING, SETTING_FILE, MEMBER(output)},
    [ROW_OTHERS] = {"region", SETTING_STRING, SETTING_FILE, MEMBER(region)},
    {"endpoint-url", SETTING_STRING, SETTING_FILE, MEMBER(endpoint_url)},
    {"profile", SETTING_STRING, SETTING_FILE, MEMBER(profile)},
    {"ca-bundle", SETTING_STRING, SETTING_FILE, MEMBER(ca_bundle)},
    {"trusted-producers", SETTING_STRING, SETTING_FILE,
	SQS_ENTROPY_SYSCONFDIR "/sqs-entropy/trusted.d",
	MEMBER(trusted_producers)},
    {"seal-key", SETTING_STRING, SETTING_FILE, MEMBER(seal_key)},
    {"unsigned", SETTING_CHOICE, SETTING_FILE, "mix",
	.choices = unsigned_choices, MEMBER(policy.unsigned_messages)},
    {"unsigned-bits-per-byte", SETTING_DOUBLE, SETTING_FILE, "1.0", 0, 8,
	MEMBER(policy.bits_per_byte)},
};

static const struct settings settings = {
    rows, sizeof rows / sizeof rows[0], sizeof(struct conf)};

static int set_defaults(struct conf *conf, struct err *err)
{
	const int rc = settings_set_defaults(&settings, conf, err);

	conf->file = CONF_FILE;
	conf->log_level = LOG_LEVEL_NOTICE;
	return rc;
}

/* No row of the table: the file has no such key. */
static int take_unless_seeded(struct conf *conf, struct err *err)
{
	static const struct setting row = {"unless-seeded", SETTING_LONG,
	    SETTING_OPTION, NULL, 1, WEEK, MEMBER(unless_seeded)};

	return options_set(&row, conf, optarg, err);
}

static int take_option(struct conf *conf, const char *given[ROW_OTHERS], int c,
    char *const argv[], struct err *err)
{
	switch (c) {
	case 'q':
		given[ROW_QUEUE] = optarg;
		return 0;
	case 'm':
		given[ROW_MESSAGES] = optarg;
		return 0;
	case 't':
		given[ROW_TIMEOUT] = optarg;
		return 0;
	case 'o':
		given[ROW_OUTPUT] = optarg;
		return 0;
	case 's':
	case 'b':
		conf->strict = c == 's';
		conf->best_effort = c == 'b';
		return 0;
	case OPTION_UNLESS_SEEDED:
		return take_unless_seeded(conf, err);
	case 'c':
		conf->file = optarg;
		conf->file_given = true;
		return 0;
	case OPTION_CHECK:
		conf->action = CONF_CHECK;
		return 0;
	case OPTION_STATUS:
		conf->action = CONF_STATUS;
		return 0;
	case OPTION_JSON:
		conf->json = true;
		return 0;
	case 'v':
		conf->log_level = options_more_verbose(conf->log_level);
		return 0;
	case 'h':
		conf->action = CONF_HELP;
		return 0;
	case 'V':
		conf->action = CONF_VERSION;
		return 0;
	default:
		return options_bad(c, argv, err);
	}
}

/* Goes on after a bad option, so that --best-effort is seen behind it. */
static int take_options(struct conf *conf, const char *given[ROW_OTHERS],
    int argc, char *const argv[], struct err *err)
{
	int c, rc = 0;

	opterr = 0;
	while ((c = getopt_long(
		    argc, argv, SHORT_OPTIONS, long_options, NULL)) != -1) {
		struct err now = {0};
		int got = take_option(conf, given, c, argv, &now);

		if (got != 0 && rc == 0)
			rc = err_set(err, got, "%s", now.text);
	}
	if (rc == 0 && optind < argc)
		rc = err_set(err, ERR_USAGE,
		    "unexpected argument %s (see --help)", argv[optind]);
	return rc;
}

static int set_given(
    struct conf *conf, const char *const given[ROW_OTHERS], struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ROW_OTHERS; i++)
		rc = options_set(&rows[i], conf, given[i], err);
	return rc;
}

int conf_load(struct conf *conf, int argc, char *const argv[], struct err *err)
{
	const char *given[ROW_OTHERS] = {NULL};
	int rc;

	rc = set_defaults(conf, err);
	if (rc == 0)
		rc = take_options(conf, given, argc, argv, err);
	if (rc != 0 || conf->action == CONF_HELP ||
	    conf->action == CONF_VERSION || conf->action == CONF_STATUS)
		return rc;
	/* Before the file too: where the bytes were to go is known even when
	 * that is malformed. */
	rc = set_given(conf, given, err);
	if (rc == 0)
		rc = options_read_file(
		    conf->file, conf->file_given, &settings, conf, err);
	if (rc == 0)
		rc = set_given(conf, given, err);
	(void)service_credential_find(
	    "seal-key", conf->seal_key, sizeof conf->seal_key);
	return rc;
}

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
#define ROWS_MAX 16

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

static void set_defaults(struct conf *conf)
{
	memset(conf, 0, sizeof *conf);
	conf->file = CONF_FILE;
	conf->log_level = LOG_LEVEL_NOTICE;
	conf->messages = 1;
	conf->timeout = 10;
	conf->policy.unsigned_messages = CREDIT_MIX;
	conf->policy.bits_per_byte = 1.0;
	(void)snprintf(conf->trusted_producers, sizeof conf->trusted_producers,
	    "%s/sqs-entropy/trusted.d", SQS_ENTROPY_SYSCONFDIR);
}

static size_t make_table(
    struct conf *conf, int *choice, struct conffile_row rows[ROWS_MAX])
{
	const struct conffile_row table[] = {
	    [ROW_QUEUE] = CONFFILE_STRING_ROW("queue", conf->queue),
	    [ROW_MESSAGES] =
		CONFFILE_LONG_ROW("messages", conf->messages, 1, LIMIT_BATCH),
	    [ROW_TIMEOUT] = CONFFILE_LONG_ROW("timeout", conf->timeout, 1, 300),
	    [ROW_OUTPUT] = CONFFILE_STRING_ROW("output", conf->output),
	    [ROW_OTHERS] = CONFFILE_STRING_ROW("region", conf->region),
	    CONFFILE_STRING_ROW("endpoint-url", conf->endpoint_url),
	    CONFFILE_STRING_ROW("profile", conf->profile),
	    CONFFILE_STRING_ROW("ca-bundle", conf->ca_bundle),
	    CONFFILE_STRING_ROW("trusted-producers", conf->trusted_producers),
	    CONFFILE_STRING_ROW("seal-key", conf->seal_key),
	    CONFFILE_CHOICE_ROW("unsigned", *choice, unsigned_choices),
	    CONFFILE_DOUBLE_ROW(
		"unsigned-bits-per-byte", conf->policy.bits_per_byte, 0, 8),
	};

	_Static_assert(sizeof table / sizeof table[0] <= ROWS_MAX, "room");
	memcpy(rows, table, sizeof table);
	return sizeof table / sizeof table[0];
}

/* No row of the table: the file has no such key. */
static int take_unless_seeded(struct conf *conf, struct err *err)
{
	const struct conffile_row row =
	    CONFFILE_LONG_ROW("unless-seeded", conf->unless_seeded, 1, WEEK);

	return options_set(&row, optarg, err);
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

static int set_given(const struct conffile_row *rows,
    const char *const given[ROW_OTHERS], struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ROW_OTHERS; i++)
		rc = options_set(&rows[i], given[i], err);
	return rc;
}

int conf_load(struct conf *conf, int argc, char *const argv[], struct err *err)
{
	struct conffile_row rows[ROWS_MAX];
	const char *given[ROW_OTHERS] = {NULL};
	int choice = CREDIT_MIX;
	size_t n;
	int rc;

	set_defaults(conf);
	rc = take_options(conf, given, argc, argv, err);
	if (rc != 0 || conf->action == CONF_HELP ||
	    conf->action == CONF_VERSION || conf->action == CONF_STATUS)
		return rc;
	n = make_table(conf, &choice, rows);
	/* Before the file too: where the bytes were to go is known even when
	 * that is malformed. */
	rc = set_given(rows, given, err);
	if (rc == 0)
		rc = options_read_file(
		    conf->file, conf->file_given, rows, n, err);
	if (rc == 0)
		rc = set_given(rows, given, err);
	conf->policy.unsigned_messages = (enum credit_unsigned)choice;
	(void)service_credential_find(
	    "seal-key", conf->seal_key, sizeof conf->seal_key);
	return rc;
}

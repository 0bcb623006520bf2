/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/conf.h"

#include <string.h>

#include "base/file.h"
#include "config/program_rows.h"
#include "sqs/session.h"
#include "sqs/ssm.h"

#define WEEK 604800 /* seconds */

/* In the order of enum credit_unsigned. */
static const char *const unsigned_choices[] = {"mix", "credit", "refuse", NULL};

/* In the order of enum conf_order. */
static const char *const order_choices[] = {"given", "random", NULL};

/* In the order of enum conf_fallback. */
static const char *const fallback_choices[] = {"none", "kms", NULL};

#define MEMBER(name) SETTING_MEMBER(struct conf, name)
#define ANY_LAYER    (SETTING_OPTION | SETTING_FILE | SETTING_DIRECTIVE)

/* Of the variable AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE. */
static const char *const imds_modes[] = {"IPv4", "IPv6", NULL};

static const struct setting rows[] = {
    PROGRAM_QUEUE_ROW(SETTING_DIRECTIVE,
	"the queue (default: from the configuration, or the instance "
	"tag " SESSION_QUEUE_TAG ")"),
    {"queue-order", SETTING_CHOICE, SETTING_FILE | SETTING_DIRECTIVE, "given",
	.choices = order_choices, MEMBER(queue_order)},
    {"messages", SETTING_LONG, ANY_LAYER, "1", 1, LIMIT_BATCH,
	SETTING_SHOWN('m', "N", "take up to N messages"), MEMBER(messages)},
    {"timeout", SETTING_LONG, ANY_LAYER, "10", 1, 300,
	SETTING_SHOWN('t', "SECONDS", "give up after this"), MEMBER(timeout)},
    {"wait-time", SETTING_LONG, SETTING_FILE | SETTING_DIRECTIVE, "8", 0, 300,
	MEMBER(wait_time)},
    {"fallback", SETTING_CHOICE, SETTING_FILE | SETTING_DIRECTIVE, "none",
	.choices = fallback_choices, MEMBER(fallback)},
    {"output", SETTING_STRING, SETTING_OPTION | SETTING_FILE,
	SETTING_SHOWN(
	    'o', "FILE|-", "write the bytes there instead of injecting them"),
	MEMBER(output)},
    {"strict", SETTING_FLAG, SETTING_OPTION, .undoes = "best-effort",
	SETTING_SHOWN('s', NULL, "fail unless credit was given"),
	MEMBER(strict)},
    {"best-effort", SETTING_FLAG, SETTING_OPTION, .undoes = "strict",
	SETTING_SHOWN('b', NULL, "exit 0 whatever happened"),
	MEMBER(best_effort)},
    {"no-best-effort", SETTING_FLAG, SETTING_OPTION, .undoes = "best-effort",
	SETTING_SHOWN(0, NULL, "take --best-effort back"),
	MEMBER(no_best_effort)},
    {"unless-seeded", SETTING_LONG, SETTING_OPTION, NULL, 1, WEEK,
	SETTING_SHOWN(
	    0, "SECONDS", "do nothing when a run injected less than this ago"),
	MEMBER(unless_seeded)},
    {"forked", SETTING_FLAG, SETTING_OPTION,
	SETTING_SHOWN(0, NULL,
	    "on a clone of a running machine: seed it, whatever "
	    "--unless-seeded says"),
	MEMBER(forked)},
    PROGRAM_PLACE_ROWS(SETTING_DIRECTIVE),
    {"trusted-producers", SETTING_STRING, SETTING_FILE,
	SQS_ENTROPY_SYSCONFDIR "/sqs-entropy/trusted.d",
	MEMBER(trusted_producers)},
    {"seal-key", SETTING_STRING,
	SETTING_FILE | SETTING_CREDENTIAL | SETTING_DIRECTIVE,
	MEMBER(seal_key)},
    {"unsigned", SETTING_CHOICE, SETTING_FILE | SETTING_DIRECTIVE, "mix",
	.choices = unsigned_choices, MEMBER(policy.unsigned_messages)},
    {"unsigned-bits-per-byte", SETTING_DOUBLE, SETTING_FILE | SETTING_DIRECTIVE,
	"1.0", 0, 8, MEMBER(policy.bits_per_byte)},
    PROGRAM_CHECK_ROWS(CONF_FILE),
    {"status", SETTING_ACTION, SETTING_OPTION, .action = CONF_STATUS,
	SETTING_SHOWN(0, NULL, "say what the last run did")},
    {"doctor", SETTING_ACTION, SETTING_OPTION, .action = CONF_DOCTOR,
	SETTING_SHOWN(0, NULL, "look for what keeps a run from its work"),
	.reads_all = true},
    {"json", SETTING_FLAG, SETTING_OPTION, .belongs_to = "--status or --doctor",
	SETTING_SHOWN(0, NULL, "with --status or --doctor: as JSON"),
	MEMBER(json)},
    PROGRAM_STATUS_ROWS,
    PROGRAM_ABOUT_ROWS,
    /* cloud-init's module acts on these itself: it writes the keys to files in
     * the directory that trusted-producers names, and queues as queue. */
    {"trusted_producers", SETTING_KEYS, SETTING_DIRECTIVE, .max = 32},
    {"queues", SETTING_LIST, SETTING_DIRECTIVE, .max = LIMIT_QUEUES},
    {.name = "required", SETTING_FLAG, SETTING_DIRECTIVE},
    /* These become variables of its run, which are no settings of a program. */
    {"https_proxy", SETTING_STRING, SETTING_DIRECTIVE, .max = 511},
    {"no_proxy", SETTING_STRING, SETTING_DIRECTIVE, .max = 511},
    {"imds_endpoint_mode", SETTING_CHOICE, SETTING_DIRECTIVE,
	.choices = imds_modes},
};

_Static_assert(sizeof rows / sizeof rows[0] <= SETTINGS_MAX, "room for rows");

/* The line of the file, or an enum program_origin. */
static int find_origin(const struct conf *conf, const char *name)
{
	const struct setting *row = settings_find(&conf_program.settings, name);

	return conf->common.origin[row - rows];
}

/* A clone has the generator of its template, so that nothing but its kernel may
 * get the bytes, and what seeded the template does not count. */
static int complete_forked(struct conf *conf, struct err *err)
{
	const int line = find_origin(conf, "output");

	if (!conf->forked)
		return 0;
	conf->unless_seeded = 0;
	if (conf->output[0] == '\0')
		return 0;
	if (line == PROGRAM_BY_OPTION)
		return err_set(err, ERR_USAGE,
		    "--forked seeds the kernel: leave --output out");
	return err_set(err, ERR_CONFIG,
	    "%s:%d: output: --forked seeds the kernel: give --output \"\", "
	    "too, or remove this line",
	    conf->common.file, line);
}

/* Whoever can write the file would decide what a kernel believes. */
static int complete_unsigned(const struct conf *conf, struct err *err)
{
	const struct program_conf *common = &conf->common;

	if (conf->policy.unsigned_messages != CREDIT_CREDIT ||
	    file_is_guarded(common->file))
		return 0;
	return err_set(err, ERR_CONFIG,
	    "%s:%d: unsigned: \"credit\" counts only in a file that root alone "
	    "can write, in such a directory: run chown root and chmod go-w on "
	    "both",
	    common->file, find_origin(conf, "unsigned"));
}

const char *conf_parameter(const char *seal_key)
{
	static const char kind[] = "ssm:";

	return strncmp(seal_key, kind, sizeof kind - 1) == 0
		   ? seal_key + sizeof kind - 1
		   : NULL;
}

static int complete_seal_key(const struct conf *conf, struct err *err)
{
	const char *name = conf_parameter(conf->seal_key);

	if (name == NULL || ssm_is_name(name))
		return 0;
	return err_set(err, ERR_CONFIG,
	    "%s:%d: seal-key: \"%.128s\" names no parameter: write ssm:NAME, "
	    "ssm:NAME:VERSION or ssm:NAME:LABEL, where NAME has A-Z a-z 0-9 . - "
	    "_, or is a path of such parts with a / before each",
	    conf->common.file, find_origin(conf, "seal-key"), conf->seal_key);
}

static int complete_agent(struct conf *conf, struct err *err)
{
	int rc = complete_forked(conf, err);

	if (rc == 0)
		rc = complete_seal_key(conf, err);
	return rc == 0 ? complete_unsigned(conf, err) : rc;
}

const struct program conf_program = {
    .name = "sqs-entropy-agent",
    .file = CONF_FILE,
    .does = "Take messages of hardware random bytes from an Amazon SQS queue "
	    "and inject\nthem into the kernel, once.\n",
    .exits = "Exit: 0 done, 64 usage, 65 no usable message, 69 unavailable,\n"
	     "70 internal, 75 queue empty, 77 not permitted, "
	     "78 configuration.\n",
    .settings = {rows, sizeof rows / sizeof rows[0], sizeof(struct conf)},
    .complete = complete_agent,
};

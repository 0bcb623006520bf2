/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFIG_PROGRAM_H
#define SQS_ENTROPY_CONFIG_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "config/settings.h"

/*
 * What both programs do in the same way: their common settings, the order in
 * which settings are looked for, and main().
 */
struct conf; /* each program's own; its first member is a program_conf */

/* What the command line asks for. */
enum program_action {
	PROGRAM_RUN,
	PROGRAM_CHECK, /* --check: validate, show and end */
	PROGRAM_HELP,
	PROGRAM_VERSION,
	PROGRAM_OWN /* the first of each program's own */
};

/* Where a value came from: the line of the file, or one of these. */
enum program_origin {
	PROGRAM_BY_DEFAULT = 0,
	PROGRAM_BY_OPTION = -1,
	PROGRAM_BY_SERVICE = -2 /* a credential, see systemd.exec(5) */
};

#define PROGRAM_NAME_MAX 129 /* bytes of a name at AWS IoT, with the NUL */

/* The initializer of struct cred_iot_config (aws/cred_iot.h) for one. */
#define PROGRAM_IOT(conf)                                                      \
	{                                                                      \
		(conf)->iot_endpoint, (conf)->iot_role_alias,                  \
		    (conf)->iot_thing_name, (conf)->iot_certificate,           \
		    (conf)->iot_private_key                                    \
	}

/* The members of struct session_config (sqs/session.h) that are settings. */
#define PROGRAM_SESSION(program, conf)                                         \
	.queues = (conf)->queues, .region = (conf)->region,                    \
	.endpoint_option = program_endpoint((program), (conf), true),          \
	.endpoint_url = program_endpoint((program), (conf), false),            \
	.use_fips = (conf)->use_fips, .use_dualstack = (conf)->use_dualstack,  \
	.profile = (conf)->profile, .ca_bundle = (conf)->ca_bundle,            \
	.iot = PROGRAM_IOT(conf)

/* An option overrules the configuration file, which overrules the default.
 * session.h looks up AWS's own environment variables. */
struct program_conf {
	int action;
	const char *file; /* the file that was read, or would have been */
	int verbose;      /* how often it was asked for */
	enum log_level log_level;
	int origin[SETTINGS_MAX]; /* of the row with this index */

	char queues[LIMIT_QUEUES][LIMIT_URL]; /* "" behind the last one */
	char region[LIMIT_REGION];
	char endpoint_url[LIMIT_URL];
	enum text_switch use_fips, use_dualstack; /* endpoints of that kind */
	char profile[128];
	char ca_bundle[PATH_MAX];
	char iot_endpoint[LIMIT_URL];
	char iot_role_alias[PROGRAM_NAME_MAX];
	char iot_thing_name[PROGRAM_NAME_MAX];
	char iot_certificate[PATH_MAX];
	char iot_private_key[PATH_MAX];
};

struct program {
	const char *name;  /* "sqs-entropy-agent" */
	const char *file;  /* its configuration file, which may be absent */
	const char *does;  /* --help: what it does, in lines */
	const char *exits; /* --help: exit codes, in lines */
	struct settings settings;
	/* Check what no row can say about the settings together, once all are
	 * in place.  ERR_CONFIG.  NULL: there is nothing to check. */
	int (*complete)(struct conf *conf, struct err *err);
};

extern const struct program conf_program; /* in conf.c of each */

/*
 * Fill *conf: defaults, the file, then options, unless the action needs none
 * of them.  Options that were given hold before the file, too, so that a run
 * knows where its output was to go when the file is malformed.  ERR_USAGE,
 * ERR_CONFIG, ERR_NOMEM; conf's flags are right even then.
 */
int program_load(const struct program *program, struct conf *conf, int argc,
    char *const argv[], struct err *err) MUST_CHECK;

/* The endpoint that was given by option, or the one that was not; "" for none.
 * AWS's variables stand between the two. */
const char *program_endpoint(const struct program *program,
    const struct program_conf *common, bool by_option);

/* What a program does with its settings. */
struct program_work {
	/* Run, check or do an action of its own.  An enum err_code. */
	int (*act)(const struct conf *conf, struct err *err);
	/* The settings were refused; NULL: nothing is to be done. */
	void (*refused)(const struct conf *conf, int code);
};

/* All of main() but its end: load conf, act, and log the error unless it was
 * logged before.  Returns the exit code. */
int program_main(const struct program *program, const struct program_work *work,
    struct conf *conf, int argc, char *const argv[]);

/* The end of main(): write out what stdio holds, and leave without the exit
 * handlers of the libraries.  They only give back memory, which the kernel does
 * faster; every secret of ours has been wiped when its owner was closed. */
_Noreturn void program_end(int code);

#endif

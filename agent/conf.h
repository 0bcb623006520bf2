/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_CONF_H
#define SQS_ENTROPY_AGENT_CONF_H

#include <limits.h>
#include <stdbool.h>

#include "agent/offline/credit.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"

#define CONF_FILE SQS_ENTROPY_SYSCONFDIR "/sqs-entropy/agent.conf"

/* What the command line asks for. */
enum conf_action {
	CONF_RUN,
	CONF_CHECK,  /* --check: validate and end */
	CONF_STATUS, /* --status: tell what the last run did */
	CONF_HELP,
	CONF_VERSION
};

/* Options over configuration file over defaults; what AWS's own environment
 * variables say is looked up by session.h. */
struct conf {
	enum conf_action action;
	const char *file; /* the file that was read, or would have been */
	bool file_given;  /* by --config: it must exist then */
	bool strict;
	bool best_effort;
	bool json;          /* --json: machine-readable */
	long unless_seeded; /* seconds; 0: run in any case */
	enum log_level log_level;

	char queue[LIMIT_URL]; /* "": from the instance's tag */
	char region[LIMIT_REGION];
	char endpoint_url[LIMIT_URL];
	char profile[128];
	char ca_bundle[PATH_MAX];
	char trusted_producers[PATH_MAX]; /* a directory */
	char seal_key[PATH_MAX]; /* "": sealed messages do not open; the service
				    manager's credential comes first */
	char output[PATH_MAX];   /* "": the kernel; "-": standard output */
	long messages;           /* 1..10 */
	long timeout;            /* seconds */
	struct credit_policy policy;
};

/* Fill *conf from argv and the file.  ERR_USAGE, ERR_CONFIG; conf->best_effort
 * and an output that was given are right even then. */
int conf_load(struct conf *conf, int argc, char *const argv[], struct err *err)
    __attribute__((warn_unused_result));

/* To standard output. */
void conf_print_help(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_CONF_H
#define SQS_ENTROPY_PRODUCER_CONF_H

#include <limits.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "producer/online/refill.h"

/* or STATE_DIRECTORY (systemd.exec(5)) */
#define CONF_STATE_DIRECTORY "/var/lib/sqs-entropy-producer"
#define CONF_FILE            SQS_ENTROPY_SYSCONFDIR "/sqs-entropy/producer.conf"
#define CONF_UNIT_KEY        SQS_ENTROPY_SYSCONFDIR "/sqs-entropy/signing.key"

/* What the command line asks for. */
enum conf_action {
	CONF_RUN,
	CONF_CHECK,  /* --check: validate and end */
	CONF_GENKEY, /* --genkey: make a key pair */
	CONF_HELP,
	CONF_VERSION
};

/* Options over configuration file over defaults; what AWS's own environment
 * variables say is looked up by session.h. */
struct conf {
	enum conf_action action;
	const char *file;     /* the file that was read, or would have been */
	bool file_given;      /* by --config: it must exist then */
	bool once;            /* one look, one top-up */
	const char *key_file; /* --genkey */
	bool seal;            /* --seal: a pair for sealing */
	enum log_level log_level;

	char queue[LIMIT_URL];
	char region[LIMIT_REGION];
	char endpoint_url[LIMIT_URL];
	char profile[128];
	char ca_bundle[PATH_MAX];
	char device[PATH_MAX];
	char signing_key[PATH_MAX]; /* "": messages are not signed; the service
				       manager's credential comes first */
	char seal_to[PATH_MAX];     /* "": messages are not sealed */
	long message_bytes;         /* of payload */
	double bits_per_byte;       /* min-entropy claimed for the source */
	struct refill_settings refill;
};

/* Fill *conf from argv and the file.  ERR_USAGE, ERR_CONFIG. */
int conf_load(struct conf *conf, int argc, char *const argv[], struct err *err)
    __attribute__((warn_unused_result));

/* To standard output. */
void conf_print_help(void);

#endif

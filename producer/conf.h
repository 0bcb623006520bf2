/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_CONF_H
#define SQS_ENTROPY_PRODUCER_CONF_H

#include <limits.h>
#include <stdbool.h>

#include "config/program.h"

/* Where STATE_DIRECTORY (systemd.exec(5)) names none. */
#define CONF_STATE_DIRECTORY "/var/lib/sqs-entropy-producer"
#define CONF_FILE            SQS_ENTROPY_SYSCONFDIR "/sqs-entropy/producer.conf"
#define CONF_UNIT_KEY        SQS_ENTROPY_SYSCONFDIR "/sqs-entropy/signing.key"

/* Actions beside those of program.h. */
enum conf_action {
	CONF_GENKEY = PROGRAM_OWN, /* --genkey: make a key pair */
	CONF_PUBKEY,               /* --pubkey: print a public key */
	CONF_DOCTOR,               /* --doctor: look at all that is needed */
	CONF_ASSESS,               /* --assess: judge a source */
	CONF_SETUP,                /* --setup: see setup.h */
	CONF_STATUS                /* --status: say what the service does */
};

/* When the queue is topped up, see refill.h. */
struct refill_settings {
	long low_watermark; /* messages */
	long burst;         /* messages */
	long interval;      /* seconds */
	long depth;         /* messages; 0: low_watermark and burst hold */
	long producers;     /* that share each queue, with a depth */
};

/* What --assess does, see assess.h. */
struct assess_settings {
	const char *object;   /* a file or device; NULL: see choose_source() */
	long bytes;           /* of the sample; 0: not said */
	const char *dump;     /* a new file for the sample; NULL: none */
	const char *restarts; /* a new file for restarts; NULL: none */
};

struct conf {
	struct program_conf common;
	bool once;            /* top up once */
	const char *key_file; /* --genkey, --pubkey */
	const char *seal; /* --seal: a pair for sealing of that kind; "": of the
			     usual one; NULL: a pair for signing */
	bool json;        /* --json: machine-readable */
	struct assess_settings assess;
	const char *setup_queue; /* --setup's; NULL: none was named */
	bool yes;                /* --yes: confirm what --setup asks */
	/* Of --setup: one message to each queue, verified before it leaves; not
	 * to have been sent is a failure. */
	bool trial;
	bool openmetrics; /* --openmetrics */
	long max_age;     /* of the status, seconds; 0: any */

	char device[PATH_MAX];
	char signing_key[PATH_MAX]; /* "": messages are not signed */
	char seal_to[PATH_MAX];     /* "": messages are not sealed */
	long message_bytes;         /* of payload */
	double bits_per_byte;       /* min-entropy claimed for the source */
	struct refill_settings refill;
};

/* True if somebody has set device: it is not the default alone. */
bool conf_sets_device(const struct conf *conf);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_CONF_H
#define SQS_ENTROPY_AGENT_CONF_H

#include <limits.h>
#include <stdbool.h>

#include "config/program.h"

#define CONF_FILE    SQS_ENTROPY_SYSCONFDIR "/sqs-entropy/agent.conf"

/* --status, an action beside those of program.h: tell what the last run did. */
#define CONF_STATUS  PROGRAM_OWN

/* --doctor: look at all that a run depends on. */
#define CONF_DOCTOR  (PROGRAM_OWN + 1)

/* ms of a run's time-out in which it does not wait for a message any more, so
 * that one which came at the last moment can still be deleted. */
#define CONF_REST_MS 2000

/* What becomes of messages that no trusted producer signed. */
enum credit_unsigned {
	CREDIT_MIX,    /* mixed, credit 0 */
	CREDIT_CREDIT, /* credited with bits_per_byte, unless they carry a
			  signature that does not hold */
	CREDIT_REFUSE  /* not used at all */
};

struct credit_policy {
	enum credit_unsigned unsigned_messages;
	double bits_per_byte; /* of unsigned messages, 0..8 */
};

/* In which order the queues are asked. */
enum conf_order {
	CONF_GIVEN,
	CONF_RANDOM /* another one in each run */
};

/* What a run that gets no message asks instead. */
enum conf_fallback {
	CONF_NOTHING,
	CONF_KMS /* GenerateRandom, mixed without credit */
};

struct conf {
	struct program_conf common;
	enum conf_order queue_order;
	enum conf_fallback fallback;
	bool strict;
	bool best_effort;
	bool no_best_effort;
	bool json;          /* --json: machine-readable */
	bool openmetrics;   /* --openmetrics */
	long max_age;       /* of the status, seconds; 0: any */
	long unless_seeded; /* seconds; 0: run in any case */
	bool forked;        /* this machine is a clone: seed it anew */

	char trusted_producers[PATH_MAX]; /* a directory */
	char seal_key[PATH_MAX];          /* a file, or "ssm:" and a parameter;
					     "": sealed messages do not open */
	char output[PATH_MAX]; /* "": the kernel; "-": standard output */
	long messages;         /* 1..10 */
	long timeout;          /* seconds */
	long wait_time;        /* seconds, on an empty queue */
	struct credit_policy policy;
};

/* The name of the parameter that a seal_key names; NULL: it is a file or "". */
const char *conf_parameter(const char *seal_key);

#endif

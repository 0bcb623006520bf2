/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_SETUP_SETUP_H
#define SQS_ENTROPY_PRODUCER_SETUP_SETUP_H

#include <stdbool.h>

#include "base/err.h"
#include "doctor/findings.h"
#include "message/keyfile.h"
#include "producer/conf.h"
#include "producer/setup/ask.h"

/* What the steps of --setup hand to each other. */
struct setup {
	const struct conf *asked; /* as the command line and the file said */
	struct conf conf;         /* as they say now that the file is written */
	struct ask ask;
	struct findings all;
	/* A run of the producer, which becomes the offline half; for a process
	 * of its own. */
	int (*run)(const struct conf *conf, struct err *err);
	bool changed;                /* a step has changed something */
	char line[KEYFILE_LINE_MAX]; /* of the public key, for the agents */
};

/*
 * The steps, in their order.  Each adds what it found and did to s->all, and
 * leaves as it is what is right already.  An error ends --setup; its text says
 * what to do before the next try.
 */
int setup_configuration(struct setup *s, struct err *err) MUST_CHECK;
int setup_key(struct setup *s, struct err *err) MUST_CHECK;
int setup_source(struct setup *s, struct err *err) MUST_CHECK;
int setup_credentials(struct setup *s, struct err *err) MUST_CHECK;
int setup_clock(struct setup *s, struct err *err) MUST_CHECK;
int setup_message(struct setup *s, struct err *err) MUST_CHECK;
int setup_service(struct setup *s, struct err *err) MUST_CHECK;
/* Prints what belongs into the user-data of instances on standard output. */
int setup_user_data(struct setup *s, struct err *err) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_SETUP_UNIT_H
#define SQS_ENTROPY_PRODUCER_SETUP_UNIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * What the package's unit for systemd says (producer/systemd/): the home of the
 * user that talks to the network, and the files of environment variables.
 */
#define UNIT_NAME "sqs-entropy-producer.service"
#define UNIT_HOME "/var/lib/sqs-entropy-producer-net"
#define UNIT_AWS  UNIT_HOME "/.aws"

/* True if systemd manages this machine. */
bool unit_has_systemd(void);

/* Run "systemctl WORD UNIT" for two minutes at most, and give its exit status;
 * 127 if it cannot be run.  What it says goes to standard error, or nowhere if
 * quiet. */
int unit_systemctl(const char *word, const char *unit, bool quiet);

/* The value of a variable in the files of the unit, as far as they are written
 * in lines NAME=VALUE with or without quotes; the last one counts. False: it is
 * not there. */
bool unit_has_variable(const char *name);

/* Give this process the environment of the service: none of AWS's variables
 * and proxies but those of the unit's files, and its HOME.  ERR_IO, ERR_NOMEM.
 */
int unit_take_environment(struct err *err) MUST_CHECK;

/* The files of the unit, a NULL-terminated list. */
extern const char *const unit_files[];

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_SETUP_H
#define SQS_ENTROPY_PRODUCER_SETUP_H

#include "base/err.h"
#include "producer/conf.h"

/*
 * --setup: make of this machine a producer that works, a line on standard error
 * for each step, and print the user-data of its agents on standard output. What
 * is right already is kept, so that another call changes nothing.  run() is a
 * run of the producer.  This process is root's and takes nothing from the
 * network.  ERR_PERM: it is not; else the code of the step that failed.
 */
int setup(const struct conf *conf,
    int (*run)(const struct conf *conf, struct err *err), struct err *err)
    MUST_CHECK;

#endif

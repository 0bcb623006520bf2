/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ASSESS_H
#define SQS_ENTROPY_PRODUCER_ASSESS_H

#include "base/err.h"
#include "producer/conf.h"

/*
 * --assess: read a sample of a source, judge it and print what was found.  A
 * regular file is read to its end, a device for conf->assess.bytes.  The files
 * that were asked for get the sample as it is; nothing else does.  ERR_SOURCE:
 * a health test fails, or there was no byte.  ERR_USAGE: no source was named
 * and the machine has several; ERR_ABSENT: it has none, or none that is named
 * so.  ERR_CONFIG, ERR_PERM, ERR_IO, ERR_TIMEOUT, ERR_NOMEM.
 */
int assess(const struct conf *conf, struct err *err) MUST_CHECK;

#endif

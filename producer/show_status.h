/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_SHOW_STATUS_H
#define SQS_ENTROPY_PRODUCER_SHOW_STATUS_H

#include "base/err.h"
#include "producer/conf.h"

/* --status: print what the service does for people, as it is (conf's json), or
 * as metrics (openmetrics).  ERR_EMPTY: it has not run since boot, or, after it
 * was printed, it was written more than max_age seconds ago; ERR_INTERNAL: the
 * document is damaged; ERR_LIMIT, ERR_IO. */
int producer_status_print(const struct conf *conf, struct err *err) MUST_CHECK;

#endif

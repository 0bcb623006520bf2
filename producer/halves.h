/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_HALVES_H
#define SQS_ENTROPY_PRODUCER_HALVES_H

#include <stdbool.h>

#include "base/err.h"
#include "producer/conf.h"
#include "producer/offline/offline.h"

#define HALVES_USER "sqs-entropy-producer" /* of both, when root starts */

/*
 * The two processes of a producer: how they part, what each gives up, and that
 * both end.  The online half comes as a function, so that a test can put
 * another in its place.
 */
typedef int halves_online(
    int fd, const struct conf *conf, int cancel_fd, int64_t watchdog_ms);

/* Split; the child runs online(), the parent is the offline half.  Returns 0
 * when told to stop, or what ended the one that ended first. */
int halves_run(struct offline *o, halves_online *online, struct err *err)
    __attribute__((warn_unused_result));

/* What the offline half gives up.  ERR_PERM, ERR_IO. */
int halves_confine_offline(struct err *err) __attribute__((warn_unused_result));

/* What the online half gives up.  readable is a list for confine_files();
 * *nobody: there is no HALVES_USER. */
int halves_confine_online(const char *const *readable, bool *nobody,
    struct err *err) __attribute__((warn_unused_result));

#endif

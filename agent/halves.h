/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_HALVES_H
#define SQS_ENTROPY_AGENT_HALVES_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/conf.h"
#include "agent/offline/offline.h"
#include "base/err.h"

#define HALVES_USER "sqs-entropy" /* of the online half */

/*
 * The two processes of a run: how they part, what each gives up, and that
 * both end.  The online half comes as a function, so that a test can put a
 * compromised one in its place.
 */
typedef int halves_online(int fd, const struct conf *conf, int64_t deadline);

/* Split; the child runs online(), the parent is the offline half and returns
 * what offline_run() does.  deadline is CLOCK_MONOTONIC ms.  ERR_IO,
 * ERR_PERM. */
int halves_run(struct offline *o, halves_online *online, int64_t deadline,
    struct err *err) __attribute__((warn_unused_result));

/* What the offline half gives up: everything but the right to inject. */
int halves_confine_offline(const struct conf *conf, struct err *err)
    __attribute__((warn_unused_result));

/* What the online half gives up; soon after the deadline it is killed.
 * readable is a list for confine_files(); *nobody: there is no HALVES_USER. */
int halves_confine_online(const char *const *readable, int64_t deadline,
    bool *nobody, struct err *err) __attribute__((warn_unused_result));

#endif

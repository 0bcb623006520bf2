/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_HALVES_H
#define SQS_ENTROPY_PRODUCER_HALVES_H

#include <stdint.h>

#include "base/err.h"
#include "confine/runner.h"
#include "producer/conf.h"

struct producer_offline;
struct session;

/* What each half becomes when root starts the program. */
#define PRODUCER_OFFLINE_USER "sqs-entropy-producer"
#define PRODUCER_ONLINE_USER  "sqs-entropy-producer-net"

/*
 * The two processes of a producer: how they part, what each gives up, and that
 * both end.  The online half comes as a function, so that a test can put
 * another in its place.
 */
typedef int producer_online(
    int fd, const struct conf *conf, int cancel_fd, int64_t watchdog_ms);

/* Say what of the confinement is not to be had on this machine. */
void producer_say_lacks(void);

/* Split; the child runs online(), the parent is the offline half.  Returns 0
 * when told to stop, else the error of the half that ended first. */
int producer_halves_run(struct producer_offline *o, producer_online *online,
    struct err *err) MUST_CHECK;

/* What the offline half gives up.  ERR_PERM, ERR_IO. */
int producer_confine_offline(struct err *err) MUST_CHECK;

/* In the online half, before it is confined: start the process that runs the
 * profile's credential_process, if there is one.  cancel_fd ends waiting for
 * it. */
int producer_start_runner(struct session *s, struct runner *runner,
    int cancel_fd, struct err *err) MUST_CHECK;

/* What the online half gives up.  readable is a list for confine_files(). */
int producer_confine_online(const char *const *readable, struct err *err)
    MUST_CHECK;

#endif

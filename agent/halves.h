/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_HALVES_H
#define SQS_ENTROPY_AGENT_HALVES_H

#include <stdint.h>

#include "agent/conf.h"
#include "base/err.h"
#include "confine/runner.h"

struct agent_offline;
struct session;

/* What each half becomes when root starts the program. */
#define AGENT_OFFLINE_USER "sqs-entropy-agent"
#define AGENT_ONLINE_USER  "sqs-entropy-agent-net"

/*
 * The two processes of a run: how they part, what each gives up, and that
 * both end.  The online half comes as a function, so that a test can put a
 * compromised one in its place.
 */
typedef int agent_online(int fd, const struct conf *conf, int64_t deadline);

/* Have this process, which becomes the offline half, killed soon after the
 * deadline, whatever it does. */
int agent_limit_lifetime(int64_t deadline, struct err *err) MUST_CHECK;

/* Say what of the confinement is not to be had on this machine. */
void agent_say_lacks(void);

/* Split; the child runs online(), the parent is the offline half and returns
 * what agent_offline_run() does.  deadline is CLOCK_MONOTONIC ms.  ERR_IO,
 * ERR_PERM. */
int agent_halves_run(struct agent_offline *o, agent_online *online,
    int64_t deadline, struct err *err) MUST_CHECK;

/* What the offline half gives up: everything but the right to inject. */
int agent_confine_offline(const struct conf *conf, struct err *err) MUST_CHECK;

/* In the online half, before it is confined: start the process that runs the
 * profile's credential_process, if there is one.  cancel_fd ends waiting for
 * it. */
int agent_start_runner(struct session *s, struct runner *runner, int cancel_fd,
    struct err *err) MUST_CHECK;

/* What the online half gives up; soon after the deadline it is killed, too.
 * readable is a list for confine_files(). */
int agent_confine_online(
    const char *const *readable, int64_t deadline, struct err *err) MUST_CHECK;

#endif

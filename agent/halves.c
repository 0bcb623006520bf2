/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/halves.h"

#include <linux/capability.h>

#include "agent/offline/offline.h"
#include "aws/cred_env.h"
#include "base/clock.h"
#include "base/log.h"
#include "confine/confine.h"
#include "confine/split.h"

/* The online half ends by itself at the deadline.  When it hangs, in a name
 * look-up or in TLS that waits for the kernel's generator, it is killed this
 * much later. */
#define GRACE_MS 300
#define REAP_MS  200

/* RNDADDENTROPY needs CAP_SYS_ADMIN; a file needs no capability. */
int agent_confine_offline(const struct conf *conf, struct err *err)
{
	static const char *const nothing[] = {NULL};
	struct confine_half half = {.role = CONFINE_AGENT_OFFLINE,
	    .cap = conf->output[0] == '\0' ? CAP_SYS_ADMIN : -1,
	    .readable = nothing};
	const int rc = confine_half(&half, err);

	if (rc == 0 && !half.seccomp)
		log_warning("%s", CONFINE_NO_SECCOMP);
	return rc;
}

int agent_confine_online(
    const char *const *readable, int64_t deadline, struct err *err)
{
	const int64_t left =
	    deadline + GRACE_MS + REAP_MS - clock_read(CLOCK_MONOTONIC);
	struct confine_half half = {.role = CONFINE_ONLINE,
	    .user = AGENT_USER,
	    .cap = -1,
	    .readable = readable,
	    /* The offline half cannot kill this one: it has no CAP_KILL. */
	    .lifetime_ms = left > 1 ? (long)left : 1};
	const int rc = confine_half(&half, err);

	if (rc == 0 && half.nobody)
		log_info("there is no user " AGENT_USER ": running as nobody");
	return rc;
}

struct run {
	struct agent_offline *offline;
	agent_online *online;
	int64_t deadline;
};

static void leave_agent(void *ctx)
{
	const struct run *run = ctx;

	agent_offline_close(run->offline);
}

static int run_agent_online(void *ctx, int fd)
{
	const struct run *run = ctx;

	return run->online(fd, run->offline->conf, run->deadline);
}

static int run_agent_offline(void *ctx, int fd, int64_t *until, struct err *err)
{
	const struct run *run = ctx;
	int rc;

	*until = run->deadline + GRACE_MS + REAP_MS;
	cred_env_forget();
	rc = agent_confine_offline(run->offline->conf, err);
	if (rc == 0)
		rc = agent_offline_run(
		    run->offline, fd, run->deadline + GRACE_MS, err);
	return rc;
}

int agent_halves_run(struct agent_offline *o, agent_online *online,
    int64_t deadline, struct err *err)
{
	struct run run = {o, online, deadline};
	const struct split split = {
	    leave_agent, run_agent_online, run_agent_offline, .ctx = &run};
	struct err end = {0};
	const int rc = split_run(&split, &end, err);

	if (o->cut_short && end.code != 0 && !end.told)
		log_error("%s", end.text);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/halves.h"

#include <linux/capability.h>

#include "agent/offline/offline.h"
#include "aws/cred_env.h"
#include "base/clock.h"
#include "base/log.h"
#include "confine/confine.h"
#include "confine/split.h"
#include "sqs/session.h"

/* Both halves end by themselves at the deadline.  What hangs, in a name
 * look-up, in TLS that waits for the kernel's generator or in a write, is
 * killed this much later; the offline half last, because it tells what
 * happened. */
#define GRACE_MS 1000
#define REAP_MS  500
#define LAST_MS  2000

static long find_lifetime(int64_t deadline, int64_t grace)
{
	const int64_t left = deadline + grace - clock_read(CLOCK_MONOTONIC);

	return left > 1 ? (long)left : 1;
}

int agent_limit_lifetime(int64_t deadline, struct err *err)
{
	return confine_lifetime(
	    find_lifetime(deadline, GRACE_MS + LAST_MS), err);
}

void agent_say_lacks(void)
{
	struct confine_lacks lacks;

	confine_find_lacks(AGENT_OFFLINE_USER, AGENT_ONLINE_USER, &lacks);
	if (lacks.one_user)
		log_notice("%s", CONFINE_ONE_USER);
	for (size_t i = 0; i < lacks.n; i++)
		log_warning("%s", lacks.text[i]);
}

/* RNDADDENTROPY needs CAP_SYS_ADMIN; a file needs no capability. */
int agent_confine_offline(const struct conf *conf, struct err *err)
{
	static const char *const nothing[] = {NULL};
	const struct confine_half half = {.role = CONFINE_AGENT_OFFLINE,
	    .user = AGENT_OFFLINE_USER,
	    .stays_root = true,
	    .cap = conf->output[0] == '\0' ? CAP_SYS_ADMIN : -1,
	    .readable = nothing};

	return confine_half(&half, err);
}

int agent_start_runner(
    struct session *s, struct runner *runner, int cancel_fd, struct err *err)
{
	const struct runner_plan plan = {.user = AGENT_ONLINE_USER,
	    .find = session_command,
	    .leave = session_leave,
	    .ctx = s,
	    .cancel_fd = cancel_fd};
	const int rc = runner_start(runner, &plan, err);

	if (rc == 0 && runner->fd >= 0)
		session_use_runner(s, runner_ask, runner);
	return rc;
}

int agent_confine_online(
    const char *const *readable, int64_t deadline, struct err *err)
{
	const struct confine_half half = {.role = CONFINE_ONLINE,
	    .user = AGENT_ONLINE_USER,
	    .cap = -1,
	    .readable = readable,
	    .lifetime_ms = find_lifetime(deadline, GRACE_MS + REAP_MS)};

	return confine_half(&half, err);
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
	agent_offline_recall(run->offline);
	/* Asked again, because that may have waited for another run that has
	 * seeded the kernel.  Where it waited in vain, this run goes on beside
	 * the other, without credit. */
	if (agent_offline_is_done(run->offline->conf, &run->offline->last_seed))
		return 0;
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
	    leave_agent, run_agent_online, run_agent_offline, 0, &run};
	struct err end = {0};
	const int rc = split_run(&split, &end, err);

	if (o->cut_short && end.code != 0 && !end.told)
		log_error("%s", end.text);
	return rc;
}

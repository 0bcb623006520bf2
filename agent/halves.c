/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/halves.h"

#include <linux/capability.h>
#include <sys/resource.h>

#include "aws/cred_env.h"
#include "base/clock.h"
#include "base/log.h"
#include "confine/confine.h"
#include "confine/split.h"

/* The online half ends itself by the deadline; one that hangs (in a name
 * look-up, or in TLS waiting for the generator) is ended this much later. */
#define GRACE_MS  300
#define REAP_MS   200

/* Neither half can open a file for writing; what it was given to write to may
 * be a log of any size, which a limit on files' sizes would silence. */
#define FILE_SIZE RLIM_INFINITY

/* Of all of root's powers the one that RNDADDENTROPY needs. */
int halves_confine_offline(const struct conf *conf, struct err *err)
{
	static const char *const nothing[] = {NULL};
	struct confine_half half = {.role = CONFINE_AGENT_OFFLINE,
	    .cap = conf->output[0] == '\0' ? CAP_SYS_ADMIN : -1,
	    .readable = nothing,
	    .limits = {.files = 64, .file_size = FILE_SIZE}};
	const int rc = confine_half(&half, err);

	if (rc == 0 && !half.seccomp)
		log_warning("this kernel has no seccomp filters: the system "
			    "calls of both halves are not restricted");
	return rc;
}

int halves_confine_online(const char *const *readable, int64_t deadline,
    bool *nobody, struct err *err)
{
	const struct clock clock = clock_system(NULL);
	const int64_t left = deadline + GRACE_MS + REAP_MS - clock_mono(&clock);
	struct confine_half half = {.role = CONFINE_ONLINE,
	    .user = HALVES_USER,
	    .cap = -1,
	    .readable = readable,
	    .limits = {.files = 64, .file_size = FILE_SIZE},
	    /* The other half, without CAP_KILL, could not end this one. */
	    .lifetime_ms = left > 1 ? (long)left : 1};
	const int rc = confine_half(&half, err);

	*nobody = half.nobody;
	return rc;
}

struct run {
	struct offline *offline;
	halves_online *online;
	int64_t deadline;
};

static void leave_offline(void *ctx)
{
	struct run *run = ctx;

	offline_close(run->offline);
}

static int run_online(void *ctx, int fd)
{
	const struct run *run = ctx;

	return run->online(fd, run->offline->conf, run->deadline);
}

static int run_offline(void *ctx, int fd, int64_t *until, struct err *err)
{
	const struct run *run = ctx;
	int rc;

	*until = run->deadline + GRACE_MS + REAP_MS;
	cred_env_forget();
	rc = halves_confine_offline(run->offline->conf, err);
	if (rc == 0)
		rc = offline_run(
		    run->offline, fd, run->deadline + GRACE_MS, err);
	return rc;
}

int halves_run(
    struct offline *o, halves_online *online, int64_t deadline, struct err *err)
{
	struct run run = {o, online, deadline};
	const struct split split = {.leave = leave_offline,
	    .online = run_online,
	    .offline = run_offline,
	    .ctx = &run};
	struct split_end end;
	char how[SPLIT_TEXT_MAX];
	const int rc = split_run(&split, &end, err);

	split_explain(&end, how);
	if (o->cut_short && how[0] != '\0')
		log_error("the half that talks to the network %s", how);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/halves.h"

#include <signal.h>
#include <sys/resource.h>

#include "aws/cred_env.h"
#include "base/clock.h"
#include "base/log.h"
#include "confine/confine.h"
#include "confine/split.h"

/* SIGTERM ends the whole within a second; a half that ends by itself may take
 * longer over its connections. */
#define STOP_MS   500
#define END_MS    5000

/* Neither half can open a file for writing; what it was given to write to may
 * be a log of any size, which a limit on files' sizes would silence. */
#define FILE_SIZE RLIM_INFINITY

/* Never root: what needs root is open by now. */
int halves_confine_offline(struct err *err)
{
	static const char *const readable[] = {"/dev", NULL};
	struct confine_half half = {.role = CONFINE_PRODUCER_OFFLINE,
	    .user = HALVES_USER,
	    .cap = -1,
	    .readable = readable,
	    .limits = {.files = 64, .file_size = FILE_SIZE}};
	const int rc = confine_half(&half, err);

	if (rc == 0 && !half.seccomp)
		log_warning("this kernel has no seccomp filters: the system "
			    "calls of both halves are not restricted");
	return rc;
}

int halves_confine_online(
    const char *const *readable, bool *nobody, struct err *err)
{
	struct confine_half half = {.role = CONFINE_ONLINE,
	    .user = HALVES_USER,
	    .cap = -1,
	    .readable = readable,
	    .limits = {.files = 64, .file_size = FILE_SIZE}};
	const int rc = confine_half(&half, err);

	*nobody = half.nobody;
	return rc;
}

struct run {
	struct offline *offline;
	halves_online *online;
	const struct conf *conf;
	int64_t watchdog_ms;
};

static void leave_offline(void *ctx)
{
	struct run *run = ctx;

	offline_close(run->offline);
}

static int run_online(void *ctx, int fd)
{
	const struct run *run = ctx;
	int cancel_fd;

	if (split_stop_fd(&cancel_fd) != 0)
		return ERR_IO;
	return run->online(fd, run->conf, cancel_fd, run->watchdog_ms);
}

static int run_offline(void *ctx, int fd, int64_t *until, struct err *err)
{
	const struct run *run = ctx;
	int cancel_fd;
	int rc = split_stop_fd(&cancel_fd);

	if (rc != 0)
		(void)err_errno(err, rc, "cannot listen to signals");
	cred_env_forget();
	if (rc == 0)
		rc = halves_confine_offline(err);
	if (rc == 0)
		rc = offline_run(run->offline, fd, cancel_fd, err);
	*until = clock_read(CLOCK_MONOTONIC) + (rc == 0 ? END_MS : STOP_MS);
	return rc;
}

int halves_run(struct offline *o, halves_online *online, struct err *err)
{
	struct run run = {o, online, o->conf, o->notify.watchdog_ms};
	const struct split split = {.leave = leave_offline,
	    .online = run_online,
	    .offline = run_offline,
	    .stop_signal = SIGTERM,
	    .ctx = &run};
	struct split_end end;
	char how[SPLIT_TEXT_MAX];
	const int rc = split_run(&split, &end, err);

	if (rc == ERR_CANCELED)
		return 0;
	if (rc != 0)
		return rc;
	split_explain(&end, how);
	if (how[0] != '\0')
		return err_set(err, ERR_INTERNAL,
		    "the half that talks to the network %s", how);
	return end.code == 0 ? 0 : err_told(err, end.code);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/halves.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "aws/cred_env.h"
#include "base/clock.h"
#include "base/log.h"
#include "confine/confine.h"
#include "confine/split.h"
#include "producer/offline/offline.h"

/* After SIGTERM the online half is killed this much later.  When it ends by
 * itself, it may take longer to close its connections. */
#define STOP_MS 500
#define END_MS  5000

/* The half gives root up: all that needs root is open by now. */
int producer_confine_offline(struct err *err)
{
	static const char *const readable[] = {"/dev", NULL};
	struct confine_half half = {.role = CONFINE_PRODUCER_OFFLINE,
	    .user = PRODUCER_USER,
	    .cap = -1,
	    .readable = readable};
	const int rc = confine_half(&half, err);

	if (rc == 0 && !half.seccomp)
		log_warning("%s", CONFINE_NO_SECCOMP);
	return rc;
}

int producer_confine_online(const char *const *readable, struct err *err)
{
	struct confine_half half = {.role = CONFINE_ONLINE,
	    .user = PRODUCER_USER,
	    .cap = -1,
	    .readable = readable};
	const int rc = confine_half(&half, err);

	if (rc == 0 && half.nobody)
		log_info(
		    "there is no user " PRODUCER_USER ": running as nobody");
	return rc;
}

struct run {
	struct producer_offline *offline;
	producer_online *online;
	const struct conf *conf;
	int64_t watchdog_ms;
};

static void leave_producer(void *ctx)
{
	const struct run *run = ctx;

	producer_offline_close(run->offline);
}

static int run_producer_online(void *ctx, int fd)
{
	const struct run *run = ctx;
	int cancel_fd;

	if (split_stop_fd(&cancel_fd) != 0) {
		log_error("cannot listen to signals: %s", strerror(errno));
		return ERR_IO;
	}
	return run->online(fd, run->conf, cancel_fd, run->watchdog_ms);
}

static int run_producer_offline(
    void *ctx, int fd, int64_t *until, struct err *err)
{
	const struct run *run = ctx;
	int cancel_fd;
	int rc = split_stop_fd(&cancel_fd);

	if (rc != 0)
		(void)err_errno(err, rc, "cannot listen to signals");
	cred_env_forget();
	if (rc == 0)
		rc = producer_confine_offline(err);
	if (rc == 0)
		rc = producer_offline_run(run->offline, fd, cancel_fd, err);
	*until = clock_read(CLOCK_MONOTONIC) + (rc == 0 ? END_MS : STOP_MS);
	return rc;
}

int producer_halves_run(
    struct producer_offline *o, producer_online *online, struct err *err)
{
	struct run run = {o, online, o->conf, o->notify.watchdog_ms};
	const struct split split = {leave_producer, run_producer_online,
	    run_producer_offline, SIGTERM, &run};
	struct err end = {0};
	const int rc = split_run(&split, &end, err);

	if (rc == ERR_CANCELED)
		return 0;
	if (rc == 0)
		*err = end;
	return rc == 0 ? end.code : rc;
}

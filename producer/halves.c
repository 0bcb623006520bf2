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
#include "producer/record.h"
#include "sqs/session.h"

/* One half has this long to end after the other one, before it is killed. */
#define OUTLIVE_MS 1000

void producer_say_lacks(void)
{
	struct confine_lacks lacks;

	confine_find_lacks(PRODUCER_OFFLINE_USER, PRODUCER_ONLINE_USER, &lacks);
	if (lacks.one_user)
		log_notice("%s", CONFINE_ONE_USER);
	for (size_t i = 0; i < lacks.n; i++)
		log_warning("%s", lacks.text[i]);
}

/* The half gives root up: all that needs root is open by now. */
int producer_confine_offline(struct err *err)
{
	static const char *const readable[] = {"/dev", NULL};
	const struct confine_half half = {.role = CONFINE_PRODUCER_OFFLINE,
	    .user = PRODUCER_OFFLINE_USER,
	    .stays_root = true,
	    .cap = -1,
	    .readable = readable,
	    .terminals = true};

	return confine_half(&half, err);
}

int producer_start_runner(
    struct session *s, struct runner *runner, int cancel_fd, struct err *err)
{
	const struct runner_plan plan = {.user = PRODUCER_ONLINE_USER,
	    .find = session_command,
	    .leave = session_leave,
	    .cancel_fd = cancel_fd,
	    .ctx = s};
	const int rc = runner_start(runner, &plan, err);

	if (rc == 0 && runner->fd >= 0)
		session_use_runner(s, runner_ask, runner);
	return rc;
}

int producer_confine_online(const char *const *readable, struct err *err)
{
	const struct confine_half half = {.role = CONFINE_ONLINE,
	    .user = PRODUCER_ONLINE_USER,
	    .cap = -1,
	    .readable = readable};

	return confine_half(&half, err);
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
	int stop_fd;

	if (split_stop_fd(&stop_fd) != 0) {
		log_error("cannot listen to signals: %s", strerror(errno));
		return ERR_IO;
	}
	return run->online(fd, run->conf, stop_fd, run->watchdog_ms);
}

static int run_producer_offline(
    void *ctx, int fd, int64_t *until, struct err *err)
{
	const struct run *run = ctx;
	int cancel_fd;
	int rc = split_stop_fd(&cancel_fd);

	if (rc == 0)
		rc = split_hup(fd, RECORD_LOOK);
	if (rc != 0)
		(void)err_errno(err, rc, "cannot listen to signals");
	cred_env_forget();
	if (rc == 0)
		rc = producer_confine_offline(err);
	if (rc == 0)
		rc = producer_offline_run(run->offline, fd, cancel_fd, err);
	*until = clock_read(CLOCK_MONOTONIC) + OUTLIVE_MS;
	return rc;
}

int producer_halves_run(
    struct producer_offline *o, producer_online *online, struct err *err)
{
	struct run run = {o, online, o->conf, o->notify.watchdog_ms};
	const struct split split = {leave_producer, run_producer_online,
	    run_producer_offline, OUTLIVE_MS, &run};
	struct err end = {0};
	int rc;

	/* The offline half tells the other one of it; systemctl kill may send
	 * it to both. */
	(void)signal(SIGHUP, SIG_IGN);
	rc = split_run(&split, &end, err);

	if (rc == ERR_CANCELED && end.code != 0 && !end.told)
		log_warning("%s", end.text);
	if (rc == ERR_CANCELED)
		return 0;
	if (rc == 0)
		*err = end;
	return rc == 0 ? end.code : rc;
}

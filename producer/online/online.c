/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/online/online.h"

#include <poll.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/record.h"
#include "confine/split.h"
#include "producer/halves.h"
#include "producer/online/tend.h"
#include "sqs/session.h"

struct run {
	int fd;     /* to the offline half */
	int end_fd; /* readable once that half has ended or this process was
		       told to stop */
	const struct conf *conf;
	struct clock clock, listening; /* the latter's sleep ends early */
	struct session_config cfg;
	struct session session;
	struct runner runner;
	struct tending tending;
};

static void tell_signer_to_log(const char *line)
{
	log_info("%s", line);
}

static void tell_call_to_log(const char *line)
{
	log_debug("%s", line);
}

struct session_config producer_session(const struct conf *conf, int cancel_fd)
{
	return (struct session_config){
	    PROGRAM_SESSION(&conf_program, &conf->common),
	    .brief = arn_count_queues(conf->common.queues) > 1,
	    .agent = "sqs-entropy-producer/" SQS_ENTROPY_VERSION,
	    .told = tell_signer_to_log, .called = tell_call_to_log,
	    .cancel_fd = cancel_fd};
}

/* What the settings say wrongly ends this half now.  What fails later may come
 * right: files and answers can change.  The session reads files that this half
 * may not open when it is confined. */
static int begin_sending(struct run *run, struct err *err)
{
	struct session_found found;
	int rc = 0;

	run->cfg = producer_session(run->conf, run->end_fd);
	run->cfg.patient = !run->conf->once;
	/* --once tells later, as the user that may read the files. */
	if (!run->conf->once)
		rc = session_check(&run->cfg, &found, err);
	if (rc == 0)
		rc = session_init(&run->session, &run->cfg, &run->clock, err);
	if (rc == 0)
		tend_init(&run->tending);
	if (rc == 0)
		rc = producer_start_runner(
		    &run->session, &run->runner, run->end_fd, err);
	if (rc == 0)
		rc = producer_confine_online(
		    session_readable(&run->session), err);
	return rc;
}

/* Sleep, but for what the offline half says. */
static int sleep_and_listen(void *ctx, int64_t ms)
{
	const struct run *run = ctx;
	const int rc = record_wait(
	    run->fd, POLLIN, run->end_fd, clock_read(CLOCK_MONOTONIC) + ms);

	return rc == ERR_TIMEOUT ? 0 : rc;
}

/* The end of the offline half ends every wait of this one, except that for the
 * last record which the offline half has sent. */
static void set_clocks(struct run *run)
{
	run->clock = clock_system(&run->end_fd);
	run->listening = run->clock;
	run->listening.sleep = sleep_and_listen;
	run->listening.ctx = run;
}

int producer_online_run(
    int fd, const struct conf *conf, int cancel_fd, int64_t watchdog_ms)
{
	struct run run = {.fd = fd, .conf = conf};
	struct tending *t = &run.tending;
	struct err err = {0};
	int rc = batch_init(&t->batch, &err);

	set_clocks(&run);
	t->conf = conf;
	t->clock = &run.clock;
	t->session = &run.session;
	if (rc == 0) {
		rc = split_end_fd(fd, cancel_fd, &run.end_fd);
		if (rc != 0)
			(void)err_errno(
			    &err, rc, "cannot watch the offline half");
	}
	heartbeat_init(
	    &t->heartbeat, fd, cancel_fd, &run.listening, watchdog_ms);
	if (rc == 0)
		rc = begin_sending(&run, &err);
	if (rc != 0)
		log_error("%s", err.text);
	else
		rc = conf->once ? tend_once(t) : tend_always(t);
	session_close(&run.session);
	batch_free(&t->batch);
	return rc == ERR_CANCELED ? 0 : rc;
}

static void tell_warning_to_log(const char *line)
{
	log_warning("%s", line);
}

int producer_online_check(const struct conf *conf, struct err *err)
{
	const struct session_config cfg = producer_session(conf, -1);

	return session_show(&cfg, stdout, tell_warning_to_log, err);
}

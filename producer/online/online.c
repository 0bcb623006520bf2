/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/online/online.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/record.h"
#include "confine/split.h"
#include "producer/halves.h"
#include "producer/online/batch.h"
#include "producer/online/heartbeat.h"
#include "producer/online/refill.h"
#include "producer/record.h"
#include "sqs/messages.h"
#include "sqs/queue.h"
#include "sqs/session.h"

#define CALL_MS 30000 /* for one call to the service, retries included */

struct run {
	int fd;        /* to the offline half */
	int cancel_fd; /* readable when this process was told to stop */
	int end_fd;    /* also once the offline half has ended */
	const struct conf *conf;
	struct clock clock;
	struct heartbeat heartbeat;
	struct session_config cfg;
	struct session session;
	struct runner runner;
	bool opened; /* the session's queue is known */
	bool warned; /* of what was found with it */
	struct refill_state state;
	struct batch batch;
};

static int64_t call_deadline(const struct run *run)
{
	return heartbeat_deadline(&run->heartbeat, CALL_MS);
}

static void tell_signer_to_log(const char *line)
{
	log_info("%s", line);
}

static struct session_config producer_session(
    const struct conf *conf, int cancel_fd)
{
	const struct program_conf *common = &conf->common;
	const bool option =
	    program_is_option(&conf_program, common, "endpoint-url");

	return (struct session_config){.queues = conf->common.queues,
	    .region = conf->common.region,
	    .endpoint_option = option ? common->endpoint_url : "",
	    .endpoint_url = option ? "" : common->endpoint_url,
	    .use_fips = common->use_fips,
	    .use_dualstack = common->use_dualstack,
	    .profile = conf->common.profile,
	    .ca_bundle = conf->common.ca_bundle,
	    .iot = PROGRAM_IOT(common),
	    .agent = "sqs-entropy-producer/" SQS_ENTROPY_VERSION,
	    .told = tell_signer_to_log,
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
		rc = producer_start_runner(
		    &run->session, &run->runner, run->end_fd, err);
	if (rc == 0)
		rc = producer_confine_online(
		    session_readable(&run->session), err);
	return rc;
}

static int open_session(struct run *run, struct err *err)
{
	int rc;

	if (run->opened)
		return 0;
	rc = session_open(
	    &run->session, run->session.queues, call_deadline(run), err);
	run->opened = rc == 0;
	if (run->opened && !run->warned &&
	    run->session.queues[0].warning[0] != '\0')
		log_warning("%s", run->session.queues[0].warning);
	run->warned = run->warned || run->opened;
	return rc;
}

/* Refuse to send messages whose date is so wrong that they earn no credit. */
static int check_clock(struct run *run, struct err *err)
{
	const int64_t behind = sqs_clock_behind(run->session.queues[0].sqs);
	const int64_t s = (behind < 0 ? -behind : behind) / 1000;
	const char *where = behind < 0 ? "ahead" : "behind";

	if (behind <= BATCH_FRESH_MS && behind >= -BATCH_FRESH_MS)
		return 0;
	if (run->conf->signing_key[0] == '\0') {
		log_info(
		    "this machine's clock is %lld s %s", (long long)s, where);
		return 0;
	}
	run->heartbeat.record.behind =
	    (int32_t)(s > INT32_MAX ? INT32_MAX : s) * (behind < 0 ? -1 : 1);
	return err_set(err, ERR_ABSENT,
	    "this machine's clock is %lld s %s: messages signed now would earn "
	    "no credit, none is sent; is NTP running?",
	    (long long)s, where);
}

static int send_batch(struct run *run, long *sent, struct err *err)
{
	const struct message *messages[LIMIT_BATCH];
	bool confirmed[LIMIT_BATCH] = {false};
	int rc;

	for (size_t k = 0; k < run->batch.n; k++)
		messages[k] = &run->batch.at[k];
	rc = sqs_send(run->session.queues[0].sqs, run->session.queues[0].url,
	    messages, run->batch.n, confirmed, call_deadline(run), err);
	/* When the clock was set wrongly since the last call, SQS refuses the
	 * request's signature first. */
	if (rc == ERR_DENIED && check_clock(run, err) != 0)
		return ERR_ABSENT;
	/* A stop is no error, but the messages may be in the queue. */
	if (rc == ERR_CANCELED)
		log_notice("%s", err->text);
	if (rc != 0)
		return rc;
	for (size_t k = 0; k < run->batch.n; k++)
		*sent += confirmed[k] ? 1 : 0;
	if (err->code != 0) {
		log_warning("%s", err->text);
		err->code = 0;
	}
	return 0;
}

static void note_sent(struct run *run, long sent)
{
	refill_note_sent(&run->state, clock_mono(&run->clock), sent);
	run->heartbeat.record.sent += (uint64_t)sent;
	http_rest(run->session.http);
}

/* Messages that came before the offline half failed are sent, too. */
static int top_up(struct run *run, long count, struct err *err)
{
	long sent = 0;
	int rc = 0;

	for (long left = count; rc == 0 && run->batch.failed == 0 && left > 0;
	     left -= (long)run->batch.n) {
		rc = batch_fill(&run->batch, &run->heartbeat,
		    &run->session.queues[0].arn,
		    left < LIMIT_BATCH ? (size_t)left : LIMIT_BATCH, err);
		if (rc == 0 && run->batch.n > 0)
			rc = send_batch(run, &sent, err);
		batch_wipe(&run->batch);
	}
	if (sent > 0)
		note_sent(run, sent);
	if (sent > 0 || (rc == 0 && run->batch.failed == 0))
		log_notice("sent %ld of %ld messages of %ld bytes", sent, count,
		    run->conf->message_bytes);
	return rc;
}

static int look_at_queue(struct run *run, long *count, struct err *err)
{
	struct sqs_depth depth;
	int rc = sqs_queue_depth(run->session.queues[0].sqs,
	    run->session.queues[0].url, &depth, call_deadline(run), err);

	run->heartbeat.record.behind = 0;
	if (rc != 0)
		return rc;
	run->state.visible = depth.visible;
	run->state.in_flight = depth.in_flight;
	run->heartbeat.record.visible = depth.visible;
	rc = check_clock(run, err);
	if (rc != 0)
		return rc;
	*count = refill_count(
	    &run->conf->refill, &run->state, clock_mono(&run->clock));
	if (refill_is_stuck(&run->conf->refill, &run->state))
		log_warning("%lld messages are in flight: somebody receives "
			    "and does not delete; sending none",
		    (long long)depth.in_flight);
	log_info("queue: %lld messages, %lld in flight; to send: %ld",
	    (long long)depth.visible, (long long)depth.in_flight, *count);
	return 0;
}

static int look_and_top_up(struct run *run)
{
	struct err err = {0};
	long count = 0;
	int rc;

	run->batch.failed = 0;
	rc = open_session(run, &err);
	if (rc == 0)
		rc = look_at_queue(run, &count, &err);
	if (rc == 0 && count > 0)
		rc = top_up(run, count, &err);
	else if (rc == 0 && run->conf->once)
		log_notice("the queue has enough: %lld messages",
		    (long long)run->state.visible);
	if (rc != 0 && rc != ERR_CANCELED && !err.told)
		log_error("%s", err.text);
	/* The profile, or the answer about a name, may lead elsewhere by now;
	 * what has answered and refused is the queue. */
	if (rc != 0 && rc != ERR_ABSENT && rc != ERR_DENIED && rc != ERR_NOCRED)
		run->opened = false;
	run->heartbeat.record.code =
	    run->batch.failed != 0 ? run->batch.failed : rc;
	return rc == 0 && run->batch.failed != 0 ? ERR_ABSENT : rc;
}

/* True if another try after the interval is of no use. */
static bool is_final(const struct run *run, int rc)
{
	return run->conf->once || run->batch.ended || rc == ERR_CANCELED ||
	       rc == ERR_EOF;
}

/* Only a process that starts anew can read what moved out of this one's
 * reach. */
static bool is_shut_out(const struct run *run, int rc)
{
	const char *path =
	    session_shut_out(&run->session, run->session.queues, rc);

	if (path != NULL)
		log_error("%s can be read only by a process that starts now: "
			  "ending, to be started again",
		    path);
	return path != NULL;
}

static int look_again_and_again(struct run *run)
{
	int rc;

	for (;;) {
		rc = look_and_top_up(run);
		if (is_final(run, rc))
			return rc;
		if (is_shut_out(run, rc))
			return ERR_ABSENT;
		rc = heartbeat_sleep(&run->heartbeat,
		    refill_wait(&run->conf->refill, clock_chance(&run->clock)));
		if (rc != 0)
			return rc;
	}
}

int producer_online_run(
    int fd, const struct conf *conf, int cancel_fd, int64_t watchdog_ms)
{
	struct run run = {.fd = fd, .cancel_fd = cancel_fd, .conf = conf};
	struct err err = {0};
	int rc = batch_init(&run.batch, &err);

	/* The end of the offline half ends whatever is waited for, but for its
	 * own last record. */
	run.clock = clock_system(&run.end_fd);
	if (rc == 0) {
		rc = split_end_fd(fd, cancel_fd, &run.end_fd);
		if (rc != 0)
			(void)err_errno(
			    &err, rc, "cannot watch the offline half");
	}
	heartbeat_init(&run.heartbeat, fd, cancel_fd, &run.clock, watchdog_ms);
	if (rc == 0)
		rc = begin_sending(&run, &err);
	if (rc == 0)
		rc = look_again_and_again(&run);
	else
		log_error("%s", err.text);
	session_close(&run.session);
	batch_free(&run.batch);
	return rc == ERR_CANCELED ? 0 : rc;
}

int producer_online_check(const struct conf *conf, struct err *err)
{
	const struct session_config cfg = producer_session(conf, -1);
	struct session_found found;
	const int rc = session_check(&cfg, &found, err);

	for (size_t i = 0; rc == 0 && i < found.n; i++)
		if (found.queues[i].warning[0] != '\0')
			log_warning("%s", found.queues[i].warning);
	if (rc == 0)
		session_print(&found, stdout);
	return rc;
}

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

/* A queue that is kept topped up. */
struct tended {
	struct session_queue *queue;
	size_t entry; /* its index in the configuration */
	bool opened;  /* its URL is known */
	bool warned;  /* of what was found with it */
	bool fails;   /* the last try did */
	struct refill_state state;
	int64_t next; /* when it is looked at again, CLOCK_MONOTONIC ms */
};

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
	struct tended tended[LIMIT_QUEUES];
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
	return (struct session_config){
	    PROGRAM_SESSION(&conf_program, &conf->common),
	    .brief = arn_count_queues(conf->common.queues) > 1,
	    .agent = "sqs-entropy-producer/" SQS_ENTROPY_VERSION,
	    .told = tell_signer_to_log, .cancel_fd = cancel_fd};
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
	for (size_t i = 0; i < run->session.n; i++)
		run->tended[i] = (struct tended){
		    .queue = &run->session.queues[i], .entry = i};
	run->heartbeat.record.queues = (uint32_t)run->session.n;
	if (rc == 0)
		rc = producer_start_runner(
		    &run->session, &run->runner, run->end_fd, err);
	if (rc == 0)
		rc = producer_confine_online(
		    session_readable(&run->session), err);
	return rc;
}

static int reach_queue(struct run *run, struct tended *q, struct err *err)
{
	int rc;

	if (q->opened)
		return 0;
	rc = session_open(&run->session, q->queue, call_deadline(run), err);
	q->opened = rc == 0;
	if (q->opened && !q->warned && q->queue->warning[0] != '\0')
		log_warning("%s", q->queue->warning);
	q->warned = q->warned || q->opened;
	return rc;
}

/* Refuse to send messages whose date is so wrong that they earn no credit. */
static int check_clock(struct run *run, const struct tended *q, struct err *err)
{
	const int64_t behind = sqs_clock_behind(q->queue->sqs);
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

static int send_batch(
    struct run *run, const struct tended *q, long *sent, struct err *err)
{
	const struct message *messages[LIMIT_BATCH];
	bool confirmed[LIMIT_BATCH] = {false};
	int rc;

	for (size_t k = 0; k < run->batch.n; k++)
		messages[k] = &run->batch.at[k];
	rc = sqs_send(q->queue->sqs, q->queue->url, messages, run->batch.n,
	    confirmed, call_deadline(run), err);
	/* When the clock was set wrongly since the last call, SQS refuses the
	 * request's signature first. */
	if (rc == ERR_DENIED && check_clock(run, q, err) != 0)
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

static void note_sent(struct run *run, struct tended *q, long sent)
{
	refill_note_sent(&q->state, clock_mono(&run->clock), sent);
	run->heartbeat.record.sent += (uint64_t)sent;
	http_rest(run->session.http);
}

/* Of several queues, which one a line of the log is about. */
static const char *label_queue(const struct run *run, const struct tended *q)
{
	return run->session.n > 1 ? q->queue->entry : "the queue";
}

/* Messages that came before the offline half failed are sent, too. */
static int top_up(
    struct run *run, struct tended *q, long count, struct err *err)
{
	const struct record_ask ask = {
	    .entry = (uint32_t)q->entry, .found = q->queue->arn};
	long sent = 0;
	int rc = 0;

	for (long left = count; rc == 0 && run->batch.failed == 0 && left > 0;
	     left -= (long)run->batch.n) {
		rc = batch_fill(&run->batch, &run->heartbeat, &ask,
		    left < LIMIT_BATCH ? (size_t)left : LIMIT_BATCH, err);
		if (rc == 0 && run->batch.n > 0)
			rc = send_batch(run, q, &sent, err);
		batch_wipe(&run->batch);
	}
	if (sent > 0)
		note_sent(run, q, sent);
	if (sent > 0 || (rc == 0 && run->batch.failed == 0))
		log_notice("sent %ld of %ld messages of %ld bytes to %s", sent,
		    count, run->conf->message_bytes, label_queue(run, q));
	return rc;
}

static int look_at_queue(
    struct run *run, struct tended *q, long *count, struct err *err)
{
	const struct refill_settings *rule = &run->conf->refill;
	struct sqs_depth depth;
	int rc = sqs_queue_depth(
	    q->queue->sqs, q->queue->url, &depth, call_deadline(run), err);

	run->heartbeat.record.behind = 0;
	if (rc != 0)
		return rc;
	q->state.visible = depth.visible;
	q->state.in_flight = depth.in_flight;
	run->heartbeat.record.visible[q->entry] = depth.visible;
	rc = check_clock(run, q, err);
	if (rc != 0)
		return rc;
	*count = refill_count(rule, &q->state, clock_mono(&run->clock));
	if (refill_is_stuck(rule, &q->state))
		log_warning("%lld messages of %s are in flight: somebody "
			    "receives and does not delete; sending none",
		    (long long)depth.in_flight, label_queue(run, q));
	log_info("%s: %lld messages, %lld in flight; to send: %ld",
	    label_queue(run, q), (long long)depth.visible,
	    (long long)depth.in_flight, *count);
	return 0;
}

static void report_failure(
    const struct run *run, const struct tended *q, const struct err *err)
{
	if (run->session.n > 1)
		log_error("queue %s: %s", q->queue->entry, err->text);
	else
		log_error("%s", err->text);
}

static int look_and_top_up(struct run *run, struct tended *q)
{
	struct err err = {0};
	long count = 0;
	int rc;

	run->batch.failed = 0;
	rc = reach_queue(run, q, &err);
	if (rc == 0)
		rc = look_at_queue(run, q, &count, &err);
	if (rc == 0 && count > 0)
		rc = top_up(run, q, count, &err);
	else if (rc == 0 && run->conf->once)
		log_notice("%s has enough: %lld messages", label_queue(run, q),
		    (long long)q->state.visible);
	if (rc != 0 && rc != ERR_CANCELED && !err.told)
		report_failure(run, q, &err);
	/* The profile, or the answer about a name, may lead elsewhere by now;
	 * what has answered and refused is the queue. */
	if (rc != 0 && rc != ERR_ABSENT && rc != ERR_DENIED && rc != ERR_NOCRED)
		q->opened = false;
	q->fails = rc != 0;
	run->heartbeat.record.code[q->entry] =
	    run->batch.failed != 0 ? run->batch.failed : rc;
	return rc == 0 && run->batch.failed != 0 ? ERR_ABSENT : rc;
}

/* True if no queue can be tended any more. */
static bool is_final(const struct run *run, int rc)
{
	return run->batch.ended || rc == ERR_CANCELED || rc == ERR_EOF;
}

/* Only a process that starts anew can read what moved out of this one's reach.
 * As long as another queue is served, that is not what this one fails of, or
 * not all that matters. */
static bool is_shut_out(const struct run *run, const struct tended *q, int rc)
{
	const char *path = session_shut_out(&run->session, q->queue, rc);

	for (size_t i = 0; i < run->session.n; i++)
		if (!run->tended[i].fails)
			return false;
	if (path != NULL)
		log_error("%s can be read only by a process that starts now: "
			  "ending, to be started again",
		    path);
	return path != NULL;
}

/* The first failure is what comes of it, but each queue is looked at. */
static int look_once(struct run *run)
{
	int first = 0;

	for (size_t i = 0; i < run->session.n; i++) {
		struct tended *q = &run->tended[i];
		const int rc = look_and_top_up(run, q);

		if (first == 0)
			first = rc;
		if (is_final(run, rc))
			return rc;
	}
	return first;
}

/* The queue that has waited for the longest time, and so has its turn next. */
static struct tended *find_next(struct run *run)
{
	struct tended *next = run->tended;

	for (size_t i = 1; i < run->session.n; i++)
		if (run->tended[i].next < next->next)
			next = &run->tended[i];
	return next;
}

static int look_again_and_again(struct run *run)
{
	for (;;) {
		struct tended *q = find_next(run);
		const int64_t wait = q->next - clock_mono(&run->clock);
		int rc = 0;

		if (q->next != 0 && wait > 0)
			rc = heartbeat_sleep(&run->heartbeat, wait);
		if (rc == 0)
			rc = look_and_top_up(run, q);
		if (is_final(run, rc))
			return rc;
		if (is_shut_out(run, q, rc))
			return ERR_ABSENT;
		q->next =
		    clock_mono(&run->clock) +
		    refill_wait(&run->conf->refill, clock_chance(&run->clock));
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
	if (rc != 0)
		log_error("%s", err.text);
	else
		rc = conf->once ? look_once(&run) : look_again_and_again(&run);
	session_close(&run.session);
	batch_free(&run.batch);
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

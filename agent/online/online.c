/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/online/online.h"

#include <string.h>

#include "agent/halves.h"
#include "agent/online/fallback.h"
#include "agent/online/identity.h"
#include "agent/online/seal_key.h"
#include "agent/online/turns.h"
#include "agent/online/waits.h"
#include "agent/record.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/record.h"
#include "confine/split.h"
#include "sqs/messages.h"
#include "sqs/session.h"

/* A long poll asks all of SQS's servers, a short one may miss messages.  The
 * answer has to come in the turn, and the delete in the run. */
#define LOOK_IF_TURN_MS 1500
#define LOOK_IF_LEFT_MS 3000
/* A poll that ends sooner, because it failed or the service does not wait, is
 * followed by a pause, so that there is one in this time. */
#define POLL_LEAST_MS   1000
/* The last record may be sent this long after the deadline. */
#define LATE_MS         1000

struct run {
	int fd;     /* to the offline half */
	int end_fd; /* readable once that half has ended */
	const struct conf *conf;
	struct clock clock;
	int64_t deadline;
	int64_t reserve; /* ms before that are the fallback's */
	struct session_config cfg;
	struct session session;
	struct runner runner;
	bool opened[LIMIT_QUEUES];    /* and told to the offline half */
	bool ready;                   /* the offline half is */
	long handed;                  /* messages, of all queues */
	struct sqs_messages messages; /* of the queue whose turn it is */
	bool want[LIMIT_BATCH];       /* to be deleted */
	bool deleted[LIMIT_BATCH];    /* confirmed */
	struct record_end end;
};

static void log_signer(const char *line)
{
	log_info("%s", line);
}

static void log_call(const char *line)
{
	log_debug("%s", line);
}

struct session_config agent_session(const struct conf *conf)
{
	return (struct session_config){
	    PROGRAM_SESSION(&conf_program, &conf->common),
	    .agent = "sqs-entropy-agent/" SQS_ENTROPY_VERSION,
	    .wait_for_route = true, .told = log_signer, .called = log_call,
	    .cancel_fd = -1};
}

/* The session reads files that this half may not open when it is confined. */
static int begin_receiving(struct run *run, struct err *err)
{
	int rc;

	run->cfg = agent_session(run->conf);
	run->cfg.cancel_fd = run->end_fd;
	run->cfg.sign_by = run->deadline;
	rc = session_init(&run->session, &run->cfg, &run->clock, err);
	if (rc == 0 && run->conf->output[0] == '\0')
		imds_want_id(run->session.imds);
	if (rc == 0)
		rc = agent_start_runner(
		    &run->session, &run->runner, run->end_fd, err);
	if (rc == 0)
		rc = agent_confine_online(
		    session_readable(&run->session), run->deadline, err);
	return rc;
}

/* When the offline half is gone, it has logged why, or its caller will. */
static int tell(struct run *run, uint32_t type, const void *record, size_t len,
    struct err *err)
{
	const int rc =
	    record_send(run->fd, type, record, len, -1, run->deadline);

	if (rc == ERR_EOF)
		return err_told(err, rc);
	if (rc != 0)
		return err_set(err, rc,
		    "cannot hand over to the offline half: %s", err_text(rc));
	return 0;
}

static int tell_queue(struct run *run, size_t i, struct err *err)
{
	const struct record_queue record = {
	    .entry = (uint32_t)i, .found = run->session.queues[i].arn};

	return tell(run, RECORD_QUEUE, &record, sizeof record, err);
}

/* Only a kernel is given it. */
static void tell_identity(struct run *run)
{
	struct record_identity record = {0};

	if (run->conf->output[0] != '\0' ||
	    !identity_find(
		run->session.imds, &run->clock, run->deadline, &record))
		return;
	if (record_send(run->fd, RECORD_IDENTITY, &record, sizeof record, -1,
		run->deadline) != 0)
		log_debug("the offline half did not take the instance id");
}

/* When the offline half has ended instead, it has logged why. */
static int wait_until_ready(struct run *run, struct err *err)
{
	uint32_t type = 0;
	uint8_t none;
	size_t len;
	const int rc = record_receive(
	    run->fd, &type, &none, 0, &len, run->end_fd, run->deadline);

	if (rc == ERR_EOF || rc == ERR_CANCELED)
		return err_told(err, ERR_CANCELED);
	if (rc != 0 || type != RECORD_READY)
		return err_set(err, rc != 0 ? rc : ERR_FORMAT,
		    "the offline half does not say that it is ready: %s",
		    err_text(rc != 0 ? rc : ERR_FORMAT));
	return 0;
}

static int receive_messages(struct run *run, const struct session_queue *q,
    int wait_s, int64_t until, struct err *err)
{
	int rc;

	sqs_messages_free(&run->messages);
	memset(run->deleted, 0, sizeof run->deleted);
	rc = sqs_receive(q->sqs, q->url,
	    (int)(run->conf->messages - run->handed), wait_s, &run->messages,
	    until, err);
	if (rc != 0)
		return rc;
	run->end.received += (uint32_t)run->messages.n;
	if (run->messages.n > 0)
		return 0;
	return err_set(err, ERR_EMPTY, "the queue %s is empty", q->url);
}

/* A message that came damaged is left in the queue: what the queue holds may
 * be intact. */
static size_t choose_messages(struct run *run)
{
	size_t n = 0;

	for (size_t k = 0; k < run->messages.n; k++) {
		run->want[k] = run->messages.receipts[k].intact;
		if (run->want[k])
			n++;
		else
			log_warning("message %s came damaged (MD5 differs): "
				    "left in the queue",
			    run->messages.receipts[k].id);
	}
	return n;
}

static int delete_messages(
    struct run *run, const struct session_queue *q, struct err *err)
{
	int rc;

	if (choose_messages(run) == 0)
		return 0;
	rc = sqs_delete(q->sqs, q->url, &run->messages, run->want, run->deleted,
	    run->deadline, err);
	if (rc != 0)
		return rc;
	if (err->code != 0)
		log_warning("%s: left in the queue", err->text);
	for (size_t k = 0; k < run->messages.n; k++)
		run->end.deleted += run->deleted[k] ? 1 : 0;
	return 0;
}

/* A message that cannot be decoded is deleted, too: it is of use to nobody. */
static void report_discarded(const struct sqs_receipt *receipt)
{
	if (receipt->body == ERR_UNUSABLE)
		log_warning("message %s discarded: an attribute of it is too "
			    "long",
		    receipt->id);
	else
		log_warning("message %s discarded: its body is %s", receipt->id,
		    receipt->body == ERR_LIMIT
			? "too short or too long (32 to 16384 bytes of base64 "
			  "are allowed)"
			: "not base64");
}

static int hand_over(struct run *run, size_t i, struct err *err)
{
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < run->messages.n; k++) {
		struct message *m = &run->messages.at[k];

		if (!run->deleted[k])
			continue;
		if (run->messages.receipts[k].body != 0) {
			report_discarded(&run->messages.receipts[k]);
			continue;
		}
		m->entry = (uint32_t)i;
		rc = tell(run, RECORD_MESSAGE, m, message_record_len(m), err);
		run->handed += rc == 0 ? 1 : 0;
	}
	return rc;
}

/* Nothing is received before the offline half is ready, because what is
 * received is deleted. */
static int prepare_queue(
    struct run *run, size_t i, int64_t until, struct err *err)
{
	struct session_queue *q = &run->session.queues[i];
	int rc = 0;

	if (!run->opened[i]) {
		rc = session_open(&run->session, q, until, err);
		if (rc == 0 && q->warning[0] != '\0')
			log_warning("%s", q->warning);
		if (rc == 0)
			log_info("queue %s: at %s, region %s", q->url,
			    q->endpoint, q->region);
		if (rc == 0)
			rc = tell_queue(run, i, err);
		run->opened[i] = rc == 0;
	}
	if (rc == 0 && !run->ready) {
		rc = wait_until_ready(run, err);
		run->ready = rc == 0;
	}
	return rc;
}

/* What was received has all the time there is: it is deleted, or lost to
 * everybody for the visibility time-out. */
static int take_messages(
    struct run *run, size_t i, int wait_s, int64_t until, struct err *err)
{
	const struct session_queue *q = &run->session.queues[i];
	int rc = receive_messages(run, q, wait_s, until, err);

	if (rc == 0)
		rc = delete_messages(run, q, err);
	if (rc == 0)
		rc = hand_over(run, i, err);
	return rc;
}

static int take_turn(struct run *run, size_t i, int64_t until, struct err *err)
{
	const int rc = prepare_queue(run, i, until, err);
	const int64_t now = clock_mono(&run->clock);
	const bool looks = until - now > LOOK_IF_TURN_MS &&
			   run->deadline - now > LOOK_IF_LEFT_MS;

	if (rc != 0)
		return rc;
	return take_messages(run, i, looks ? SQS_LOOK_S : 0, until, err);
}

/* True if the failure is not the queue's but this run's: the other half has
 * ended, there are no credentials, this process cannot go on. */
static bool ends_run(int rc, const struct err *err)
{
	return err->told || rc == ERR_CANCELED || rc == ERR_NOCRED ||
	       rc == ERR_NOMEM || rc == ERR_INTERNAL;
}

/* The caller logs the outcome of the one queue that there is. */
static void report_turn(
    const struct run *run, size_t i, int rc, const struct err *err)
{
	if (run->session.n == 1 || rc == 0)
		return;
	if (rc == ERR_EMPTY)
		log_notice("%s", err->text);
	else
		log_warning(
		    "queue %s: %s", run->session.queues[i].entry, err->text);
}

/* What the run failed of when no queue gave a message: what is wrong with the
 * first one that is not just empty.  Messages that came and could not be used
 * tell more than an empty queue. */
static int judge_turns(
    const struct run *run, const int outcome[], struct err *err)
{
	const struct session *s = &run->session;
	size_t i = 0;

	if (run->handed > 0)
		return 0;
	while (i < s->n && (outcome[i] == ERR_EMPTY || outcome[i] == 0))
		i++;
	if (i == s->n && run->end.received > 0)
		return 0;
	if (s->n == 1)
		return outcome[0];
	if (i == s->n)
		return err_set(
		    err, ERR_EMPTY, "all %zu queues are empty", s->n);
	return err_set(err, outcome[i],
	    "none of %zu queues gave a message, and %s could not be asked: %s",
	    s->n, s->queues[i].entry, err_text(outcome[i]));
}

/* Poll queue i, which was empty.  True if messages came, or the run ends.  A
 * poll that failed otherwise leaves the queue as empty as it was: somebody in
 * between may not let it wait. */
static bool ends_wait(
    struct run *run, size_t i, int wait_s, int *outcome, struct err *err)
{
	const uint32_t before = run->end.received;
	struct err why = {0};
	const int rc =
	    take_messages(run, i, wait_s, run->deadline - run->reserve, &why);

	if (run->end.received == before && !ends_run(rc, &why)) {
		if (rc != ERR_EMPTY)
			log_info("could not wait for a message: %s", why.text);
		return false;
	}
	*outcome = rc;
	*err = why;
	report_turn(run, i, rc, err);
	return true;
}

static int64_t find_wait_end(const struct run *run, int64_t now)
{
	const int64_t until = now + (int64_t)run->conf->wait_time * 1000;
	const int64_t last = run->deadline - CONF_REST_MS;

	return until < last ? until : last;
}

/* Messages come one after the other, and the kernel waits for the first. */
static int wait_for_message(
    struct run *run, struct waits *w, int outcome[], struct err *err)
{
	int64_t began = clock_mono(&run->clock), pause;
	int wait_s, rc = 0;
	size_t i;

	w->until = find_wait_end(run, began);
	while (rc == 0 && waits_next(w, began, &i, &wait_s)) {
		if (ends_wait(run, i, wait_s, &outcome[i], err))
			return ends_run(outcome[i], err) ? outcome[i] : 0;
		pause = began + POLL_LEAST_MS - clock_mono(&run->clock);
		if (pause > 0)
			rc = clock_sleep(&run->clock, pause);
		began = clock_mono(&run->clock);
	}
	return rc == 0 ? 0 : err_told(err, rc);
}

static int take_turns(struct run *run, struct err *err)
{
	const bool random = run->conf->queue_order == CONF_RANDOM;
	int outcome[LIMIT_QUEUES], rc = 0;
	struct waits waits = {.n = 0};
	struct turns turns;
	size_t i;

	for (i = 0; i < LIMIT_QUEUES; i++)
		outcome[i] = ERR_TIMEOUT;
	turns_init(&turns, run->session.n, random ? &run->clock : NULL,
	    run->deadline - run->reserve);
	while (run->handed < run->conf->messages &&
	       turns_next(&turns, clock_mono(&run->clock), &i)) {
		*err = (struct err){.code = 0};
		outcome[i] = take_turn(run, i, turns.until, err);
		if (ends_run(outcome[i], err))
			return outcome[i];
		report_turn(run, i, outcome[i], err);
		if (outcome[i] == ERR_EMPTY)
			waits_add(&waits, i);
		turns_end(&turns, clock_mono(&run->clock),
		    err_exit(outcome[i]) != err_exit(ERR_TIMEOUT),
		    run->handed > 0);
	}
	if (run->handed == 0)
		rc = wait_for_message(run, &waits, outcome, err);
	return rc == 0 ? judge_turns(run, outcome, err) : rc;
}

/* Before that the other half is not ready, and no message is received. */
static int tell_seal_keys(struct run *run, struct err *err)
{
	const char *parameter = conf_parameter(run->conf->seal_key);
	struct record_seal_keys record = {.n = 0};
	int rc;

	if (parameter == NULL)
		return 0;
	rc = seal_key_find(&run->session, parameter,
	    run->deadline - run->reserve, &record, err);
	if (rc == 0)
		rc = tell(run, RECORD_SEAL_KEYS, &record, sizeof record, err);
	explicit_bzero(&record, sizeof record);
	return rc;
}

/* It changes nothing of what the run ends with: the queue has to be looked at
 * all the same. */
static void fall_back(struct run *run, int outcome)
{
	struct record_fallback record;
	struct err err = {0};
	int rc;

	if (!fallback_is_wanted(run->conf) || run->handed > 0 ||
	    !fallback_may_help(outcome))
		return;
	rc = fallback_ask(&run->session, record.bytes, sizeof record.bytes,
	    run->deadline, &err);
	if (rc == 0)
		rc = tell(run, RECORD_FALLBACK, &record, sizeof record, &err);
	explicit_bzero(&record, sizeof record);
	if (rc != 0 && rc != ERR_CANCELED && !err.told)
		log_warning(
		    "no bytes of KMS in place of a message: %s", err.text);
}

static int move_messages(struct run *run, struct err *err)
{
	int rc = tell_seal_keys(run, err);

	if (rc == 0)
		rc = take_turns(run, err);
	fall_back(run, rc);
	/* Of a run without a message, too.  It comes last, so that a slow IMDS
	 * takes no time from the delete. */
	if (rc != ERR_CANCELED)
		tell_identity(run);
	return rc;
}

static void tell_end(struct run *run, int code)
{
	run->end.code = code;
	if (record_send(run->fd, RECORD_END, &run->end, sizeof run->end, -1,
		run->deadline + LATE_MS) != 0)
		log_debug("the offline half does not wait for the end");
}

int agent_online_run(int fd, const struct conf *conf, int64_t deadline)
{
	struct run run = {.fd = fd, .conf = conf, .deadline = deadline};
	struct err err = {0};
	int rc = split_end_fd(fd, -1, &run.end_fd);

	run.clock = clock_system(&run.end_fd);
	if (fallback_is_wanted(conf))
		run.reserve =
		    fallback_reserve(deadline - clock_mono(&run.clock));
	if (rc != 0)
		(void)err_errno(&err, rc, "cannot watch the offline half");
	if (rc == 0)
		rc = begin_receiving(&run, &err);
	if (rc == 0)
		rc = move_messages(&run, &err);
	if (rc == ERR_EMPTY)
		log_notice("%s", err.text);
	else if (rc != 0 && rc != ERR_CANCELED && !err.told)
		log_error("%s", err.text);
	tell_end(&run, rc);
	sqs_messages_free(&run.messages);
	session_close(&run.session);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/online/tend.h"

#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "sqs/messages.h"
#include "sqs/queue.h"

#define CALL_MS 30000 /* for one call to the service, retries included */

static int64_t call_deadline(struct tending *t)
{
	return heartbeat_deadline(&t->heartbeat, CALL_MS);
}

static int reach_queue(struct tending *t, struct tended *q, struct err *err)
{
	int rc;

	if (q->opened)
		return 0;
	rc = session_open(t->session, q->queue, call_deadline(t), err);
	q->opened = rc == 0;
	if (q->opened && !q->warned && q->queue->warning[0] != '\0')
		log_warning("%s", q->queue->warning);
	if (q->opened)
		log_info("queue %s: at %s, region %s", q->queue->url,
		    q->queue->endpoint, q->queue->region);
	q->warned = q->warned || q->opened;
	return rc;
}

/* Refuse to send messages whose date is so wrong that they earn no credit. */
static int check_clock(
    struct tending *t, const struct tended *q, struct err *err)
{
	const int64_t behind = sqs_clock_behind(q->queue->sqs);
	struct record_heartbeat *record = &t->heartbeat.record;
	const int64_t s = (behind < 0 ? -behind : behind) / 1000;
	const char *where = behind < 0 ? "ahead" : "behind";

	record->clock_known = 1;
	record->clock_behind = behind;
	if (behind <= BATCH_FRESH_MS && behind >= -BATCH_FRESH_MS)
		return 0;
	if (t->conf->signing_key[0] == '\0') {
		log_info(
		    "this machine's clock is %lld s %s", (long long)s, where);
		return 0;
	}
	record->behind =
	    (int32_t)(s > INT32_MAX ? INT32_MAX : s) * (behind < 0 ? -1 : 1);
	return err_set(err, ERR_ABSENT,
	    "this machine's clock is %lld s %s: messages signed now would earn "
	    "no credit, none is sent; is NTP running?",
	    (long long)s, where);
}

/* The Date header of SQS has whole seconds. */
static void tell_clock(const struct tended *q)
{
	const int64_t behind = sqs_clock_behind(q->queue->sqs) / 1000;

	log_notice("this machine's clock is %lld s %s SQS's",
	    (long long)(behind < 0 ? -behind : behind),
	    behind < 0 ? "ahead of" : "behind");
}

/* What may be in the queue counts for the rule. */
static void note_sent(struct tending *t, struct tended *q, long sent)
{
	if (sent == 0)
		return;
	refill_note_sent(&q->state, clock_mono(t->clock), sent);
	t->sent = true;
}

static int send_batch(
    struct tending *t, struct tended *q, long *sent, struct err *err)
{
	const struct message *messages[LIMIT_BATCH];
	bool confirmed[LIMIT_BATCH] = {false};
	size_t unsure = 0;
	long n = 0;
	int rc;

	for (size_t k = 0; k < t->batch.n; k++)
		messages[k] = &t->batch.at[k];
	rc = sqs_send(q->queue->sqs, q->queue->url, messages, t->batch.n,
	    confirmed, &unsure, call_deadline(t), err);
	for (size_t k = 0; k < t->batch.n; k++)
		n += confirmed[k] ? 1 : 0;
	note_sent(t, q, n + (long)unsure);
	/* When the clock was set wrongly since the last call, SQS refuses the
	 * request's signature first. */
	if (rc == ERR_DENIED && check_clock(t, q, err) != 0)
		return ERR_ABSENT;
	/* A stop is no error, but the messages may be in the queue. */
	if (rc == ERR_CANCELED)
		log_notice("%s", err->text);
	if (rc != 0)
		return rc;
	*sent += n;
	report_refused(&q->report, err->code != 0 ? err->text : NULL,
	    clock_mono(t->clock));
	err->code = 0;
	return 0;
}

/* Of several queues, which one a line of the log is about. */
static const char *label_queue(const struct tending *t, const struct tended *q)
{
	return t->session->n > 1 ? q->queue->entry : "the queue";
}

/* Messages that came before the offline half failed are sent, too.  A depth is
 * approached one batch at a time, with a look, and turns of the other queues,
 * between two. */
static int send_count(struct tending *t, struct tended *q, long count,
    long *sent, struct err *err)
{
	const struct record_ask ask = {
	    .entry = (uint32_t)q->entry, .found = q->queue->arn};
	int rc;

	do {
		rc = batch_fill(&t->batch, &t->heartbeat, &ask,
		    count < LIMIT_BATCH ? (size_t)count : LIMIT_BATCH, err);
		if (rc == 0 && t->batch.n > 0)
			rc = send_batch(t, q, sent, err);
		batch_wipe(&t->batch);
		count -= (long)t->batch.n;
	} while (rc == 0 && t->batch.failed == 0 && count > 0 &&
		 t->conf->refill.depth == 0);
	return rc;
}

/* What goes well again and again is no news of a service. */
static int top_up(
    struct tending *t, struct tended *q, long count, struct err *err)
{
	long sent = 0;
	const int rc = send_count(t, q, count, &sent, err);
	const bool failed = rc != 0 || t->batch.failed != 0;

	q->asked = q->sent + count;
	q->sent += sent;
	t->heartbeat.record.sent[q->entry] += (uint64_t)sent;
	if (sent > 0 || !failed)
		log_info("sent %ld of %ld messages of %ld bytes to %s", sent,
		    count, t->conf->message_bytes, label_queue(t, q));
	if (sent > 0 && !failed)
		q->turn = REFILL_SENT;
	return rc;
}

/* What a queue delays is on its way to those who receive. */
static int64_t count_messages(const struct sqs_depth *depth)
{
	return depth->delayed < INT64_MAX - depth->visible
		   ? depth->visible + depth->delayed
		   : INT64_MAX;
}

static int look_at_queue(
    struct tending *t, struct tended *q, long *count, struct err *err)
{
	const struct refill_settings *rule = &t->conf->refill;
	struct sqs_depth depth;
	int rc = sqs_queue_depth(
	    q->queue->sqs, q->queue->url, &depth, call_deadline(t), err);

	t->heartbeat.record.behind = 0;
	if (rc != 0)
		return rc;
	t->heartbeat.record.visible[q->entry] = depth.visible;
	t->heartbeat.record.in_flight[q->entry] = depth.in_flight;
	rc = check_clock(t, q, err);
	if (rc != 0)
		return rc;
	if (t->conf->trial)
		tell_clock(q);
	report_look(&q->report, depth.visible, clock_mono(t->clock));
	*count = refill_look(rule, &q->state, count_messages(&depth),
	    depth.in_flight, clock_mono(t->clock));
	if (*count == 0)
		q->turn = REFILL_NONE;
	report_in_flight(&q->report,
	    refill_is_stuck(rule, &q->state) ? depth.in_flight : 0,
	    clock_mono(t->clock));
	log_info("%s: %lld messages, %lld in flight; to send: %ld",
	    label_queue(t, q), (long long)depth.visible,
	    (long long)depth.in_flight, *count);
	return 0;
}

/* A failure of the offline half is none of the queue; that half tells it. */
static void report_try(struct tending *t, struct tended *q, int rc, long count,
    const struct err *err)
{
	const int64_t now = clock_mono(t->clock);

	if (rc == ERR_CANCELED || err->told)
		return;
	if (rc != 0)
		report_failure(&q->report, err, count > 0, now);
	else if (count > 0 && t->batch.failed == 0)
		report_send(&q->report, now);
}

/* A trouble with sending goes on while nothing is missing. */
static void note_result(struct tending *t, const struct tended *q, int rc)
{
	struct record_heartbeat *record = &t->heartbeat.record;
	const struct err *last = &q->report.last;
	char *why = record->why[q->entry];

	if (rc == 0)
		rc = t->batch.failed != 0 ? t->batch.failed : last->code;
	record->code[q->entry] = rc;
	why[0] = '\0';
	if (last->code != 0)
		text_shorten(
		    why, RECORD_WHY_MAX, last->text, strlen(last->text));
}

static int look_and_top_up(struct tending *t, struct tended *q)
{
	struct err err = {0};
	long count = 0;
	int rc;

	t->batch.failed = 0;
	q->turn = REFILL_FAILED;
	rc = reach_queue(t, q, &err);
	if (rc == 0)
		rc = look_at_queue(t, q, &count, &err);
	if (rc == 0 && count > 0)
		rc = top_up(t, q, count, &err);
	report_try(t, q, rc, count, &err);
	/* The profile, or the answer about a name, may lead elsewhere by now;
	 * what has answered and refused is the queue. */
	if (rc != 0 && rc != ERR_ABSENT && rc != ERR_DENIED && rc != ERR_NOCRED)
		q->opened = false;
	q->fails = rc != 0;
	note_result(t, q, rc);
	return rc == 0 && t->batch.failed != 0 ? ERR_ABSENT : rc;
}

/* True if no queue can be tended any more. */
static bool is_final(const struct tending *t, int rc)
{
	return t->batch.ended || rc == ERR_CANCELED || rc == ERR_EOF;
}

/* Only a process that starts anew can read what moved out of this one's reach.
 * As long as another queue is served, that is not what this one fails of, or
 * not all that matters. */
static bool is_shut_out(const struct tending *t, const struct tended *q, int rc)
{
	const char *path = session_shut_out(t->session, q->queue, rc);

	for (size_t i = 0; i < t->session->n; i++)
		if (!t->tended[i].fails)
			return false;
	if (path != NULL)
		log_error("%s can be read only by a process that starts now: "
			  "ending, to be started again",
		    path);
	return path != NULL;
}

/* A depth is reached when the rule says so; a burst is one turn. */
static int fill_queue(struct tending *t, struct tended *q)
{
	int rc;

	do
		rc = look_and_top_up(t, q);
	while (q->turn == REFILL_SENT && t->conf->refill.depth > 0);
	if (q->asked > 0 && (q->sent > 0 || rc == 0))
		log_notice("sent %ld of %ld messages of %ld bytes to %s",
		    q->sent, q->asked, t->conf->message_bytes,
		    label_queue(t, q));
	else if (q->turn == REFILL_NONE)
		log_notice("%s has enough: %lld messages", label_queue(t, q),
		    (long long)q->state.visible);
	return rc;
}

/* The first failure is what comes of it, but each queue is looked at. */
int tend_once(struct tending *t)
{
	int first = 0;

	for (size_t i = 0; i < t->session->n; i++) {
		const int rc = fill_queue(t, &t->tended[i]);

		if (first == 0)
			first = rc;
		if (is_final(t, rc))
			return rc;
	}
	return first;
}

/* The queue that has waited for the longest time, and so has its turn next; of
 * several alike the one behind that of the last turn. */
static struct tended *find_next(struct tending *t)
{
	const size_t n = t->session->n;
	struct tended *next = &t->tended[(t->last + 1) % n];

	for (size_t i = 2; i <= n; i++) {
		struct tended *q = &t->tended[(t->last + i) % n];

		if (q->next < next->next)
			next = q;
	}
	return next;
}

/* Every queue has its turn now. */
static void take_look(struct tending *t)
{
	if (!t->heartbeat.look)
		return;
	log_notice("told to look at once (SIGHUP)");
	t->heartbeat.look = false;
	for (size_t i = 0; i < t->session->n; i++)
		t->tended[i].next = 0;
}

/* Until the next queue has its turn.  What was sent is not kept meanwhile in
 * the memory of connections that are not used. */
static int sleep_until_turn(struct tending *t)
{
	const int64_t next = find_next(t)->next;
	const int64_t wait = next - clock_mono(t->clock);

	if (next == 0 || wait <= 0)
		return 0;
	if (t->sent)
		http_rest(t->session->http);
	t->sent = false;
	return heartbeat_sleep(&t->heartbeat, wait);
}

int tend_always(struct tending *t)
{
	for (;;) {
		int rc = sleep_until_turn(t);
		struct tended *q;

		take_look(t);
		q = find_next(t);
		t->last = (size_t)(q - t->tended);
		if (rc == 0)
			rc = look_and_top_up(t, q);
		if (is_final(t, rc))
			return rc;
		if (is_shut_out(t, q, rc))
			return ERR_ABSENT;
		q->next = clock_mono(t->clock) + refill_wait(&t->conf->refill,
						     &q->state, q->turn,
						     clock_chance(t->clock));
	}
}

void tend_init(struct tending *t)
{
	for (size_t i = 0; i < t->session->n; i++)
		t->tended[i] = (struct tended){.queue = &t->session->queues[i],
		    .entry = i,
		    .report = {.queue = t->session->queues[i].entry,
			.several = t->session->n > 1,
			.reached = t->conf->once}};
	t->last = t->session->n - 1;
	t->heartbeat.record.queues = (uint32_t)t->session->n;
}

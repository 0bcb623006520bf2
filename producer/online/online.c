/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/online/online.h"

#include <poll.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/record.h"
#include "base/url.h"
#include "confine/confine.h"
#include "producer/halves.h"
#include "producer/online/heartbeat.h"
#include "producer/record.h"
#include "sqs/messages.h"
#include "sqs/session.h"

#define CALL_MS   30000 /* for one call to the service, retries included */
#define GATHER_MS 20000 /* a slow source: send what there is after this */
/* Agents give no credit to what was signed further than this from the time at
 * which SQS took it (CREDIT_FRESH_MS). */
#define FRESH_MS  300000

struct item {
	struct buf *body; /* base64 */
	char entropy[MESSAGE_ENTROPY_MAX + 1];
	uint8_t signature[MESSAGE_SIGNATURE_LEN];
	bool is_signed;
};

struct batch {
	struct item items[LIMIT_BATCH];
	size_t n;
};

struct run {
	int fd; /* to the offline half */
	int cancel_fd;
	const struct conf *conf;
	struct clock clock;
	struct heartbeat heartbeat;
	struct session_config cfg;
	struct session session;
	bool begun;  /* the session is initialised */
	bool opened; /* and its queue is known */
	char queue_path[MESSAGE_PATH_MAX + 1];
	struct refill_state state;
	uint32_t owed;      /* messages asked for that have not come */
	struct buf *record; /* room for one message */
};

static int64_t call_deadline(const struct run *run)
{
	return heartbeat_deadline(&run->heartbeat, CALL_MS);
}

static struct session_config config(const struct conf *conf, int cancel_fd)
{
	return (struct session_config){.queue = conf->queue,
	    .region = conf->region,
	    .endpoint_url = conf->endpoint_url,
	    .profile = conf->profile,
	    .ca_bundle = conf->ca_bundle,
	    .agent = "sqs-entropy-producer/" SQS_ENTROPY_VERSION,
	    .cancel_fd = cancel_fd};
}

/* All that needs more rights than this half keeps. */
static int begin(struct run *run, struct err *err)
{
	bool nobody;
	int rc;

	run->cfg = config(run->conf, run->cancel_fd);
	rc = session_init(&run->session, &run->cfg, &run->clock, err);
	run->begun = rc == 0;
	if (rc != 0)
		return rc;
	rc = halves_confine_online(
	    session_readable(&run->session), &nobody, err);
	if (rc == 0 && nobody)
		log_info("there is no user " HALVES_USER ": running as nobody");
	return rc;
}

static int open_session(struct run *run, struct err *err)
{
	int rc;

	if (run->opened)
		return 0;
	rc = session_open(&run->session, call_deadline(run), err);
	if (rc == 0 &&
	    url_queue_path(run->session.queue_url, run->queue_path) != 0)
		rc = err_set(err, ERR_CONFIG, "%s is no queue's URL",
		    run->session.queue_url);
	run->opened = rc == 0;
	return rc;
}

static void free_batch(struct batch *batch)
{
	for (size_t k = 0; k < batch->n; k++)
		buf_free(batch->items[k].body);
	batch->n = 0;
}

static bool is_sound(const struct record_message *m, size_t len)
{
	const size_t head = offsetof(struct record_message, payload);
	const bool is_signed = m->signature_len == MESSAGE_SIGNATURE_LEN;

	return len >= head && m->payload_len <= MESSAGE_PAYLOAD_MAX &&
	       len == head + m->payload_len &&
	       m->entropy_len <= MESSAGE_ENTROPY_MAX &&
	       (is_signed || m->signature_len == 0) &&
	       is_signed == (m->entropy_len > 0);
}

static int add_item(
    struct batch *batch, const struct record_message *m, size_t len)
{
	struct item *item = &batch->items[batch->n];
	size_t room;
	uint8_t *text;
	int rc;

	if (!is_sound(m, len))
		return ERR_FORMAT;
	room = BASE64_LEN(m->payload_len) + 1;
	item->body = buf_new(room);
	if (item->body == NULL)
		return ERR_NOMEM;
	rc = buf_extend(item->body, room, &text);
	if (rc == 0)
		rc = message_encode((char *)text, m->payload, m->payload_len);
	if (rc != 0) {
		buf_free(item->body);
		return rc;
	}
	item->is_signed = m->entropy_len > 0;
	memcpy(item->entropy, m->entropy, m->entropy_len);
	item->entropy[m->entropy_len] = '\0';
	memcpy(item->signature, m->signature, sizeof item->signature);
	batch->n++;
	return 0;
}

/* One record of the offline half's answer. */
static int take_record(
    struct run *run, struct batch *batch, int64_t deadline, struct err *err)
{
	struct record_message *m;
	uint8_t *p;
	uint32_t type;
	size_t len;
	int rc;

	buf_reset(run->record);
	rc = buf_extend(run->record, sizeof *m, &p);
	if (rc != 0)
		return err_set(err, rc, "%s", err_text(rc));
	m = (struct record_message *)(void *)p;
	rc = heartbeat_recv(
	    &run->heartbeat, &type, m, sizeof *m, &len, deadline);
	if (rc != 0)
		return err_set(err, rc, "the offline half: %s", err_text(rc));
	/* In place of all that are owed; the offline half has said why. */
	if (type == RECORD_FAILED) {
		run->owed = 0;
		if (len >= sizeof run->heartbeat.record.code)
			memcpy(&run->heartbeat.record.code, m,
			    sizeof run->heartbeat.record.code);
		return err_set(err, ERR_ABSENT, "%s", "");
	}
	run->owed--;
	rc = type == RECORD_MESSAGE ? add_item(batch, m, len) : ERR_FORMAT;
	buf_reset(run->record);
	if (rc != 0)
		return err_set(err, rc, "the offline half: %s", err_text(rc));
	return 0;
}

/* Gather what is owed, less when the source is slow. */
static int gather(struct run *run, struct batch *batch, struct err *err)
{
	int64_t deadline = 0;
	int rc;

	while (run->owed > 0) {
		rc = take_record(run, batch, deadline, err);
		if (rc == ERR_TIMEOUT && batch->n > 0) {
			err->code = 0;
			return 0;
		}
		if (rc != 0)
			return rc;
		if (deadline == 0)
			deadline = clock_mono(&run->clock) + GATHER_MS;
	}
	return 0;
}

/* Whether messages that are signed now can earn credit. */
static int check_clock(struct run *run, struct err *err)
{
	const int64_t behind = sqs_clock_behind(run->session.sqs);
	const int64_t s = (behind < 0 ? -behind : behind) / 1000;
	const char *where = behind < 0 ? "ahead" : "behind";

	if (behind <= FRESH_MS && behind >= -FRESH_MS)
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
    struct run *run, const struct batch *batch, long *sent, struct err *err)
{
	struct sqs_outgoing out[LIMIT_BATCH] = {{0}};
	bool confirmed[LIMIT_BATCH] = {false};
	int rc;

	for (size_t k = 0; k < batch->n; k++) {
		const struct item *item = &batch->items[k];

		out[k].body = buf_str(item->body);
		if (!item->is_signed)
			continue;
		out[k].entropy = item->entropy;
		out[k].signature = item->signature;
		out[k].signature_len = sizeof item->signature;
	}
	rc = sqs_send(run->session.sqs, run->session.queue_url, out, batch->n,
	    confirmed, call_deadline(run), err);
	/* A clock that has just been set is refused here for the first time. */
	if (rc == ERR_DENIED && check_clock(run, err) != 0)
		return ERR_ABSENT;
	if (rc != 0)
		return rc;
	for (size_t k = 0; k < batch->n; k++)
		*sent += confirmed[k] ? 1 : 0;
	if (err->code != 0) {
		log_warning("%s", err->text);
		err->code = 0;
	}
	return 0;
}

/* What a round that failed left behind was signed too long ago. */
static int drop_owed(struct run *run, struct err *err)
{
	struct batch batch = {.n = 0};
	int rc = 0;

	while (rc == 0 && run->owed > 0) {
		rc = take_record(run, &batch, 0, err);
		free_batch(&batch);
	}
	if (rc != ERR_ABSENT)
		return rc;
	err->code = 0;
	return 0;
}

/* Ask for up to a batch of messages and send them, in as many calls as a
 * slow source makes of it. */
static int send_some(
    struct run *run, uint32_t count, long *sent, struct err *err)
{
	struct record_ask ask = {.count = count};
	struct batch batch = {.n = 0};
	int rc = drop_owed(run, err), gathered;

	if (rc != 0)
		return rc;
	ask.path_len = (uint32_t)strlen(run->queue_path);
	memcpy(ask.path, run->queue_path, ask.path_len);
	rc = record_send(
	    run->fd, RECORD_ASK, &ask, sizeof ask, run->cancel_fd, 0);
	if (rc != 0)
		return err_set(err, rc, "the offline half: %s", err_text(rc));
	run->owed = count;
	do {
		struct err first = {0};

		gathered = gather(run, &batch, &first);
		if (batch.n > 0 && gathered != ERR_CANCELED)
			rc = send_batch(run, &batch, sent, err);
		free_batch(&batch);
		if (gathered != 0 && rc == 0)
			rc = err_set(err, gathered, "%s", first.text);
	} while (rc == 0 && run->owed > 0);
	return rc;
}

static int top_up(struct run *run, long count, struct err *err)
{
	long sent = 0, left = count;
	int rc = 0;

	while (rc == 0 && left > 0) {
		long now = left < LIMIT_BATCH ? left : LIMIT_BATCH;

		rc = send_some(run, (uint32_t)now, &sent, err);
		left -= now;
	}
	if (sent > 0) {
		run->state.last_send = clock_mono(&run->clock);
		run->state.last_sent = sent;
		run->heartbeat.record.sent += (uint64_t)sent;
		run->state.last_seen = run->state.visible;
		http_rest(run->session.http);
	}
	if (sent > 0 || rc == 0)
		log_notice("sent %ld of %ld messages of %ld bytes", sent, count,
		    run->conf->message_bytes);
	return rc;
}

static int look(struct run *run, long *count, struct err *err)
{
	struct sqs_depth depth;
	int rc = sqs_queue_depth(run->session.sqs, run->session.queue_url,
	    &depth, call_deadline(run), err);

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

	rc = open_session(run, &err);
	if (rc == 0)
		rc = look(run, &count, &err);
	if (rc == 0 && count > 0)
		rc = top_up(run, count, &err);
	else if (rc == 0 && run->conf->once)
		log_notice("the queue has enough: %lld messages",
		    (long long)run->state.visible);
	if (rc != 0 && rc != ERR_CANCELED && err.text[0] != '\0')
		log_error("%s", err.text);
	/* Without a text it is a source's, and set already. */
	if (rc == 0 || err.text[0] != '\0')
		run->heartbeat.record.code = rc;
	return rc;
}

/* Whether another try after the interval is of no use. */
static bool is_final(const struct run *run, int rc)
{
	return run->conf->once || rc == ERR_CANCELED || rc == ERR_EOF ||
	       (rc == ERR_CONFIG && !run->opened);
}

static int loop(struct run *run)
{
	int rc;

	for (;;) {
		rc = look_and_top_up(run);
		if (is_final(run, rc))
			return rc;
		rc = heartbeat_sleep(&run->heartbeat,
		    refill_wait(&run->conf->refill, clock_chance(&run->clock)));
		if (rc != 0)
			return rc;
	}
}

int online_run(
    int fd, const struct conf *conf, int cancel_fd, int64_t watchdog_ms)
{
	struct run run = {.fd = fd,
	    .cancel_fd = cancel_fd,
	    .conf = conf,
	    .clock = clock_system(&cancel_fd)};
	struct err err = {0};
	int rc = ERR_NOMEM;

	heartbeat_init(&run.heartbeat, fd, cancel_fd, &run.clock, watchdog_ms);
	run.record = buf_new(sizeof(struct record_message));
	if (run.record != NULL)
		rc = begin(&run, &err);
	else
		(void)err_set(&err, rc, "%s", err_text(rc));
	if (rc == 0)
		rc = loop(&run);
	else
		log_error("%s", err.text);
	if (run.begun)
		session_close(&run.session);
	buf_free(run.record);
	return rc == ERR_CANCELED ? 0 : rc;
}

int online_check(const struct conf *conf, struct err *err)
{
	const struct session_config cfg = config(conf, -1);

	return session_check(&cfg, err);
}

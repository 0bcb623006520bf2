/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/offline.h"

#include <stddef.h>
#include <string.h>

#include "base/arn.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/record.h"
#include "base/trouble.h"
#include "producer/offline/service.h"
#include "producer/offline/trial.h"
#include "producer/record.h"

/* For what was made before a source failed for good. */
#define FINISH_MS 5000
/* An answer that has taken this long goes out with what there is. */
#define ANSWER_MS 100

struct run {
	int fd; /* to the online half */
	int cancel_fd;
	struct clock clock;
	struct pace pace;
	struct producer_offline *o;
	struct service service;
	struct record_ask ask;
	bool asked;             /* and not answered yet */
	struct trouble failing; /* to make a message */
	int broken;      /* what ended the talk with the online half, or 0 */
	struct err *err; /* what ends this half */
};

static int take_ask(struct run *run, const struct record_ask *ask)
{
	/* The online half waits for the answer before it asks again. */
	if (run->asked || ask->most < 1 || ask->most > LIMIT_BATCH ||
	    ask->entry >= arn_count_queues(run->o->conf->common.queues) ||
	    !arn_is_sound(&ask->found))
		return ERR_FORMAT;
	run->ask = *ask;
	run->asked = true;
	return 0;
}

static void hear_heartbeat(
    struct run *run, const struct record_heartbeat *heartbeat)
{
	service_heartbeat(&run->service, heartbeat, clock_mono(&run->clock));
	producer_status_heartbeat(&run->o->status, heartbeat);
}

/* One record of the online half, if it comes before the deadline. */
static int take_from_online(struct run *run, int64_t deadline)
{
	union {
		struct record_ask ask;
		struct record_heartbeat heartbeat;
	} in;
	uint32_t type;
	size_t len;
	int rc = record_receive(
	    run->fd, &type, &in, sizeof in, &len, run->cancel_fd, deadline);

	if (rc == ERR_CANCELED || rc == ERR_TIMEOUT)
		return rc;
	if (rc == 0 && type == RECORD_ASK && len == sizeof in.ask)
		rc = take_ask(run, &in.ask);
	else if (rc == 0 && type == RECORD_HEARTBEAT &&
		 len == sizeof in.heartbeat && in.heartbeat.queues > 0 &&
		 in.heartbeat.queues <= LIMIT_QUEUES)
		hear_heartbeat(run, &in.heartbeat);
	else if (rc == 0)
		rc = ERR_FORMAT;
	run->broken = rc;
	return rc;
}

/* Take records of the online half while a source has no bytes.  Its end stops
 * the reader of the source as SIGTERM does. */
static int listen_meanwhile(void *ctx, int64_t ms)
{
	struct run *run = ctx;
	const int64_t end = clock_mono(&run->clock) + ms;
	int rc;

	service_testing(&run->service, clock_mono(&run->clock));
	do
		rc = take_from_online(run, end);
	while (rc == 0 && clock_mono(&run->clock) < end);
	return rc == 0 || rc == ERR_TIMEOUT ? 0 : ERR_CANCELED;
}

static int give(struct run *run, uint32_t type, const void *data, size_t len)
{
	const int rc = record_send(run->fd, type, data, len, run->cancel_fd, 0);

	if (rc != ERR_CANCELED)
		run->broken = rc;
	return rc;
}

static int make_message(
    const struct run *run, struct message *m, struct err *err)
{
	const struct conf *conf = run->o->conf;
	const double bits = conf->bits_per_byte * (double)conf->message_bytes;
	int rc;

	m->payload_len = (uint32_t)conf->message_bytes;
	rc = blocks_make(
	    &run->o->blocks, &run->pace, m->payload, m->payload_len, err);
	if (rc != 0)
		return rc;
	rc = signer_sign(
	    &run->o->signer, m, clock_wall(&run->clock), (uint32_t)bits, err);
	if (rc == 0 && conf->trial)
		rc = trial_verify(
		    &run->o->signer, m, clock_wall(&run->clock), err);
	return rc;
}

/* What goes to the online half, and the message that is made for it. */
struct answer {
	size_t len; /* of record */
	union {
		struct record_answer head;
		uint8_t bytes[RECORD_MAX];
	} record;
	struct message m;
};

static int give_answer(struct run *run, const struct answer *a)
{
	return give(run, RECORD_ANSWER, &a->record, a->len);
}

/* Tell the user and the online half that there is no other message.  It ends
 * the program when none can be made any more. */
static int answer_failed(
    struct run *run, struct answer *a, int code, const struct err *err)
{
	const bool service = run->o->notify.fd >= 0;
	const int end = blocks_end(&run->o->blocks, service);
	int rc;

	if (trouble_is_new(&run->failing, err->text, clock_mono(&run->clock)) ||
	    end != 0)
		log_error("%s", err->text);
	else
		log_info("still: %s", err->text);
	producer_status_source(&run->o->status, err->text);
	if (end == ERR_ABSENT && service)
		log_error("a service sees the devices that were there at its "
			  "start: ending, to be started again");
	a->record.head = (struct record_answer){.code = code, .last = end != 0};
	rc = give_answer(run, a);
	if (end == 0)
		return rc;
	/* The online half sends what it has, and ends. */
	(void)!record_wait(
	    run->fd, 0, run->cancel_fd, clock_mono(&run->clock) + FINISH_MS);
	return err_told(run->err, end);
}

static void report_recovery(struct run *run)
{
	char lasted[TROUBLE_TIME_MAX];
	int64_t ms;

	if (!trouble_is_over(&run->failing, clock_mono(&run->clock), &ms))
		return;
	trouble_say_time(lasted, ms);
	log_notice("messages can be made again after %s", lasted);
	producer_status_source(&run->o->status, NULL);
}

/* All of an answer's messages are for one queue and of one length. */
static int make_messages(struct run *run, struct answer *a, struct err *err)
{
	const int64_t begun = clock_mono(&run->clock);
	uint32_t n = 0;
	size_t each;
	int rc;

	do {
		/* The online half must not see what the memory held before. */
		memset(&a->m, 0, offsetof(struct message, payload));
		rc = make_message(run, &a->m, err);
		if (rc != 0)
			return rc;
		report_recovery(run);
		each = message_record_len(&a->m);
		memcpy(a->record.bytes + a->len, &a->m, each);
		a->len += each;
	} while (++n < run->ask.most && a->len + each <= RECORD_MAX &&
		 clock_mono(&run->clock) - begun < ANSWER_MS);
	return 0;
}

static int answer_ask(struct run *run, struct answer *a)
{
	struct err err = {0};
	int rc;

	run->asked = false;
	a->len = sizeof a->record.head;
	signer_set_queue(
	    &run->o->signer, run->o->conf, run->ask.entry, &run->ask.found);
	rc = make_messages(run, a, &err);
	if (rc == ERR_CANCELED)
		return rc;
	return rc == 0 ? give_answer(run, a) : answer_failed(run, a, rc, &err);
}

static int serve_one(struct run *run)
{
	struct buf *space;
	uint8_t *p;
	int rc = 0;

	while (rc == 0 && !run->asked)
		rc = take_from_online(run, 0);
	if (rc != 0)
		return rc;
	space = buf_new_zero(sizeof(struct answer), &p);
	if (space == NULL)
		return err_set(run->err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	rc = answer_ask(run, (struct answer *)(void *)p);
	buf_free(space);
	return rc;
}

/* The start-up test comes first only where a service manager waits for it. */
static int test_sources(struct run *run)
{
	int rc = 0;

	if (run->o->notify.fd >= 0) {
		service_testing(&run->service, clock_mono(&run->clock));
		rc = blocks_start(&run->o->blocks, &run->pace, run->err);
	}
	if (rc == 0)
		service_tested(&run->service);
	return rc;
}

/* The online half's end, and being told to stop, are no failures. */
static int judge_end(const struct run *run, int rc)
{
	if (run->broken != 0 && run->broken != ERR_EOF)
		return err_set(run->err, run->broken,
		    "the offline half failed: %s", err_text(run->broken));
	if (run->broken != ERR_EOF && rc != ERR_CANCELED)
		return rc;
	*run->err = (struct err){.code = 0};
	return run->broken == ERR_EOF ? 0 : rc;
}

int producer_offline_run(
    struct producer_offline *o, int fd, int cancel_fd, struct err *err)
{
	struct run run = {.fd = fd,
	    .cancel_fd = cancel_fd,
	    .clock = clock_system(NULL),
	    .o = o,
	    .service = {.notify = &o->notify},
	    .err = err};
	int rc;

	run.pace = (struct pace){&run.clock, listen_meanwhile, &run};
	rc = test_sources(&run);
	while (rc == 0)
		rc = serve_one(&run);
	service_stopping(&run.service);
	return judge_end(&run, rc);
}

int producer_offline_open(
    struct producer_offline *o, const struct conf *conf, struct err *err)
{
	int rc;

	o->conf = conf;
	if (notify_open(&o->notify, err) != 0) {
		log_warning("%s", err->text);
		err->code = 0;
	}
	producer_status_open(&o->status, conf);
	rc = blocks_open(&o->blocks, conf->device, conf->bits_per_byte,
	    (size_t)conf->message_bytes, err);
	if (rc == 0) {
		rc = signer_open(&o->signer, conf, err);
		if (rc != 0)
			blocks_close(&o->blocks);
	}
	if (rc == 0) {
		producer_status_begin(&o->status, &o->blocks, &o->signer);
		return 0;
	}
	/* A second one that was started by hand knows nothing of the first. */
	if (o->notify.fd >= 0)
		producer_status_end(&o->status, rc, err->text);
	producer_status_close(&o->status);
	notify_close(&o->notify);
	return rc;
}

void producer_offline_end(
    struct producer_offline *o, int code, const struct err *err)
{
	producer_status_end(&o->status, code, err->told ? "" : err->text);
}

void producer_offline_close(struct producer_offline *o)
{
	blocks_close(&o->blocks);
	signer_close(&o->signer);
	notify_close(&o->notify);
	producer_status_close(&o->status);
}

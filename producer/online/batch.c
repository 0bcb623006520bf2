/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/online/batch.h"

#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/record.h"
#include "producer/record.h"

/* A source that takes this long for a message is slow: the messages that there
 * are by then are sent. */
#define SLOW_MS 20000

int batch_init(struct batch *b, struct err *err)
{
	uint8_t *p;

	*b = (struct batch){.n = 0};
	b->space =
	    buf_new_zero(LIMIT_BATCH * sizeof(struct message) + RECORD_MAX, &p);
	if (b->space == NULL)
		return err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	b->at = (struct message *)(void *)p;
	b->record = p + LIMIT_BATCH * sizeof(struct message);
	return 0;
}

void batch_free(struct batch *b)
{
	buf_free(b->space);
}

/* Behind payload_len bytes of a payload nothing was ever written. */
void batch_wipe(struct batch *b)
{
	for (size_t k = 0; k < LIMIT_BATCH; k++)
		explicit_bzero(&b->at[k], message_record_len(&b->at[k]));
}

/* The message at the beginning of len bytes.  *taken: its own.  One of ours has
 * a claim and a signature, or neither. */
static int accept_message(
    struct message *m, const uint8_t *data, size_t len, size_t *taken)
{
	const size_t head = offsetof(struct message, payload);
	int rc;

	if (len < head)
		return ERR_FORMAT;
	memcpy(m, data, head);
	if (m->payload_len > MESSAGE_PAYLOAD_MAX ||
	    message_record_len(m) > len) {
		m->payload_len = 0; /* none has come: batch_wipe() */
		return ERR_FORMAT;
	}
	*taken = message_record_len(m);
	memcpy(m->payload, data + head, m->payload_len);
	rc = message_take_record(m, *taken);
	if (rc == 0 && (m->entropy_len > 0) != (m->signature_len > 0))
		return ERR_FORMAT;
	return rc;
}

/* At least one message, and at most as many as are missing, or a failure. */
static int take_answer(struct batch *b, size_t len, size_t most)
{
	struct record_answer head;
	size_t at = sizeof head, n = b->n, taken;

	if (len < sizeof head)
		return ERR_FORMAT;
	memcpy(&head, b->record, sizeof head);
	for (; at < len; at += taken)
		if (n == most || accept_message(&b->at[n++], b->record + at,
				     len - at, &taken) != 0)
			return ERR_FORMAT;
	if (n == b->n && head.code == 0)
		return ERR_FORMAT;
	b->n = n;
	b->failed = head.code > 0 ? ERR_INTERNAL : head.code;
	b->ended = head.last != 0;
	return 0;
}

static int ask_for_messages(struct batch *b, struct heartbeat *h,
    const struct record_ask *ask, size_t most)
{
	struct record_ask rest = *ask;
	uint32_t type;
	size_t len;
	int rc;

	rest.most = (uint32_t)(most - b->n);
	rc =
	    record_send(h->fd, RECORD_ASK, &rest, sizeof rest, h->cancel_fd, 0);
	if (rc == 0)
		rc = heartbeat_receive(h, &type, b->record, RECORD_MAX, &len);
	if (rc != 0)
		return rc;
	rc = type == RECORD_ANSWER ? take_answer(b, len, most) : ERR_FORMAT;
	explicit_bzero(b->record, len);
	return rc;
}

/* Messages that waited for a source that became slow earn no credit any more,
 * apart from one that has just come. */
static void drop_stale(struct batch *b, int64_t now)
{
	const size_t fresh = b->failed == 0 ? 1 : 0;

	if (b->n <= fresh || now - b->oldest < BATCH_FRESH_MS)
		return;
	if (trouble_is_new(&b->slow, "", now))
		log_warning(
		    "%zu messages waited too long for a slow source: dropped",
		    b->n - fresh);
	if (fresh > 0)
		memcpy(&b->at[0], &b->at[b->n - 1], sizeof b->at[0]);
	b->n = fresh;
}

/* A whole batch came in time. */
static void report_speed(struct batch *b, int64_t now)
{
	char lasted[TROUBLE_TIME_MAX];
	int64_t ms;

	if (!trouble_is_over(&b->slow, now, &ms))
		return;
	trouble_say_time(lasted, ms);
	log_notice("the source is fast enough again after %s", lasted);
}

static int ask_until_slow(struct batch *b, struct heartbeat *h,
    const struct record_ask *ask, size_t most)
{
	int64_t asked, now = 0;
	size_t had;
	int rc;

	while (b->n < most && b->failed == 0) {
		had = b->n;
		asked = clock_mono(h->clock);
		rc = ask_for_messages(b, h, ask, most);
		if (rc != 0)
			return rc;
		now = clock_mono(h->clock);
		/* The first of several has waited for what came after it. */
		if (had == 0)
			b->oldest = b->n == 1 && b->failed == 0 ? now : asked;
		if (now - asked >= SLOW_MS || now - b->oldest >= SLOW_MS)
			break;
	}
	drop_stale(b, now);
	if (b->n == most)
		report_speed(b, now);
	return 0;
}

int batch_fill(struct batch *b, struct heartbeat *h,
    const struct record_ask *ask, size_t most, struct err *err)
{
	int rc;

	b->n = 0;
	b->failed = 0;
	rc = ask_until_slow(b, h, ask, most);
	/* The offline half has logged why it is gone, or the caller will. */
	if (rc == ERR_EOF)
		return err_told(err, rc);
	if (rc != 0)
		return err_set(err, rc, "the offline half: %s", err_text(rc));
	return 0;
}

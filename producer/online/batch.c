/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/online/batch.h"

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
	b->space = buf_new_zero(LIMIT_BATCH * sizeof(struct message), &p);
	if (b->space == NULL)
		return err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	b->at = (struct message *)(void *)p;
	return 0;
}

void batch_free(struct batch *b)
{
	buf_free(b->space);
}

void batch_wipe(struct batch *b)
{
	explicit_bzero(b->at, LIMIT_BATCH * sizeof *b->at);
}

static int read_failed(struct batch *b, const void *data, size_t len)
{
	struct record_failed failed;

	if (len != sizeof failed)
		return ERR_FORMAT;
	memcpy(&failed, data, sizeof failed);
	b->failed = failed.code < 0 ? failed.code : ERR_INTERNAL;
	b->ended = failed.last != 0;
	return 0;
}

/* A message of ours has a claim and a signature, or neither. */
static int accept_message(struct message *m, size_t len)
{
	const int rc = message_take_record(m, len);

	if (rc == 0 && (m->entropy_len > 0) != (m->signature_len > 0))
		return ERR_FORMAT;
	return rc;
}

static int ask_for_message(struct batch *b, struct heartbeat *h,
    const struct record_ask *ask, struct message *m)
{
	uint32_t type;
	size_t len;
	int rc =
	    record_send(h->fd, RECORD_ASK, ask, sizeof *ask, h->cancel_fd, 0);

	if (rc == 0)
		rc = heartbeat_receive(h, &type, m, sizeof *m, &len);
	if (rc == 0 && type == RECORD_FAILED)
		return read_failed(b, m, len);
	if (rc == 0 && type == RECORD_MESSAGE)
		return accept_message(m, len);
	return rc == 0 ? ERR_FORMAT : rc;
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
	int rc;

	while (b->n < most) {
		asked = clock_mono(h->clock);
		rc = ask_for_message(b, h, ask, &b->at[b->n]);
		if (rc != 0)
			return rc;
		now = clock_mono(h->clock);
		if (b->failed != 0)
			break;
		if (b->n++ == 0)
			b->oldest = now;
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

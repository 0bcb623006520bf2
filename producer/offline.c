/* SPDX-License-Identifier: Apache-2.0 */
#include "offline.h"

#include <string.h>

#include "buf.h"
#include "clock.h"
#include "io.h"
#include "log.h"
#include "record.h"

struct run {
	int fd; /* to the online half */
	int cancel_fd;
	struct clock clock;
	struct offline *o;
};

static int send_failed(const struct run *run, int code)
{
	const struct record_failed failed = {.code = code};

	return io_send_record(
	    run->fd, RECORD_FAILED, &failed, sizeof failed, run->cancel_fd, 0);
}

/* A whole message in m, or the story of what failed. */
static int make(
    const struct run *run, struct record_message *m, struct err *err)
{
	const struct conf *conf = run->o->conf;
	const double bits = conf->bits_per_byte * (double)conf->message_bytes;
	int rc;

	m->payload_len = (uint32_t)conf->message_bytes;
	rc = blocks_make(
	    &run->o->blocks, &run->clock, m->payload, m->payload_len, err);
	if (rc != 0)
		return rc;
	return stamp_message(
	    &run->o->stamp, m, clock_wall(&run->clock), (uint32_t)bits, err);
}

/* *failed: there is no message, and the online half was told so. */
static int make_message(
    const struct run *run, struct record_message *m, bool *failed)
{
	struct err err = {0};
	int rc = make(run, m, &err);

	*failed = false;
	if (rc == ERR_CANCELED)
		return rc;
	if (rc != 0) {
		int told;

		log_error("%s", err.text);
		*failed = true;
		told = send_failed(run, rc);
		return rc == ERR_SOURCE ? rc : told;
	}
	return io_send_record(run->fd, RECORD_MESSAGE, m,
	    offsetof(struct record_message, payload) + m->payload_len,
	    run->cancel_fd, 0);
}

static int make_messages(const struct run *run, uint32_t count)
{
	struct buf *space = buf_new(sizeof(struct record_message));
	bool failed = false;
	uint8_t *p;
	int rc = ERR_NOMEM;

	if (space != NULL)
		rc = buf_extend(space, sizeof(struct record_message), &p);
	for (uint32_t i = 0; rc == 0 && !failed && i < count; i++)
		rc = make_message(
		    run, (struct record_message *)(void *)p, &failed);
	buf_free(space);
	return rc;
}

static int serve(const struct run *run)
{
	struct record_ask ask;
	uint32_t type;
	size_t len;
	int rc;

	rc = io_recv_record(
	    run->fd, &type, &ask, sizeof ask, &len, run->cancel_fd, 0);
	if (rc != 0)
		return rc;
	if (type != RECORD_ASK || len != sizeof ask ||
	    ask.count > SQS_BATCH_MAX ||
	    stamp_set_path(&run->o->stamp, ask.path,
		ask.path_len <= sizeof ask.path ? ask.path_len : SIZE_MAX) != 0)
		return ERR_FORMAT;
	return make_messages(run, ask.count);
}

int offline_run(struct offline *o, int fd, int cancel_fd)
{
	const struct run run = {.fd = fd,
	    .cancel_fd = cancel_fd,
	    .clock = clock_system(&cancel_fd),
	    .o = o};
	int rc;

	do
		rc = serve(&run);
	while (rc == 0);
	return rc == ERR_EOF ? 0 : rc;
}

int offline_open(struct offline *o, const struct conf *conf, struct err *err)
{
	int rc;

	o->conf = conf;
	rc = blocks_open(&o->blocks, conf->device, conf->bits_per_byte, err);
	if (rc != 0)
		return rc;
	rc = stamp_open(&o->stamp, conf, err);
	if (rc != 0)
		blocks_close(&o->blocks);
	return rc;
}

void offline_close(struct offline *o)
{
	blocks_close(&o->blocks);
	stamp_close(&o->stamp);
}

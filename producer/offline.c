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
	struct source *source;
	const struct conf *conf;
};

static int send_failed(const struct run *run, int code)
{
	const struct record_failed failed = {.code = code};

	return io_send_record(
	    run->fd, RECORD_FAILED, &failed, sizeof failed, run->cancel_fd, 0);
}

/* *failed: the source gave nothing, and the online half was told so. */
static int make_message(
    const struct run *run, struct record_message *m, bool *failed)
{
	const size_t len = (size_t)run->conf->message_bytes;
	struct err err = {0};
	int rc;

	*failed = false;
	rc = source_read(run->source, &run->clock, m->payload, len, &err);
	if (rc == ERR_CANCELED)
		return rc;
	if (rc != 0) {
		log_error("%s", err.text);
		*failed = true;
		return send_failed(run, rc);
	}
	m->payload_len = (uint32_t)len;
	return io_send_record(run->fd, RECORD_MESSAGE, m,
	    offsetof(struct record_message, payload) + len, run->cancel_fd, 0);
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
	    ask.count > SQS_BATCH_MAX)
		return ERR_FORMAT;
	return make_messages(run, ask.count);
}

int offline_run(
    int fd, struct source *source, const struct conf *conf, int cancel_fd)
{
	const struct run run = {.fd = fd,
	    .cancel_fd = cancel_fd,
	    .clock = clock_system(&cancel_fd),
	    .source = source,
	    .conf = conf};
	int rc;

	do
		rc = serve(&run);
	while (rc == 0);
	return rc == ERR_EOF ? 0 : rc;
}

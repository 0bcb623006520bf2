/* SPDX-License-Identifier: Apache-2.0 */
#include "offline.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "log.h"
#include "record.h"

#define BOOT_ID      "/proc/sys/kernel/random/boot_id"
/* EC2's hypervisor shows the instance id here. */
#define ASSET_TAG    "/sys/class/dmi/id/board_asset_tag"
#define IDENTITY_MAX 1024 /* bytes of all that sets this machine apart */

/* What one run has gathered. */
struct run {
	const struct conf *conf;
	const struct sink *sink;
	struct buf *payloads; /* of usable messages, one after the other */
	struct buf *identity;
	unsigned long bits; /* sum of what the messages earned */
	unsigned used;
	unsigned refused;
	bool ended; /* RECORD_END came */
	struct record_end end;
};

static int take_identity(struct run *run, const void *data, size_t len)
{
	struct record_identity identity;

	if (len != sizeof identity)
		return ERR_FORMAT;
	memcpy(&identity, data, sizeof identity);
	if (identity.len > sizeof identity.text)
		return ERR_FORMAT;
	return buf_add(run->identity, identity.text, identity.len);
}

static bool message_is_sound(const struct record_message *m, size_t len)
{
	const size_t head = offsetof(struct record_message, payload);

	return len >= head && m->payload_len >= MESSAGE_PAYLOAD_MIN &&
	       m->payload_len <= MESSAGE_PAYLOAD_MAX &&
	       len == head + m->payload_len &&
	       m->entropy_len <= MESSAGE_ENTROPY_MAX &&
	       m->signature_len <= MESSAGE_SIGNATURE_LEN;
}

static int take_message(
    struct run *run, const struct record_message *m, size_t len)
{
	struct credit_message facts;
	enum credit_verdict verdict;
	unsigned bits;

	if (!message_is_sound(m, len))
		return ERR_FORMAT;
	facts = (struct credit_message){
	    .payload_len = m->payload_len, .receive_count = m->receive_count};
	verdict = credit_judge(&run->conf->policy, &facts, &bits);
	log_info("message of %u bytes: %s", (unsigned)m->payload_len,
	    credit_text(verdict));
	if (verdict == CREDIT_REFUSED) {
		run->refused++;
		return 0;
	}
	run->used++;
	run->bits += bits;
	return buf_add(run->payloads, m->payload, m->payload_len);
}

static int take_record(
    struct run *run, uint32_t type, const struct record_message *m, size_t len)
{
	switch (type) {
	case RECORD_IDENTITY:
		return take_identity(run, m, len);
	case RECORD_MESSAGE:
		if (run->used + run->refused >= SQS_BATCH_MAX)
			return ERR_LIMIT;
		return take_message(run, m, len);
	case RECORD_END:
		if (len != sizeof run->end)
			return ERR_FORMAT;
		memcpy(&run->end, m, sizeof run->end);
		run->ended = true;
		return 0;
	default:
		return ERR_FORMAT;
	}
}

/* Whatever ends it, the messages that came before are deleted and ours. */
static int gather(struct run *run, int fd, int64_t deadline)
{
	struct buf *space = buf_new(sizeof(struct record_message));
	struct record_message *m;
	uint8_t *p;
	uint32_t type;
	size_t len;
	int rc;

	if (space == NULL ||
	    buf_extend(space, sizeof(struct record_message), &p) != 0) {
		buf_free(space);
		return ERR_NOMEM;
	}
	m = (struct record_message *)(void *)p;
	do {
		memset(m, 0, sizeof *m);
		rc =
		    io_recv_record(fd, &type, m, sizeof *m, &len, -1, deadline);
		if (rc == 0)
			rc = take_record(run, type, m, len);
	} while (rc == 0 && !run->ended);
	buf_free(space);
	return rc;
}

/* Two machines that were handed the same bytes must part ways. */
static void diverge(const struct run *run)
{
	uint8_t text[256];
	struct timespec now[2];
	size_t len;

	if (io_read_file(BOOT_ID, text, sizeof text, &len) == 0 &&
	    buf_add(run->identity, text, len) != 0)
		log_debug("boot id left out");
	if (io_read_file(ASSET_TAG, text, sizeof text, &len) == 0 &&
	    buf_add(run->identity, text, len) != 0)
		log_debug("asset tag left out");
	(void)clock_gettime(CLOCK_MONOTONIC, &now[0]);
	(void)clock_gettime(CLOCK_REALTIME, &now[1]);
	if (buf_add(run->identity, now, sizeof now) != 0)
		log_debug("clock left out");
	if (sink_mix(run->sink, buf_data(run->identity),
		buf_len(run->identity)) != 0)
		log_warning("could not mix this machine's identity");
}

static int deliver(const struct run *run)
{
	unsigned bits = credit_total(run->bits);
	struct err err = {0};
	int rc;

	diverge(run);
	rc = sink_put(run->sink, run->payloads, bits, &err);
	if (rc != 0) {
		log_error("%s", err.text);
		return rc;
	}
	if (run->sink->kernel)
		log_notice("injected %zu bytes from %u message%s into the "
			   "kernel, credit %u bits",
		    buf_len(run->payloads), run->used,
		    run->used == 1 ? "" : "s", bits);
	else
		log_notice("wrote %zu bytes from %u message%s to %s",
		    buf_len(run->payloads), run->used,
		    run->used == 1 ? "" : "s", run->sink->name);
	if (run->conf->strict && bits == 0) {
		log_error("--strict: no credit was given");
		return ERR_UNUSABLE;
	}
	return 0;
}

/* Why nothing can be delivered.  The online half has logged its own errors;
 * what it cannot have logged is said here. */
static int nothing_came(const struct run *run, int gathered)
{
	if (run->ended && run->end.code < 0)
		return run->end.code;
	if (run->ended && run->end.received == 0)
		return ERR_EMPTY;
	if (run->refused > 0)
		log_error("no message was usable: %u of %u %s", run->refused,
		    (unsigned)run->end.received, credit_text(CREDIT_REFUSED));
	if (run->ended)
		return ERR_UNUSABLE;
	if (gathered == ERR_TIMEOUT) {
		log_error(
		    "nothing within %ld s (see --timeout)", run->conf->timeout);
		return ERR_TIMEOUT;
	}
	log_error("the half that talks to the network ended early: %s",
	    err_text(gathered));
	return ERR_INTERNAL;
}

static void answer(const struct run *run, int fd, int code)
{
	const struct record_status status = {
	    .code = code, .used = run->used, .bits = credit_total(run->bits)};

	if (io_send_record(fd, RECORD_STATUS, &status, sizeof status, -1, 1) !=
	    0)
		log_debug("the online half did not wait for its status");
}

int offline_run(
    int fd, const struct sink *sink, const struct conf *conf, int64_t deadline)
{
	struct run run = {.conf = conf, .sink = sink};
	int rc = ERR_NOMEM;

	run.payloads = buf_new((size_t)SQS_BATCH_MAX * MESSAGE_PAYLOAD_MAX);
	run.identity = buf_new(IDENTITY_MAX);
	if (run.payloads == NULL || run.identity == NULL) {
		log_error("%s", err_text(rc));
		goto out;
	}
	rc = gather(&run, fd, deadline);
	if (run.used > 0)
		rc = deliver(&run);
	else
		rc = nothing_came(&run, rc);
	answer(&run, fd, rc);
out:
	buf_free(run.identity);
	buf_free(run.payloads);
	return rc;
}

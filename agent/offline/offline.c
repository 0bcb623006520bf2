/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/offline.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/offline/status.h"
#include "agent/record.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/record.h"
#include "base/url.h"
#include "message/sign.h"

/* What one run has gathered. */
struct run {
	struct offline *o;
	char queue_path[MESSAGE_PATH_MAX + 1];
	struct buf *payloads; /* of usable messages, one after the other */
	struct buf *identity;
	uint8_t digests[LIMIT_BATCH][REPLAY_DIGEST_LEN]; /* of signed ones */
	size_t digests_n;
	unsigned long bits; /* sum of what the messages earned */
	unsigned used;
	bool identified, directed; /* RECORD_IDENTITY, RECORD_QUEUE came */
	bool ended;                /* RECORD_END came */
	struct record_end end;
	struct status status;
};

static int take_identity(struct run *run, const void *data, size_t len)
{
	struct record_identity identity;

	if (len != sizeof identity || run->identified)
		return ERR_FORMAT;
	run->identified = true;
	memcpy(&identity, data, sizeof identity);
	if (identity.len > sizeof identity.text)
		return ERR_FORMAT;
	return buf_add(run->identity, identity.text, identity.len);
}

/* A queue that the configuration names by URL is not to be talked over, and no
 * queue changes between messages. */
static int take_queue(struct run *run, const void *data, size_t len)
{
	struct record_queue queue;

	if (len != sizeof queue || run->directed || run->status.n > 0)
		return ERR_FORMAT;
	run->directed = true;
	memcpy(&queue, data, sizeof queue);
	if (queue.len > MESSAGE_PATH_MAX)
		return ERR_FORMAT;
	if (strstr(run->o->conf->queue, "://") != NULL)
		return 0;
	memcpy(run->queue_path, queue.path, queue.len);
	run->queue_path[queue.len] = '\0';
	return 0;
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

static bool in_this_run(
    const struct run *run, const uint8_t digest[static REPLAY_DIGEST_LEN])
{
	for (size_t k = 0; k < run->digests_n; k++)
		if (memcmp(run->digests[k], digest, REPLAY_DIGEST_LEN) == 0)
			return true;
	return false;
}

static unsigned judge(struct run *run, const struct record_message *m,
    const struct verified *v, unsigned *bits)
{
	const struct offline *o = run->o;
	const struct credit_message facts = {
	    .trust = v->trust,
	    .payload_len = m->payload_len,
	    .claimed = v->claim.bits,
	    .time = v->claim.time,
	    .sent = m->sent,
	    .receive_count = m->receive_count,
	    .seen = in_this_run(run, v->digest) ||
		    (o->remembers && replay_has(&o->replay, v->digest)),
	    .remembered = o->remembers,
	};

	return credit_judge(&o->conf->policy, &facts, bits);
}

/* What carries a signature that holds, or may earn credit without one, is
 * remembered: once, or a message sent again and again would push out all
 * others. */
static int use(struct run *run, const struct record_message *m,
    const struct verified *v, struct status_message *status)
{
	if ((v->trust == CREDIT_SIGNED || status->withheld == 0) &&
	    (status->withheld & CREDIT_SEEN) == 0) {
		memcpy(run->digests[run->digests_n++], v->digest,
		    REPLAY_DIGEST_LEN);
		run->bits += status->bits;
	}
	run->used++;
	status->bytes = m->payload_len;
	return buf_add(run->payloads, m->payload, m->payload_len);
}

static int take_message(struct run *run, struct record_message *m, size_t len)
{
	struct status_message *status = &run->status.at[run->status.n];
	char text[256];
	int rc;

	if (!message_is_sound(m, len))
		return ERR_FORMAT;
	m->entropy[m->entropy_len] = '\0';
	run->status.n++;
	rc = verify_message(
	    &run->o->verify, m, run->queue_path, &status->verified);
	if (rc == ERR_DENIED) {
		status->discarded = "sealed for somebody else";
		log_warning("a message was discarded: it is sealed, and %s",
		    run->o->conf->seal_key[0] == '\0'
			? "no seal-key is configured"
			: "does not open with this seal-key");
		return 0;
	}
	if (rc != 0)
		return rc;
	status->withheld = judge(run, m, &status->verified, &status->bits);
	credit_explain(status->withheld, text, sizeof text);
	log_info("message of %u bytes%s%s: %s", (unsigned)m->payload_len,
	    status->verified.producer != NULL ? " from " : "",
	    status->verified.producer != NULL ? status->verified.producer : "",
	    text);
	if ((status->withheld & CREDIT_REFUSED) != 0) {
		status->discarded = "refused by the policy";
		return 0;
	}
	return use(run, m, &status->verified, status);
}

static int take_record(
    struct run *run, uint32_t type, struct record_message *m, size_t len)
{
	switch (type) {
	case RECORD_IDENTITY:
		return take_identity(run, m, len);
	case RECORD_QUEUE:
		return take_queue(run, m, len);
	case RECORD_MESSAGE:
		if (run->status.n >= LIMIT_BATCH)
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

/* Whatever ends it, the messages that came before are deleted and ours.  Each
 * kind of record comes so many times and no more: a flood, which
 * record_wait()'s deadline does not stop, ends by itself. */
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
		    record_receive(fd, &type, m, sizeof *m, &len, -1, deadline);
		if (rc == 0)
			rc = take_record(run, type, m, len);
	} while (rc == 0 && !run->ended);
	buf_free(space);
	return rc;
}

/* Two machines that were handed the same bytes must part ways. */
static void diverge(const struct run *run)
{
	struct timespec now[2];

	(void)clock_gettime(CLOCK_MONOTONIC, &now[0]);
	(void)clock_gettime(CLOCK_REALTIME, &now[1]);
	if (sink_mix(&run->o->sink, buf_data(run->o->identity),
		buf_len(run->o->identity)) != 0 ||
	    sink_mix(&run->o->sink, buf_data(run->identity),
		buf_len(run->identity)) != 0 ||
	    sink_mix(&run->o->sink, now, sizeof now) != 0)
		log_warning("could not mix this machine's identity");
}

/* Before the bytes are used: a crash may lose them, never count them twice. */
static unsigned remember(struct run *run)
{
	if (run->digests_n == 0 || !run->o->remembers)
		return credit_total(run->bits);
	if (replay_add(&run->o->replay, run->digests, run->digests_n) == 0)
		return credit_total(run->bits);
	log_error("cannot remember which messages are used: no credit is "
		  "given (is the disk full?)");
	for (size_t i = 0; i < run->status.n; i++) {
		run->status.at[i].withheld |= CREDIT_NOT_REMEMBERED;
		run->status.at[i].bits = 0;
	}
	return 0;
}

static void report(const struct run *run)
{
	const char *s = run->used == 1 ? "" : "s";

	if (run->o->sink.kernel)
		log_notice("injected %zu bytes from %u message%s into the "
			   "kernel, credit %u bits",
		    buf_len(run->payloads), run->used, s, run->status.credit);
	else
		log_notice("wrote %zu bytes from %u message%s to %s",
		    buf_len(run->payloads), run->used, s, run->o->sink.name);
}

static int deliver(struct run *run)
{
	unsigned bits = remember(run);
	struct err err = {0};
	int rc;

	diverge(run);
	rc = sink_put(&run->o->sink, run->payloads, bits, &err);
	if (rc != 0) {
		log_error("%s", err.text);
		return rc;
	}
	run->status.bytes = buf_len(run->payloads);
	run->status.credit = bits;
	report(run);
	if (run->o->conf->strict && bits == 0) {
		log_error("--strict: no credit was given (see --status)");
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
	if (run->status.n > 0)
		log_error("no message was usable: see --status");
	if (run->ended)
		return ERR_UNUSABLE;
	if (gathered == ERR_TIMEOUT) {
		log_error("nothing within %ld s (see --timeout)",
		    run->o->conf->timeout);
		return ERR_TIMEOUT;
	}
	log_error("the half that talks to the network ended early: %s",
	    err_text(gathered));
	return ERR_INTERNAL;
}

/* For --unless-seeded; what goes to a file is no news of the kernel's. */
static void note_outcome(struct run *run, int code)
{
	struct offline *o = run->o;
	struct status *s = &run->status;

	s->boottime = last_seed_now();
	if (!o->sink.kernel)
		return;
	if (code == 0)
		last_seed_note(&o->last_seed, s->boottime, s->credit > 0);
	else if (err_exit(code) == err_exit(ERR_TIMEOUT))
		last_seed_note_failure(&o->last_seed, s->boottime,
		    o->conf->timeout * 1000 -
			(o->deadline - clock_read(CLOCK_MONOTONIC)));
	if (o->last_seed_fd >= 0 &&
	    last_seed_write(&o->last_seed, o->last_seed_fd) != 0)
		log_info("could not note that the kernel was seeded");
}

static void answer(struct run *run, int fd, int code)
{
	const struct record_status status = {
	    .code = code, .used = run->used, .bits = run->status.credit};
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_REALTIME, &now);
	run->o->told = true;
	run->status.code = code;
	run->status.time = (int64_t)now.tv_sec * 1000;
	note_outcome(run, code);
	run->status.last_seed = run->o->last_seed;
	run->status.received = run->end.received;
	run->status.kernel = run->o->sink.kernel;
	if (run->o->status_fd >= 0 &&
	    status_write(run->o->status_fd, &run->status) != 0)
		log_info("could not write the status of this run");
	if (record_send(fd, RECORD_STATUS, &status, sizeof status, -1, 1) != 0)
		log_debug("the online half did not wait for its status");
}

int offline_run(struct offline *o, int fd, int64_t deadline)
{
	struct run run = {.o = o};
	int rc = ERR_NOMEM;

	/* A name's path is told by the online half. */
	if (url_queue_path(o->conf->queue, run.queue_path) != 0)
		run.queue_path[0] = '\0';
	run.payloads = buf_new((size_t)LIMIT_BATCH * MESSAGE_PAYLOAD_MAX);
	run.identity = buf_new(OFFLINE_IDENTITY_MAX);
	if (run.payloads == NULL || run.identity == NULL) {
		log_error("%s", err_text(rc));
		goto out;
	}
	rc = gather(&run, fd, deadline);
	if (rc != 0 && run.used > 0)
		log_warning("the half that talks to the network ended early, "
			    "and may have lost messages: %s",
		    err_text(rc));
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

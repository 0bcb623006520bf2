/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/status.h"

#include <string.h>
#include <unistd.h>

#include "base/arn.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_file.h"
#include "base/text.h"
#include "json/text.h"
#include "json/writer.h"

/* Names of files may be any bytes. */
static void put_any_text(
    struct json_writer *w, const char *key, const char *text)
{
	json_put_string(w, key, json_utf8(text, strlen(text)) ? text : "?");
}

static const char *name_state(const struct health *h, const struct source *s)
{
	if (health_is_dead(h))
		return "failed its tests";
	if (s->lost || s->gone)
		return "gone";
	if (s->failed)
		return "gives no bytes";
	return h->startup > 0 ? "being tested" : "good";
}

static int64_t find_rate(const struct blocks_seen *seen)
{
	return seen->busy > 0
		   ? (int64_t)(seen->bytes * 1000 / (uint64_t)seen->busy)
		   : 0;
}

static void put_source(struct json_writer *w, const struct blocks *b, size_t i)
{
	const struct health *h = b->health[i];
	const struct blocks_seen *seen = &b->seen[i];

	json_begin_object(w, NULL);
	put_any_text(w, "device", b->sources[i].path);
	json_put_string(w, "state", name_state(h, &b->sources[i]));
	json_put_integer(w, "bytes", (int64_t)seen->bytes);
	json_put_integer(w, "rate", find_rate(seen));
	json_put_integer(w, "discarded", (int64_t)seen->discarded);
	json_put_integer(w, "in_a_row", h->failures);
	if (seen->discarded > 0)
		json_put_string(w, "last_failure", health_explain(h));
	json_end_object(w);
}

static void put_queue(
    struct json_writer *w, const struct producer_status *s, size_t i)
{
	const struct record_heartbeat *heard = &s->heard;

	json_begin_object(w, NULL);
	put_any_text(w, "queue", s->conf->common.queues[i]);
	if (i < heard->queues) {
		if (heard->visible[i] >= 0) {
			json_put_integer(w, "messages", heard->visible[i]);
			json_put_integer(w, "in_flight", heard->in_flight[i]);
		}
		json_put_integer(w, "sent", (int64_t)heard->sent[i]);
		json_put_string(w, "result",
		    heard->code[i] == 0 ? "done" : err_text(heard->code[i]));
		json_put_integer(w, "since", s->since[i]);
		if (heard->code[i] != 0 && heard->why[i][0] != '\0')
			put_any_text(w, "why", heard->why[i]);
	}
	json_end_object(w);
}

static void put_keys(struct json_writer *w, const struct producer_status *s)
{
	char id[TEXT_HEX_LEN(KEYFILE_ID_LEN)];

	if (s->signer == NULL || s->conf->signing_key[0] == '\0')
		return;
	text_hex(id, s->signer->key_id, KEYFILE_ID_LEN);
	json_put_string(w, "key", id);
	json_put_string(w, "sealed", s->signer->seals ? "yes" : "no");
}

static void put_state(struct json_writer *w, const struct producer_status *s)
{
	json_put_string(w, "version", SQS_ENTROPY_VERSION);
	json_put_integer(w, "time", clock_read(CLOCK_REALTIME));
	json_put_integer(w, "boottime", clock_read(CLOCK_BOOTTIME));
	json_put_string(w, "boot", s->boot);
	json_put_integer(w, "started", s->started);
	json_put_string(w, "state",
	    s->ended               ? "ended"
	    : s->heard.queues == 0 ? "starting"
				   : "running");
	if (s->ended) {
		json_put_integer(w, "exit", err_exit(s->code));
		json_put_string(
		    w, "result", s->code == 0 ? "done" : err_text(s->code));
	}
	if (s->why[0] != '\0') {
		put_any_text(w, "why", s->why);
		json_put_integer(w, "since", s->why_since);
	}
	if (s->heard.clock_known != 0)
		json_put_integer(w, "clock_behind", s->heard.clock_behind);
}

static int format_status(const struct producer_status *s, struct buf *out)
{
	const struct refill_settings *rule = &s->conf->refill;
	struct json_writer *w = json_writer_new();
	const size_t queues = arn_count_queues(s->conf->common.queues);
	int rc;

	json_begin_object(w, NULL);
	json_put_integer(w, "serial", (int64_t)s->serial);
	put_state(w, s);
	json_put_integer(w, "interval", rule->interval);
	json_put_integer(
	    w, "wanted", rule->depth > 0 ? rule->depth : rule->low_watermark);
	put_keys(w, s);
	json_begin_array(w, "sources");
	for (size_t i = 0; s->blocks != NULL && i < s->blocks->n; i++)
		put_source(w, s->blocks, i);
	json_end_array(w);
	json_begin_array(w, "queues");
	for (size_t i = 0; i < queues; i++)
		put_queue(w, s, i);
	json_end_array(w);
	json_put_integer(w, "serial_end", (int64_t)s->serial);
	json_end_object(w);
	rc = json_writer_finish(w, out);
	json_writer_free(w);
	return rc == 0 ? buf_addstr(out, "\n") : rc;
}

static void write_status_now(struct producer_status *s)
{
	struct buf *text = NULL;
	int rc = ERR_NOMEM;

	if (s->fd < 0)
		return;
	s->serial++;
	s->written = clock_read(CLOCK_MONOTONIC);
	text = buf_new(PRODUCER_STATUS_MAX);
	if (text != NULL)
		rc = format_status(s, text);
	if (rc == 0)
		rc = status_file_write(s->fd, text);
	if (rc != 0)
		log_debug("could not write the status");
	buf_free(text);
}

void producer_status_open(struct producer_status *s, const struct conf *conf)
{
	*s = (struct producer_status){
	    .fd = -1, .conf = conf, .started = clock_read(CLOCK_REALTIME)};
	clock_boot(s->boot);
	if (!conf->once)
		s->fd = status_file_open(
		    PRODUCER_STATUS_DIRECTORY, PRODUCER_STATUS_NAME);
}

void producer_status_close(struct producer_status *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}

void producer_status_begin(struct producer_status *s,
    const struct blocks *blocks, const struct signer *signer)
{
	s->blocks = blocks;
	s->signer = signer;
	write_status_now(s);
}

/* What the other half says, as this half goes on with it. */
static void keep_heartbeat(
    struct producer_status *s, const struct record_heartbeat *heartbeat)
{
	struct record_heartbeat *heard = &s->heard;

	*heard = *heartbeat;
	for (size_t i = 0; i < LIMIT_QUEUES; i++) {
		heard->why[i][RECORD_WHY_MAX - 1] = '\0';
		text_make_printable(heard->why[i], strlen(heard->why[i]));
	}
}

/* True if a queue fails, or does not, for another reason than before. */
static bool has_changed(
    const struct record_heartbeat *before, const struct record_heartbeat *now)
{
	return before->queues != now->queues ||
	       memcmp(before->code, now->code, sizeof now->code) != 0;
}

void producer_status_heartbeat(
    struct producer_status *s, const struct record_heartbeat *heartbeat)
{
	const struct record_heartbeat before = s->heard;
	const int64_t now = clock_read(CLOCK_REALTIME);

	if (s->ended)
		return;
	keep_heartbeat(s, heartbeat);
	for (size_t i = 0; i < LIMIT_QUEUES; i++)
		if (before.queues == 0 ||
		    (before.code[i] == 0) != (heartbeat->code[i] == 0))
			s->since[i] = now;
	if (has_changed(&before, heartbeat) || heartbeat->resting != 0 ||
	    clock_read(CLOCK_MONOTONIC) - s->written >=
		PRODUCER_STATUS_PAUSE_MS)
		write_status_now(s);
}

void producer_status_source(struct producer_status *s, const char *why)
{
	const bool begins = why != NULL && s->why[0] == '\0';

	if (s->ended || (why == NULL && s->why[0] == '\0'))
		return;
	if (begins)
		s->why_since = clock_read(CLOCK_REALTIME);
	s->why[0] = '\0';
	if (why != NULL)
		text_shorten(s->why, sizeof s->why, why, strlen(why));
	write_status_now(s);
}

void producer_status_end(struct producer_status *s, int code, const char *why)
{
	if (s->ended)
		return;
	/* A source that failed for good has told why already. */
	if (why[0] != '\0')
		producer_status_source(s, why);
	s->ended = true;
	s->code = code;
	write_status_now(s);
}

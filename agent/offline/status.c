/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/status.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/status_file.h"
#include "base/text.h"
#include "json/text.h"
#include "json/writer.h"

const char *status_directory(void)
{
	return status_file_directory(STATUS_DIRECTORY);
}

int status_open(const char *name)
{
	return status_file_open(STATUS_DIRECTORY, name);
}

static void put_reasons(struct json_writer *w, unsigned withheld)
{
	json_begin_array(w, "withheld");
	for (unsigned k = 0; k < CREDIT_REASONS; k++)
		if ((withheld & 1U << k) != 0)
			json_put_string(w, NULL, credit_reason(k));
	json_end_array(w);
}

static void put_verdict(struct json_writer *w, const struct verdict *v)
{
	const char *producer = v->producer;
	char key[TEXT_HEX_LEN(KEYFILE_ID_LEN)];

	json_begin_object(w, NULL);
	if (v->trust == CREDIT_SIGNED) {
		text_hex(key, v->claim.key, KEYFILE_ID_LEN);
		json_put_string(w, "producer",
		    json_utf8(producer, strlen(producer)) ? producer : "?");
		json_put_string(w, "key", key);
		json_put_integer(w, "seq", (int64_t)v->claim.seq);
		json_put_integer(w, "time", v->claim.time);
	}
	json_put_integer(w, "bytes", (int64_t)v->bytes);
	json_put_integer(w, "bits", v->bits);
	if (v->discarded != NULL) {
		json_put_string(w, "discarded", v->discarded);
	}
	put_reasons(w, v->withheld);
	json_end_object(w);
}

static int format_document(const struct status *s, struct buf *out)
{
	struct json_writer *w = json_writer_new();
	int rc;

	json_begin_object(w, NULL);
	json_put_integer(w, "time", s->time);
	json_put_integer(w, "boottime", s->boottime);
	last_seed_put(&s->last_seed, w);
	json_put_integer(w, "exit", err_exit(s->code));
	json_put_string(w, "result", s->code == 0 ? "done" : err_text(s->code));
	json_put_string(w, "target", s->kernel ? "kernel" : "output");
	json_put_integer(w, "received", s->received);
	json_put_integer(w, "bytes", (int64_t)s->bytes);
	json_put_integer(w, "credit", s->credit);
	json_put_integer(w, "fallback", (int64_t)s->fallback);
	json_begin_array(w, "messages");
	for (size_t i = 0; i < s->n; i++)
		put_verdict(w, &s->at[i]);
	json_end_array(w);
	json_end_object(w);
	rc = json_writer_finish(w, out);
	json_writer_free(w);
	return rc == 0 ? buf_addstr(out, "\n") : rc;
}

int status_write(int fd, const struct status *s)
{
	struct buf *text = buf_new(STATUS_MAX);
	int rc = ERR_NOMEM;

	if (text != NULL)
		rc = format_document(s, text);
	if (rc == 0)
		rc = status_file_write(fd, text);
	buf_free(text);
	return rc;
}

void status_write_failure(int code)
{
	struct status status = {.code = code,
	    .time = clock_read(CLOCK_REALTIME),
	    .boottime = clock_read(CLOCK_BOOTTIME),
	    .kernel = true};
	const int fd = status_open(STATUS_NAME);

	if (fd < 0)
		return;
	last_seed_read(&status.last_seed);
	if (status_write(fd, &status) != 0)
		log_info("could not write the status of this run");
	(void)close(fd);
}

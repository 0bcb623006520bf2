/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/status.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "json/text.h"
#include "json/writer.h"

#define DIRECTORY_VARIABLE "RUNTIME_DIRECTORY"

const char *status_directory(void)
{
	return file_directory(DIRECTORY_VARIABLE, STATUS_DIRECTORY);
}

int status_open(const char *name)
{
	const int directory = open(
	    file_make_directory(DIRECTORY_VARIABLE, STATUS_DIRECTORY, 0755),
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int fd;

	if (directory < 0)
		return -1;
	fd = openat(directory, name,
	    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	/* openat(2) reduced the mode by the umask; anybody may read it. */
	if (fd >= 0)
		(void)fchmod(fd, 0644);
	(void)close(directory);
	return fd;
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
	json_begin_array(w, "messages");
	for (size_t i = 0; i < s->n; i++)
		put_verdict(w, &s->at[i]);
	json_end_array(w);
	json_end_object(w);
	rc = json_writer_finish(w, out);
	json_writer_free(w);
	return rc == 0 ? buf_addstr(out, "\n") : rc;
}

/* Add line feeds up to the size that the file has now: until the file is cut, a
 * reader finds a whole document and no rest of the old one. */
static int pad(int fd, struct buf *text)
{
	struct stat st;
	int rc = 0;

	if (fstat(fd, &st) != 0)
		return ERR_IO;
	while (rc == 0 && (off_t)buf_len(text) < st.st_size)
		rc = buf_add(text, "\n", 1);
	return rc;
}

int status_write(int fd, const struct status *s)
{
	struct buf *text = buf_new(STATUS_MAX);
	size_t len = 0;
	int rc = ERR_NOMEM;

	if (text != NULL)
		rc = format_document(s, text);
	if (rc == 0) {
		len = buf_len(text);
		rc = pad(fd, text);
	}
	if (rc == 0 && (pwrite(fd, buf_data(text), buf_len(text), 0) !=
			       (ssize_t)buf_len(text) ||
			   ftruncate(fd, (off_t)len) != 0))
		rc = ERR_IO;
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

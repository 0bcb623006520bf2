/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/assess.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "confine/split.h"
#include "producer/assess/devices.h"
#include "producer/assess/progress.h"
#include "producer/assess/report.h"
#include "producer/assess/restarts.h"
#include "producer/halves.h"
#include "json/writer.h"

#define DEVICE_BYTES 1000000 /* unless --bytes says otherwise */
#define LIST_MAX     ((size_t)65536)

/* What is open while a sample is read. */
struct assessment {
	const struct conf *conf;
	struct device list[DEVICES_MAX];
	size_t n;
	struct source source;
	int dump_fd, restarts_fd, stop_fd;
	struct clock clock;
	struct nist_run nist;
	struct progress progress;
	struct report report;
};

static int print_devices_json(const struct assessment *a)
{
	struct json_writer *w = json_writer_new();
	struct buf *out = buf_new(LIST_MAX);
	int rc = out != NULL ? 0 : ERR_NOMEM;

	json_begin_object(w, NULL);
	json_begin_array(w, "devices");
	for (size_t i = 0; i < a->n; i++) {
		json_begin_object(w, NULL);
		json_put_string(w, "path", a->list[i].path);
		json_put_string(w, "what", a->list[i].what);
		json_put_boolean(w, "source", a->list[i].kind != DEVICE_NONE);
		json_end_object(w);
	}
	json_end_array(w);
	json_end_object(w);
	if (rc == 0)
		rc = json_writer_finish(w, out);
	if (rc == 0)
		(void)printf("%s\n", buf_str(out));
	buf_free(out);
	json_writer_free(w);
	return rc;
}

static int print_devices(const struct assessment *a)
{
	if (a->conf->json)
		return print_devices_json(a);
	for (size_t i = 0; i < a->n; i++)
		(void)printf("%-14s %s\n", a->list[i].path, a->list[i].what);
	return 0;
}

/* The path that was given, or configured, or the only one that is a source. */
static int choose_source(
    const struct assessment *a, const char **path, struct err *err)
{
	const struct conf *conf = a->conf;
	size_t may = 0;

	*path = conf->assess.object;
	if (*path == NULL && conf_sets_device(conf))
		*path = conf->device;
	if (conf->assess.object == NULL && *path != NULL &&
	    strchr(*path, ',') != NULL)
		return err_set(err, ERR_USAGE,
		    "device names several sources: name one of them with "
		    "--assess DEVICE");
	if (*path != NULL)
		return 0;
	for (size_t i = 0; i < a->n; i++) {
		may += a->list[i].kind != DEVICE_NONE;
		if (a->list[i].kind == DEVICE_SOURCE)
			*path = a->list[i].path;
	}
	if (may == 1 && *path != NULL)
		return 0;
	if (print_devices(a) != 0)
		return err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	if (may == 0)
		return err_set(err, ERR_ABSENT,
		    "no hardware generator is here: plug one in, or load its "
		    "driver");
	return err_set(err, ERR_USAGE,
	    "only people know which of these is a source: name it with "
	    "--assess DEVICE");
}

/* A new file that only its owner can read; *fd stays -1 without a path. */
static int create_output(const char *path, int *fd, struct err *err)
{
	if (path == NULL)
		return 0;
	*fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd >= 0)
		return 0;
	if (errno == EEXIST)
		return err_set(err, ERR_CONFIG,
		    "%s is there already: remove it, or name another file",
		    path);
	return err_errno(err, ERR_IO, "cannot create %s", path);
}

static int take_piece(
    void *ctx, const uint8_t *data, size_t len, struct err *err)
{
	struct assessment *a = ctx;
	int rc = 0;

	statistics_feed(&a->report.statistics, data, len);
	margins_feed(&a->report.margins, data, len);
	if (a->dump_fd >= 0 && file_write(a->dump_fd, data, len) != 0)
		rc = err_errno(err, ERR_IO, "cannot write %s", a->report.dump);
	if (rc == 0)
		rc = nist_feed(&a->nist, data, len, err);
	return rc;
}

static void show_progress(void *ctx, const struct sample *sample)
{
	struct assessment *a = ctx;

	progress_show(&a->progress, sample);
}

/* All that needs rights, before they are given up. */
static int open_all(struct assessment *a, struct err *err)
{
	struct report *r = &a->report;
	int rc = source_open(&a->source, r->path, err);

	if (rc == 0 &&
	    !margins_begin(&r->margins, r->bits_per_byte, (size_t)r->block))
		rc = err_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	if (rc == 0)
		rc = create_output(r->dump, &a->dump_fd, err);
	if (rc == 0)
		rc = create_output(r->restarts, &a->restarts_fd, err);
	/* An empty file would be in the way of the next try. */
	if (rc != 0 && a->dump_fd >= 0)
		(void)unlink(r->dump);
	if (rc == 0 && split_stop_fd(&a->stop_fd) != 0)
		rc = err_errno(err, ERR_IO, "cannot wait for SIGINT");
	if (rc == 0)
		rc = nist_start(&a->nist, a->stop_fd, err);
	return rc;
}

static void close_all(struct assessment *a)
{
	const int fds[] = {a->dump_fd, a->restarts_fd, a->stop_fd};

	progress_end(&a->progress);
	nist_end(&a->nist);
	margins_end(&a->report.margins);
	source_close(&a->source);
	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

/* Restarts open the device, and set a terminal's mode, which confine_calls()
 * forbids: so they come first. */
static int read_restarts(struct assessment *a, struct err *err)
{
	int rc;

	if (a->restarts_fd < 0)
		return 0;
	progress_say(&a->progress, "1,000 restarts of 1,000 bytes");
	rc = restarts_write(a->report.path, a->restarts_fd, &a->clock, err);
	/* A part of the matrix would look like a result. */
	if (rc != 0)
		(void)unlink(a->report.restarts);
	return rc;
}

static int read_sample(struct assessment *a, struct err *err)
{
	struct sample *s = &a->report.sample;
	const long asked = a->conf->assess.bytes;

	*s = (struct sample){.source = &a->source,
	    .clock = &a->clock,
	    .take = take_piece,
	    .progress = show_progress,
	    .ctx = a,
	    .wanted = asked > 0           ? (uint64_t)asked
		      : a->source.regular ? 0
					  : DEVICE_BYTES};
	return sample_read(s, err);
}

static int print_report(struct assessment *a, struct err *err)
{
	struct report *r = &a->report;
	int rc = 0;

	progress_say(&a->progress, "NIST's tool computes, which takes a while");
	nist_ask(&a->nist, &r->nist);
	progress_end(&a->progress);
	report_judge(r);
	if (a->conf->json)
		rc = report_print_json(r, stdout);
	else
		report_print(r, stdout);
	if (rc == 0 && fflush(stdout) != 0)
		rc = ERR_IO;
	return rc == 0 ? 0 : err_errno(err, rc, "cannot print the assessment");
}

static int judge_sample(const struct report *r, struct err *err)
{
	enum margin_test first = MARGIN_REPETITION;

	if (margins_fail(&r->margins, &first))
		return err_set(err, ERR_SOURCE,
		    "%s fails the %s with bits-per-byte = %.10g: %u came, and "
		    "%u are an alarm",
		    r->path, margins_name(first), r->bits_per_byte,
		    r->margins.margin[first].most,
		    r->margins.margin[first].cutoff);
	if (r->sample.end == SAMPLE_SILENT)
		return err_set(err, ERR_TIMEOUT,
		    "%s gave no byte for %d s: is the hardware alive?", r->path,
		    SAMPLE_SILENCE_MS / 1000);
	return 0;
}

static int run_assessment(struct assessment *a, struct err *err)
{
	struct report *r = &a->report;
	int rc = open_all(a, err);

	if (rc == 0)
		rc = read_restarts(a, err);
	if (rc == 0)
		rc = producer_confine_offline(err);
	if (rc == 0)
		rc = read_sample(a, err);
	progress_end(&a->progress);
	if (rc != 0 && r->statistics.total > 0) {
		log_error("%s", err->text);
		*err = (struct err){.code = rc, .told = true};
	} else if (rc == 0 && r->statistics.total == 0) {
		rc = err_set(err, ERR_SOURCE, "%s has given no byte: %s",
		    r->path, sample_explain(r->sample.end));
	}
	if (r->statistics.total > 0) {
		const int printed = print_report(a, err);

		rc = rc != 0 ? rc : printed;
	}
	return rc != 0 ? rc : judge_sample(r, err);
}

int assess(const struct conf *conf, struct err *err)
{
	static struct assessment a;
	int rc;

	a = (struct assessment){.conf = conf,
	    .source.fd = -1,
	    .dump_fd = -1,
	    .restarts_fd = -1,
	    .stop_fd = -1,
	    .nist.sample = -1,
	    .nist.runner.fd = -1,
	    .progress = progress_on(stderr)};
	a.clock = clock_system(&a.stop_fd);
	a.n = devices_find("", a.list);
	rc = choose_source(&a, &a.report.path, err);
	if (rc != 0)
		return rc;
	a.report.what = devices_describe(a.list, a.n, a.report.path);
	a.report.bits_per_byte = conf->bits_per_byte;
	a.report.block = conf->message_bytes;
	a.report.dump = conf->assess.dump;
	a.report.restarts = conf->assess.restarts;
	a.report.histogram =
	    isatty(STDOUT_FILENO) == 1 || conf->common.verbose > 0;
	rc = run_assessment(&a, err);
	close_all(&a);
	return rc;
}

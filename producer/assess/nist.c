/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/assess/nist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "producer/assess/estimates.h"

#define NOBODY     "nobody"
#define OUTPUT_MAX ((size_t)65536)
/* 8: bits of a symbol; without it the tool counts what it sees. */
#define LINE       NIST_TOOL " -v -i -a /dev/stdin 8"

/* A number of bits, at most 8, and the text behind it; NULL, and *value
 * unchanged: there is none. */
static const char *read_bits(const char *text, double *value)
{
	char *end;
	const double x = strtod(text, &end);

	if (end == text || !(x >= 0 && x <= 8))
		return NULL;
	*value = x;
	return end;
}

/* "NAME = VALUE / BITS bit(s)", or false. */
static bool read_estimate(const char *text, struct nist_line *line)
{
	static const char equals[] = " = ";
	const char *end = text + strcspn(text, "\n"), *value;
	size_t len;

	text += strspn(text, " \t");
	value = strstr(text, equals);
	if (value == NULL || value > end)
		return false;
	len = (size_t)(value - text);
	value = read_bits(value + strlen(equals), &line->value);
	if (value == NULL || len >= sizeof line->name)
		return false;
	memcpy(line->name, text, len);
	line->name[len] = '\0';
	text_make_printable(line->name, len);
	line->bits = strncmp(value, " / 8 bit(s)", 11) == 0 ? 8 : 1;
	return line->bits == 8 || strncmp(value, " / 1 bit(s)", 11) == 0;
}

static bool read_total(const char *text, const char *name, double *value)
{
	const size_t len = strlen(name);

	return strncmp(text, name, len) == 0 &&
	       read_bits(text + len, value) != NULL;
}

bool nist_parse(const char *text, struct nist *out)
{
	bool original = false, bitstring = false, least = false;
	struct nist_line line;

	*out = (struct nist){.known = false};
	for (; text != NULL; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (*text == '\0')
			break;
		if (out->n < NIST_LINES && read_estimate(text, &line))
			out->lines[out->n++] = line;
		original |= read_total(text, "H_original: ", &out->original);
		bitstring |= read_total(text, "H_bitstring: ", &out->bitstring);
		least |= read_total(
		    text, "min(H_original, 8 X H_bitstring): ", &out->least);
	}
	out->known = original && bitstring && least && out->n > 0;
	return out->known;
}

/* The command, if a directory of PATH has it. */
static const struct words *find_tool(void *ctx)
{
	struct nist_run *run = ctx;
	const char *path = getenv("PATH");
	char file[4096];

	while (path != NULL && *path != '\0') {
		const int len = (int)strcspn(path, ":");

		(void)snprintf(file, sizeof file, "%.*s/" NIST_TOOL, len, path);
		if (len > 0 && access(file, X_OK) == 0 &&
		    words_split(&run->command, LINE) == 0)
			return &run->command;
		path += len + (path[len] == ':');
	}
	return NULL;
}

static void keep_all(void *ctx)
{
	(void)ctx; /* the runner itself closes what it does not need */
}

int nist_start(struct nist_run *run, int cancel_fd, struct err *err)
{
	struct runner_plan plan = {.user = NOBODY,
	    .find = find_tool,
	    .leave = keep_all,
	    .ctx = run,
	    .cancel_fd = cancel_fd};
	int rc;

	*run = (struct nist_run){.runner.fd = -1, .held = 0};
	run->sample = memfd_create("sample", MFD_CLOEXEC);
	if (run->sample < 0)
		return err_errno(err, ERR_IO, "cannot keep a sample in memory");
	plan.input_fd = run->sample;
	rc = runner_start(&run->runner, &plan, err);
	if (rc != 0)
		nist_end(run);
	return rc;
}

int nist_feed(
    struct nist_run *run, const uint8_t *data, size_t len, struct err *err)
{
	const size_t room = ESTIMATES_SAMPLES - run->held;
	const size_t n = len < room ? len : room;

	if (run->runner.fd < 0 || n == 0)
		return 0;
	run->held += n;
	return file_write(run->sample, data, n) == 0
		   ? 0
		   : err_errno(err, ERR_IO, "cannot keep the sample in memory");
}

void nist_ask(struct nist_run *run, struct nist *out)
{
	const int64_t deadline = clock_read(CLOCK_MONOTONIC) + NIST_MS;
	struct buf *text;
	struct err err = {0};

	*out = (struct nist){.known = false};
	if (run->runner.fd < 0) {
		(void)snprintf(out->why, sizeof out->why,
		    "not here: Debian has it in " NIST_PACKAGE);
		return;
	}
	if (run->held < ESTIMATES_SAMPLES) {
		(void)snprintf(out->why, sizeof out->why,
		    "not asked: it needs 1,000,000 bytes");
		return;
	}
	text = buf_new(OUTPUT_MAX);
	if (text == NULL)
		(void)err_set(&err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
	else if (runner_ask(&run->runner, text, deadline, &err) == 0 &&
		 !nist_parse(buf_str(text), out))
		(void)err_set(&err, ERR_FORMAT, "printed no result");
	if (!out->known)
		(void)snprintf(out->why, sizeof out->why, "%.*s",
		    (int)sizeof out->why - 1, err.text);
	buf_free(text);
}

void nist_end(struct nist_run *run)
{
	if (run->runner.fd >= 0)
		(void)close(run->runner.fd);
	if (run->sample >= 0)
		(void)close(run->sample);
	run->runner.fd = run->sample = -1;
}

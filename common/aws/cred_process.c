/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cred_document.h"
#include "json/parse.h"

#define KEY          "credential_process"
#define FIRST_WAIT   500
#define LONGEST_WAIT 4000
#define LEAST_RUN    500 /* what is left to the last run at least */
#define FROM_MAX     160

struct cred_process {
	struct shared_files *files;
	const struct clock *clock;
	bool patient;
	struct buf *line; /* that words are of; empty: none */
	struct words words;
	cred_process_run *run; /* NULL: nobody does */
	void *ctx;
};

/* ---- the document */

static int explain_document(const char *from, const char *what, struct err *err)
{
	return err_set(err, ERR_NOCRED, "%s %s", from, what);
}

int cred_process_document(
    const struct buf *text, const char *from, struct cred *out, struct err *err)
{
	static const struct cred_document form = {.access_key = "AccessKeyId",
	    .secret_key = "SecretAccessKey",
	    .token = "SessionToken",
	    .expiration = "Expiration",
	    .may_last = true};
	const struct json *version;
	struct json *root = NULL;
	int64_t number = 0;
	int rc = json_parse(buf_data(text), buf_len(text), &root);

	if (rc == ERR_NOMEM)
		return err_set(err, rc, "out of memory");
	version = json_get(root, "Version");
	if (rc != 0)
		rc = explain_document(
		    from, "wrote something else than one JSON document", err);
	else if (!json_is_object(root))
		rc = explain_document(from, "wrote no JSON object", err);
	else if (json_string(version) != NULL ||
		 json_integer(version, &number) != 0 || number != 1)
		rc = explain_document(
		    from, "wrote a document whose Version is not 1", err);
	else
		rc = cred_document_take(root, &form, from, out, err);
	json_free(root);
	if (rc == ERR_FORMAT)
		err->code = rc = ERR_NOCRED;
	return rc;
}

/* ---- the command */

static int split_command(
    const char *line, const char *profile, struct words *words, struct err *err)
{
	const int rc = words_split(words, line);

	if (rc == 0 && words->n > 0)
		return 0;
	return err_set(err, ERR_CONFIG, KEY " of profile %.100s %s", profile,
	    rc == ERR_LIMIT    ? "is too long"
	    : rc == ERR_FORMAT ? "has a quote that is not closed, or nothing "
				 "behind a backslash: correct it"
			       : "is empty: write a command, or remove it");
}

int cred_process_find(
    struct cred_process *p, const struct words **words, struct err *err)
{
	const char *line, *profile;
	struct shared *s;
	int rc = shared_read(p->files, &s, err);

	*words = NULL;
	buf_reset(p->line);
	if (rc != 0)
		return rc;
	profile = shared_last_profile(s);
	line = shared_get(s, profile, KEY);
	if (line != NULL)
		rc = split_command(line, profile, &p->words, err);
	if (line != NULL && rc == 0) {
		*words = &p->words;
		if (buf_addstr(p->line, line) != 0)
			rc = err_set(err, ERR_NOMEM, "out of memory");
	}
	shared_free(s);
	return rc;
}

/* ---- one run, or several */

static int run_once(struct cred_process *p, const char *from, struct cred *out,
    int64_t deadline, struct err *err)
{
	struct buf *text = buf_new(CRED_PROCESS_OUTPUT_MAX);
	struct err why = {0};
	int rc;

	if (text == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = p->run(p->ctx, text, deadline, &why);
	if (rc == 0)
		rc = cred_process_document(text, from, out, err);
	else
		(void)err_set(err, rc, "%s %s%s", from, why.text,
		    rc == ERR_EOF || rc == ERR_CANCELED ? ""
							: " (try it by hand)");
	buf_free(text);
	if (rc == ERR_IO || rc == ERR_LIMIT)
		err->code = rc = ERR_NOCRED;
	if (rc == 0 && out->expires != 0 &&
	    out->expires <= clock_wall(p->clock))
		rc = err_set(err, ERR_NOCRED,
		    "%s gave credentials that have expired: is this machine's "
		    "clock right?",
		    from);
	return rc;
}

static int run_patiently(struct cred_process *p, const char *from,
    struct cred *out, int64_t deadline, struct err *err)
{
	int64_t wait = FIRST_WAIT, left;
	int rc = run_once(p, from, out, deadline, err), stopped;

	while (p->patient && rc == ERR_NOCRED) {
		left = deadline - LEAST_RUN - clock_mono(p->clock);
		if (left <= 0)
			break;
		stopped = clock_sleep(p->clock, wait < left ? wait : left);
		if (stopped != 0)
			return err_set(err, stopped, "%s", err_text(stopped));
		rc = run_once(p, from, out, deadline, err);
		wait = 2 * wait < LONGEST_WAIT ? 2 * wait : LONGEST_WAIT;
	}
	return rc;
}

/* *same: it is the one that somebody runs. */
static int find_line(const struct cred_process *p, const char *profile,
    bool *same, struct err *err)
{
	static struct words now;
	const char *line;
	struct shared *s;
	int rc = shared_read(p->files, &s, err);

	if (rc != 0)
		return rc;
	line = shared_get(s, profile, KEY);
	if (line == NULL)
		rc = err_set(
		    err, ERR_ABSENT, "profile %.100s has no " KEY, profile);
	else
		rc = split_command(line, profile, &now, err);
	*same = rc == 0 && line != NULL && buf_len(p->line) > 0 &&
		strcmp(buf_str(p->line), line) == 0;
	explicit_bzero(&now, sizeof now);
	shared_free(s);
	return rc;
}

int cred_process_check(
    struct cred_process *p, const char *profile, struct err *err)
{
	bool same;

	return find_line(p, profile, &same, err);
}

int cred_process_load(struct cred_process *p, const char *profile,
    struct cred *out, int64_t deadline, struct err *err)
{
	char from[FROM_MAX];
	bool same;
	int rc = find_line(p, profile, &same, err);

	if (rc != 0)
		return rc;
	(void)snprintf(from, sizeof from, KEY " of profile %.100s", profile);
	/* The process that runs it has the words of its start. */
	if (p->run == NULL || !same)
		return err_set(err, ERR_EOF,
		    "%s was %s since this program was started, and it runs no "
		    "other: start the program anew",
		    from, p->run == NULL ? "added" : "changed");
	return run_patiently(p, from, out, deadline, err);
}

/* ---- made and freed */

struct cred_process *cred_process_new(
    struct shared_files *files, const struct clock *clock, bool patient)
{
	struct cred_process *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->files = files;
	p->clock = clock;
	p->patient = patient;
	p->line = buf_new(WORDS_TEXT_MAX);
	if (p->line != NULL)
		return p;
	free(p);
	return NULL;
}

void cred_process_free(struct cred_process *p)
{
	if (p == NULL)
		return;
	buf_free(p->line);
	explicit_bzero(&p->words, sizeof p->words);
	free(p);
}

void cred_process_connect(
    struct cred_process *p, cred_process_run *run, void *ctx)
{
	p->run = run;
	p->ctx = ctx;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/findings.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "json/text.h"

#define LEVEL_WIDTH 9 /* columns of the longest name of a level */

static const char *const level_names[] = {[FINDING_OK] = "ok",
    [FINDING_WARNING] = "warning",
    [FINDING_FAIL] = "FAIL",
    [FINDING_NOT_ASKED] = "not asked"};

int findings_open(struct findings *all, FILE *to, bool json, struct err *err)
{
	*all = (struct findings){.to = to};
	if (!json)
		return 0;
	all->json = json_writer_new();
	if (all->json == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	json_begin_object(all->json, NULL);
	json_begin_array(all->json, "findings");
	return 0;
}

void findings_send(struct findings *all,
    void (*send)(void *ctx, const struct finding *f), void *ctx)
{
	*all = (struct findings){.send = send, .ctx = ctx};
}

/* ---- one finding */

static void print_finding(const struct finding *f, FILE *to)
{
	(void)fprintf(to, "%-*s  %s: %s\n", LEVEL_WIDTH, level_names[f->level],
	    f->name, f->text);
	if (f->remedy[0] != '\0')
		(void)fprintf(to, "%*s  -> %s\n", LEVEL_WIDTH, "", f->remedy);
	(void)fflush(to);
}

static void put_finding(struct json_writer *w, const struct finding *f)
{
	json_begin_object(w, NULL);
	json_put_string(w, "level", level_names[f->level]);
	json_put_string(w, "name", f->name);
	json_put_string(w, "text", f->text);
	if (f->remedy[0] != '\0')
		json_put_string(w, "remedy", f->remedy);
	if (f->level == FINDING_FAIL)
		json_put_integer(w, "exit", err_exit(f->code));
	json_end_object(w);
}

static void report_finding(struct findings *all, const struct finding *f)
{
	all->n[f->level]++;
	if (f->level == FINDING_FAIL && all->code == 0)
		all->code = f->code;
	if (all->send != NULL)
		all->send(all->ctx, f);
	else if (all->json != NULL)
		put_finding(all->json, f);
	else
		print_finding(f, all->to);
}

/* What is not printable would be no UTF-8 for JSON, or move the cursor. */
static void make_printable(struct finding *f)
{
	text_make_printable(f->name, strlen(f->name));
	text_make_printable(f->text, strlen(f->text));
	text_make_printable(f->remedy, strlen(f->remedy));
}

static bool ends_within(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

bool findings_take(struct findings *all, const struct finding *f)
{
	struct finding own = *f;

	if (f->level < 0 || f->level >= FINDING_LEVELS ||
	    !ends_within(f->name, sizeof f->name) ||
	    !ends_within(f->text, sizeof f->text) ||
	    !ends_within(f->remedy, sizeof f->remedy) ||
	    (f->level == FINDING_FAIL && f->code >= 0))
		return false;
	make_printable(&own);
	report_finding(all, &own);
	return true;
}

__attribute__((format(printf, 5, 0))) static void add_finding(
    struct findings *all, struct finding *f, const char *name,
    const char *remedy, const char *fmt, va_list ap)
{
	char whole[2 * FINDING_TEXT_MAX];

	if (vsnprintf(whole, sizeof whole, fmt, ap) < 0)
		whole[0] = '\0';
	text_shorten(f->text, sizeof f->text, whole, strlen(whole));
	if (remedy != NULL)
		text_shorten(
		    f->remedy, sizeof f->remedy, remedy, strlen(remedy));
	(void)snprintf(f->name, sizeof f->name, "%s", name);
	make_printable(f);
	report_finding(all, f);
}

void findings_ok(struct findings *all, const char *name, const char *fmt, ...)
{
	struct finding f = {.level = FINDING_OK};
	va_list ap;

	va_start(ap, fmt);
	add_finding(all, &f, name, NULL, fmt, ap);
	va_end(ap);
}

void findings_not_asked(
    struct findings *all, const char *name, const char *fmt, ...)
{
	struct finding f = {.level = FINDING_NOT_ASKED};
	va_list ap;

	va_start(ap, fmt);
	add_finding(all, &f, name, NULL, fmt, ap);
	va_end(ap);
}

void findings_warn(struct findings *all, const char *name, const char *remedy,
    const char *fmt, ...)
{
	struct finding f = {.level = FINDING_WARNING};
	va_list ap;

	va_start(ap, fmt);
	add_finding(all, &f, name, remedy, fmt, ap);
	va_end(ap);
}

void findings_fail(struct findings *all, int code, const char *name,
    const char *remedy, const char *fmt, ...)
{
	struct finding f = {.level = FINDING_FAIL, .code = code};
	va_list ap;

	va_start(ap, fmt);
	add_finding(all, &f, name, remedy, fmt, ap);
	va_end(ap);
}

void findings_err(struct findings *all, const char *name, const struct err *err)
{
	findings_fail(all, err->code, name, NULL, "%s",
	    err->text[0] != '\0' ? err->text : err_text(err->code));
}

/* ---- the end */

static void print_counts(const struct findings *all)
{
	(void)fprintf(all->to,
	    "%zu ok, %zu warning%s, %zu FAIL, %zu not asked\n",
	    all->n[FINDING_OK], all->n[FINDING_WARNING],
	    all->n[FINDING_WARNING] == 1 ? "" : "s", all->n[FINDING_FAIL],
	    all->n[FINDING_NOT_ASKED]);
}

static int write_document(struct findings *all, struct err *err)
{
	struct json_writer *w = all->json;
	struct buf *text = buf_new(JSON_TEXT_MAX);
	int rc = ERR_NOMEM;

	json_end_array(w);
	json_put_integer(w, "exit", err_exit(all->code));
	json_end_object(w);
	if (text != NULL)
		rc = json_writer_finish(w, text);
	if (rc == 0)
		(void)fprintf(all->to, "%s\n", buf_str(text));
	else
		(void)err_set(
		    err, rc, "cannot write the findings: %s", err_text(rc));
	buf_free(text);
	json_writer_free(w);
	all->json = NULL;
	return rc;
}

int findings_close(struct findings *all, struct err *err)
{
	int rc = 0;

	if (all->json != NULL)
		rc = write_document(all, err);
	else
		print_counts(all);
	if (rc == 0 && (fflush(all->to) != 0 || ferror(all->to)))
		rc = err_errno(err, ERR_IO, "cannot write the findings");
	if (rc == 0 && all->code != 0)
		rc = err_told(err, all->code);
	return rc;
}

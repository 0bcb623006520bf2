/* SPDX-License-Identifier: Apache-2.0 */
/* A step of --setup: the configuration file names the queue. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/url.h"
#include "config/conffile.h"
#include "producer/setup/setup.h"
#include "producer/setup/write.h"
#include "sqs/place.h"

#define FILE_MAX  ((size_t)65536) /* as conffile.h has it */
#define FILE_MODE 0644

static const char head[] =
    "# Written by sqs-entropy-producer --setup; sqs-entropy-producer.conf(5) "
    "has all\n# that can be set.\n";

/* The file as it is, and what is to be in it. */
struct plan {
	const char *path;
	struct buf *text;        /* empty: there is no file */
	struct conf has;         /* what the file says */
	int lines[SETTINGS_MAX]; /* where */
	struct buf *queue;       /* to be set */
	struct buf *region;      /* the same; empty: none */
};

static size_t row_of(const char *name)
{
	return (size_t)(settings_find(&conf_program.settings, name) -
			conf_program.settings.rows);
}

static int read_values(
    const char *path, struct conf *conf, int lines[], struct err *err)
{
	int rc = settings_set_defaults(&conf_program.settings, conf, err);

	if (rc == 0)
		rc = conffile_read(
		    path, &conf_program.settings, conf, lines, err);
	if (rc == ERR_ABSENT)
		rc = err->code = 0;
	return rc;
}

static int read_conf_text(struct plan *p, struct err *err)
{
	uint8_t *space;
	size_t len = 0;
	int rc = buf_extend(p->text, FILE_MAX, &space);

	if (rc == 0)
		rc = file_read(p->path, space, FILE_MAX, &len);
	buf_truncate(p->text, len);
	if (rc == 0 || rc == ERR_ABSENT)
		return 0;
	return err_errno(err, rc, "cannot read %s", p->path);
}

static int open_plan(struct plan *p, const char *path, struct err *err)
{
	int rc;

	p->path = path;
	p->text = buf_new(FILE_MAX);
	p->queue = buf_new(ASK_LINE_MAX);
	p->region = buf_new(ASK_LINE_MAX);
	if (p->text == NULL || p->queue == NULL || p->region == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = read_values(path, &p->has, p->lines, err);
	return rc != 0 ? rc : read_conf_text(p, err);
}

static void close_plan(struct plan *p)
{
	buf_free(p->text);
	buf_free(p->queue);
	buf_free(p->region);
}

static int choose_queue(const struct setup *s, struct plan *p, struct err *err)
{
	const char *queue = s->asked->setup_queue;
	struct place place;
	int rc;

	if (queue == NULL)
		queue = p->has.common.queues[0];
	if (queue[0] != '\0')
		rc = buf_addstr(p->queue, queue);
	else
		rc = ask_needed(
		    "URL, ARN or name of the queue", false, p->queue, err);
	if (rc == 0)
		rc = place_find_queue("sqs", buf_str(p->queue), &place, err);
	if (rc != 0 && err->code == 0)
		return err_set(err, rc, "queue: %s", err_text(rc));
	return rc;
}

/* Only a name needs one: the others say it themselves. */
static int choose_region(struct plan *p, struct err *err)
{
	const char *queue = buf_str(p->queue);
	int rc;

	if (arn_is_meant(queue) || url_is_meant(queue) ||
	    p->has.common.region[0] != '\0')
		return 0;
	rc = ask_needed("region of the queue", false, p->region, err);
	if (rc != 0 || arn_is_region(buf_str(p->region)))
		return rc;
	return err_set(err, ERR_USAGE,
	    "\"%.64s\" is no name of a region, such as eu-west-1",
	    buf_str(p->region));
}

static bool has_queue(const struct conf *conf, const char *queue)
{
	for (size_t i = 0; i < arn_count_queues(conf->common.queues); i++)
		if (strcmp(conf->common.queues[i], queue) == 0)
			return true;
	return false;
}

static int add_setting(
    struct buf *to, const char *name, const char *value, struct err *err)
{
	const struct setting *row = settings_find(&conf_program.settings, name);
	char *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);
	int rc = ERR_NOMEM;

	if (stream != NULL) {
		settings_print_text(row, value, stream);
		(void)fputc('\n', stream);
		rc = fclose(stream) == 0 ? buf_addstr(to, text) : ERR_NOMEM;
	}
	free(text);
	return rc == 0 ? 0 : err_set(err, rc, "%s: too large", name);
}

/* The bytes of the text before line n, and behind it. */
static void find_text_line(
    const struct buf *text, int n, size_t *before, size_t *behind)
{
	const char *at = buf_str(text);

	while (--n > 0 && strchr(at, '\n') != NULL)
		at = strchr(at, '\n') + 1;
	*before = (size_t)(at - buf_str(text));
	at += strcspn(at, "\n");
	*behind = (size_t)(at - buf_str(text)) + (*at == '\n' ? 1 : 0);
}

/* The text with another queue in the place of its line; at the end where it
 * has none. */
static int edit_text(const struct plan *p, struct buf *to, struct err *err)
{
	const size_t len = buf_len(p->text);
	size_t before = len, behind = len;
	int rc = 0;

	if (len == 0)
		rc = buf_addstr(to, head);
	if (p->lines[row_of("queue")] > 0)
		find_text_line(
		    p->text, p->lines[row_of("queue")], &before, &behind);
	if (rc == 0)
		rc = buf_add(to, buf_data(p->text), before);
	if (rc == 0 && before > 0 && buf_str(p->text)[before - 1] != '\n')
		rc = buf_addstr(to, "\n");
	if (rc == 0)
		rc = add_setting(to, "queue", buf_str(p->queue), err);
	if (rc == 0 && buf_len(p->region) > 0)
		rc = add_setting(to, "region", buf_str(p->region), err);
	if (rc == 0)
		rc = buf_add(to, buf_data(p->text) + behind, len - behind);
	if (rc != 0 && err->code == 0)
		return err_set(err, rc, "%s: too large", p->path);
	return rc;
}

/* All that a file says, but for the queue and its region. */
static char *print_others(const struct plan *p, const struct conf *conf)
{
	const struct setting *row = conf_program.settings.rows;
	const bool region = buf_len(p->region) > 0;
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (to == NULL)
		return NULL;
	for (size_t i = 0; i < conf_program.settings.n; i++, row++)
		if ((row->layers & SETTING_FILE) != 0 &&
		    strcmp(row->name, "queue") != 0 &&
		    (!region || strcmp(row->name, "region") != 0)) {
			settings_print(row, conf, to);
			(void)fputc('\n', to);
		}
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}

static bool says_the_same(const struct plan *p, const struct conf *got)
{
	char *had = print_others(p, &p->has), *has = print_others(p, got);
	const bool same = had != NULL && has != NULL && strcmp(had, has) == 0;

	free(had);
	free(has);
	return same;
}

/* The new file says what it has to and, beside that, what the old one said: a
 * queue that is set in several lines is not edited. */
static int check_edit(const struct plan *p, const char *path, struct err *err)
{
	struct conf *got = calloc(1, sizeof *got);
	int lines[SETTINGS_MAX] = {0};
	struct err why = {0};
	bool good;

	if (got == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	good = read_values(path, got, lines, &why) == 0 &&
	       strcmp(got->common.queues[0], buf_str(p->queue)) == 0 &&
	       got->common.queues[1][0] == '\0' && says_the_same(p, got);
	free(got);
	if (good)
		return 0;
	return err_set(err, ERR_CONFIG,
	    "%s sets queue in a way that --setup does not edit: write the "
	    "queue there yourself, and start again",
	    p->path);
}

static int write_text(struct plan *p, const struct buf *text, struct err *err)
{
	char tried[PATH_MAX + 8];
	bool changed;
	int rc;

	(void)snprintf(tried, sizeof tried, "%s.try", p->path);
	rc = write_whole(tried, text, FILE_MODE, false, &changed, err);
	if (rc == 0)
		rc = check_edit(p, tried, err);
	(void)unlink(tried);
	if (rc == 0)
		rc = write_whole(p->path, text, FILE_MODE, true, &changed, err);
	return rc;
}

static int make_conf_directory(const char *path, struct err *err)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return 0;
	(void)snprintf(
	    directory, sizeof directory, "%.*s", (int)(slash - path), path);
	if (mkdir(directory, 0755) == 0 || access(directory, F_OK) == 0)
		return 0;
	return err_errno(err, ERR_PERM, "cannot make %s", directory);
}

static int write_plan(struct setup *s, struct plan *p, struct err *err)
{
	const char *had = p->has.common.queues[0];
	struct buf *text = buf_new(FILE_MAX);
	char question[2 * LIMIT_URL + 64];
	bool yes = true;
	int rc = 0;

	if (text == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	(void)snprintf(question, sizeof question,
	    "%s has the queue %s: replace it by %s?", p->path, had,
	    buf_str(p->queue));
	if (had[0] != '\0')
		rc = ask_whether(&s->ask, question, &yes, err);
	if (rc == 0 && !yes)
		rc = err_set(err, ERR_CONFIG,
		    "%s keeps the queue %s: start --setup without another one",
		    p->path, had);
	if (rc == 0)
		rc = make_conf_directory(p->path, err);
	if (rc == 0)
		rc = edit_text(p, text, err);
	if (rc == 0)
		rc = write_text(p, text, err);
	if (rc == 0)
		findings_ok(&s->all, "configuration", "%s has queue = %s%s",
		    p->path, buf_str(p->queue),
		    had[0] != '\0' ? " now; the old file is kept as .bak" : "");
	buf_free(text);
	s->changed = true;
	return rc;
}

/* As the service will read it, with the key of the unit. */
static int load_again(struct setup *s, struct err *err)
{
	const char *path = s->asked->common.file;
	char name[] = "sqs-entropy-producer", check[] = "--check";
	char config[] = "--config", file[PATH_MAX];
	char *argv[] = {name, check, config, file, NULL};
	const int argc = path == conf_program.file ? 2 : 4;

	(void)snprintf(file, sizeof file, "%s", path);
	argv[argc] = NULL;
	return program_load(&conf_program, &s->conf, argc, argv, err);
}

int setup_configuration(struct setup *s, struct err *err)
{
	struct plan *p = calloc(1, sizeof *p);
	int rc;

	if (p == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = open_plan(p, s->asked->common.file, err);
	if (rc == 0)
		rc = choose_queue(s, p, err);
	if (rc == 0 && has_queue(&p->has, buf_str(p->queue)))
		findings_ok(&s->all, "configuration", "%s has the queue %s",
		    p->path, buf_str(p->queue));
	else if (rc == 0) {
		rc = choose_region(p, err);
		if (rc == 0)
			rc = write_plan(s, p, err);
	}
	close_plan(p);
	free(p);
	return rc == 0 ? load_again(s, err) : rc;
}

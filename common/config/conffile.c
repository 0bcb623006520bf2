/* SPDX-License-Identifier: Apache-2.0 */
#include "config/conffile.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define FILE_MAX   65536 /* bytes */
#define ORIGIN_MAX 320   /* bytes of "FILE:LINE: key" */
/* bytes of the list of keys in an error */
#define KEYS_MAX   ((size_t)24 * SETTINGS_MAX)

struct reader;

/* A row, and where its callback finds the reader. */
struct slot {
	char *ignored; /* libconfuse's own copy; first, see on_value() */
	const struct setting *row;
	struct reader *reader;
};

struct reader {
	const char *path;
	const struct settings *settings;
	struct slot slots[SETTINGS_MAX]; /* of the rows that have a key */
	size_t n;
	void
	    *conf; /* a copy, so that a bad file leaves the real one as it is */
	int *lines;
	struct err *err; /* its code is 0 until a mistake is found */
};

/* True for the first value behind an "=".  libconfuse sets the flag there, and
 * leaves it to whoever takes the values. */
static bool is_first(cfg_opt_t *opt)
{
	const bool first = (opt->flags & CFGF_RESET) != 0;

	opt->flags &= ~CFGF_RESET;
	return first;
}

/* libconfuse: an option has a value, of which a list has several. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct slot *slot = (void *)opt->simple_value.ptr;
	struct reader *r = slot->reader;
	int *line = &r->lines[slot->row - r->settings->rows];
	const bool first = is_first(opt);
	char origin[ORIGIN_MAX];

	*(const char **)result = "";
	(void)snprintf(origin, sizeof origin, "%s:%d: %s", r->path, cfg->line,
	    slot->row->name);
	if (*line != 0 && first)
		return err_set(r->err, ERR_CONFIG,
		    "%s: given twice, first in line %d; remove one", origin,
		    *line);
	if (*line == 0 && slot->row->kind == SETTING_LIST)
		settings_clear(slot->row, r->conf);
	if (*line == 0)
		*line = cfg->line;
	return settings_set(slot->row, r->conf, origin, value, r->err);
}

static void list_keys(const struct reader *r, char keys[static KEYS_MAX])
{
	size_t len = 0;

	keys[0] = '\0';
	for (size_t i = 0; i < r->n && len < KEYS_MAX; i++)
		len += (size_t)snprintf(keys + len, KEYS_MAX - len, "%s%s",
		    i > 0 ? ", " : "", r->slots[i].row->name);
}

/* libconfuse: the grammar is not kept or the key is unknown.  The callback has
 * no context but cfg, whose first row leads to the reader. */
__attribute__((format(printf, 2, 0))) static void on_error(
    cfg_t *cfg, const char *fmt, va_list ap)
{
	cfg_opt_t *first = cfg_getnopt(cfg, 0);
	struct reader *r =
	    ((struct slot *)(void *)first->simple_value.ptr)->reader;
	char what[128], keys[KEYS_MAX];

	if (r->err->code != 0)
		return;
	(void)vsnprintf(what, sizeof what, fmt, ap);
	list_keys(r, keys);
	(void)err_set(r->err, ERR_CONFIG,
	    "%s:%d: %s; write KEY = VALUE with one of the keys %s", r->path,
	    cfg->line, what, keys);
}

/* Where the scan of a file is: in a string, in a comment or in neither. */
struct scan {
	char quote;   /* 0: none */
	bool comment; /* up to the end of the line */
	bool word;    /* the character before belongs to an unquoted word */
	int line;
};

/* The error when libconfuse's lexer would take the character at s for something
 * that this format does not have, else NULL. */
static const char *find_objection(const struct scan *at, const char *s)
{
	if (at->comment)
		return NULL;
	if (at->quote != 0 && (s[0] == '\n' || s[0] == '\0'))
		return "a quoted string must end on its line";
	if (s[0] == '\0')
		return NULL;
	if (at->quote != '\'' && s[0] == '$' && s[1] == '{')
		return "environment variables are not replaced here; write "
		       "the value itself, or quote it with '...'";
	if (at->quote == '"' && s[0] == '\\' &&
	    (s[1] == '\0' || strchr("\"\\'$", s[1]) == NULL))
		return "a backslash may precede \", ', $ and \\ only";
	if (at->quote == 0 && (s[0] == '*' || (s[0] == '/' && s[1] == '*') ||
				  (!at->word && s[0] == '/' && s[1] == '/')))
		return "comments begin with #";
	if (at->quote == 0 && s[0] == '+' && s[1] == '=')
		return "a key has one value; write =";
	return NULL;
}

static size_t take_step(struct scan *at, char *s)
{
	at->word = strchr(" \t\r\n=\"'", *s) == NULL;
	if (*s == '\n') {
		at->line++;
		at->comment = false;
	} else if (at->comment) {
		*s = ' ';
	} else if (at->quote != 0) {
		if (*s == '\\' && s[1] != '\n' && s[1] != '\0')
			return 2;
		if (*s == at->quote)
			at->quote = 0;
	} else if (*s == '#') {
		at->comment = true;
		*s = ' ';
	} else if (*s == '"' || *s == '\'') {
		at->quote = *s;
	}
	return 1;
}

/*
 * Blank comments and refuse what libconfuse 3.3 does beside its grammar: it
 * replaces ${VAR}, counts lines wrongly behind comments, takes an unclosed
 * C comment for the rest of the file, and drops characters that it does not
 * know.
 */
static int tidy_text(const struct reader *r, char *text)
{
	struct scan at = {.line = 1};
	const char *why;

	for (char *s = text;; s += take_step(&at, s)) {
		why = find_objection(&at, s);
		if (why != NULL)
			return err_set(r->err, ERR_CONFIG, "%s:%d: %s", r->path,
			    at.line, why);
		if (*s == '\0')
			return 0;
	}
}

/* text has FILE_MAX + 1 bytes. */
static int read_text(const struct reader *r, int fd, char *text)
{
	struct stat st;
	size_t len;
	int rc;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(
		    r->err, ERR_CONFIG, "%s: not a regular file", r->path);
	rc = file_read_open(fd, text, FILE_MAX, &len);
	if (rc == ERR_LIMIT)
		return err_set(r->err, ERR_CONFIG,
		    "%s: larger than the %d bytes allowed", r->path, FILE_MAX);
	if (rc != 0)
		return err_errno(
		    r->err, ERR_CONFIG, "%s: cannot be read", r->path);
	text[len] = '\0';
	if (strlen(text) != len)
		return err_set(r->err, ERR_CONFIG,
		    "%s: holds a NUL byte; is this a text file?", r->path);
	return tidy_text(r, text);
}

static int load_text(const struct reader *r, char *text)
{
	int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	if (fd < 0)
		return err_errno(r->err,
		    errno == ENOENT || errno == ENOTDIR ? ERR_ABSENT
							: ERR_CONFIG,
		    "%s: cannot be opened", r->path);
	rc = read_text(r, fd, text);
	close(fd);
	return rc;
}

static void find_keys(struct reader *r, cfg_opt_t opts[static SETTINGS_MAX])
{
	const struct setting *row = r->settings->rows;

	for (size_t i = 0; i < r->settings->n; i++, row++) {
		if ((row->layers & SETTING_FILE) == 0)
			continue;
		r->slots[r->n] = (struct slot){.row = row, .reader = r};
		opts[r->n] = (cfg_opt_t){.name = row->name,
		    .type = CFGT_STR,
		    .flags = row->kind == SETTING_LIST ? CFGF_LIST : CFGF_NONE,
		    .simple_value.string = &r->slots[r->n].ignored,
		    .parsecb = on_value};
		r->n++;
	}
}

/* cfg_parse() would expand a tilde in the path (CVE-2022-40320). */
static int parse_text(struct reader *r, const char *text)
{
	cfg_opt_t opts[SETTINGS_MAX + 1] = {{0}};
	cfg_t *cfg;
	int rc;

	find_keys(r, opts);
	cfg = cfg_init(opts, CFGF_NONE);
	if (cfg == NULL)
		return err_set(r->err, ERR_NOMEM, "out of memory");
	(void)cfg_set_error_function(cfg, on_error);
	rc = cfg_parse_buf(cfg, text);
	cfg_free(cfg);
	for (size_t i = 0; i < r->n; i++)
		free(r->slots[i].ignored);
	if (rc == CFG_SUCCESS)
		return 0;
	if (r->err->code == 0)
		err_set(r->err, ERR_CONFIG, "%s: cannot be parsed", r->path);
	return r->err->code;
}

int conffile_read(const char *path, const struct settings *settings, void *conf,
    int lines[], struct err *err)
{
	struct err own = {0};
	struct reader r = {.path = path,
	    .settings = settings,
	    .conf = malloc(settings->conf_size),
	    .lines = lines,
	    .err = err != NULL ? err : &own};
	/* On the stack all of its pages would be touched, and stay. */
	char *text = malloc(FILE_MAX + 1);
	int rc = ERR_NOMEM;

	if (r.conf == NULL || text == NULL) {
		(void)err_set(r.err, rc, "out of memory");
		goto out;
	}
	r.err->code = 0;
	memcpy(r.conf, conf, settings->conf_size);
	memset(lines, 0, settings->n * sizeof *lines);
	rc = load_text(&r, text);
	if (rc == 0)
		rc = parse_text(&r, text);
	if (rc == 0)
		memcpy(conf, r.conf, settings->conf_size);
out:
	free(text);
	free(r.conf);
	return rc;
}

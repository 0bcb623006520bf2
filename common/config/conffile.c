/* SPDX-License-Identifier: Apache-2.0 */
#include "config/conffile.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define FILE_MAX   65536 /* bytes */
#define ORIGIN_MAX 320   /* bytes of "FILE:LINE: key" */
#define KEYS_MAX   256   /* bytes of the list of keys in an error */

struct reader;

/* One row's state while a file is read. */
struct slot {
	char *ignored; /* libconfuse's own copy; first, see option() */
	const struct conffile_row *row;
	struct reader *reader;
	char *text; /* NULL: not in the file */
	int line;
};

struct reader {
	const char *path;
	const struct conffile_row *rows;
	struct slot *slots;
	size_t n;
	struct err *err;
	bool failed;
};

struct value {
	long whole;
	double real;
	int choice;
};

static bool is_number(const char *s, bool fraction)
{
	size_t digits = 0, points = 0;

	for (s += *s == '-'; *s != '\0'; s++) {
		digits += *s >= '0' && *s <= '9';
		points += fraction && *s == '.';
		if ((*s < '0' || *s > '9') && !(fraction && *s == '.'))
			return false;
	}
	return digits > 0 && points <= 1;
}

static int check_string(const struct conffile_row *row, const char *origin,
    const char *text, struct err *err)
{
	if (strlen(text) >= row->size)
		return err_set(err, ERR_CONFIG,
		    "%s: longer than the %zu characters allowed", origin,
		    row->size - 1);
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return err_set(err, ERR_CONFIG,
			    "%s: control characters are not allowed", origin);
	return 0;
}

static int check_long(const struct conffile_row *row, const char *origin,
    const char *text, struct value *v, struct err *err)
{
	errno = 0;
	v->whole = strtol(text, NULL, 10);
	if (is_number(text, false) && errno == 0 &&
	    (double)v->whole >= row->min && (double)v->whole <= row->max)
		return 0;
	return err_set(err, ERR_CONFIG,
	    "%s: \"%.64s\" is not a whole number from %.0f to %.0f", origin,
	    text, row->min, row->max);
}

static int check_double(const struct conffile_row *row, const char *origin,
    const char *text, struct value *v, struct err *err)
{
	v->real = strtod(text, NULL);
	if (is_number(text, true) && v->real >= row->min && v->real <= row->max)
		return 0;
	return err_set(err, ERR_CONFIG,
	    "%s: \"%.64s\" is not a number from %g to %g", origin, text,
	    row->min, row->max);
}

static int check_choice(const struct conffile_row *row, const char *origin,
    const char *text, struct value *v, struct err *err)
{
	char names[KEYS_MAX] = "";
	size_t len = 0;

	for (v->choice = 0; row->choices[v->choice] != NULL; v->choice++) {
		const char *name = row->choices[v->choice];

		if (strcmp(name, text) == 0)
			return 0;
		if (len < sizeof names)
			len += (size_t)snprintf(names + len, sizeof names - len,
			    "%s%s", v->choice > 0 ? ", " : "", name);
	}
	return err_set(err, ERR_CONFIG, "%s: \"%.64s\" is not one of: %s",
	    origin, text, names);
}

static int check(const struct conffile_row *row, const char *origin,
    const char *text, struct value *v, struct err *err)
{
	switch (row->type) {
	case CONFFILE_STRING:
		return check_string(row, origin, text, err);
	case CONFFILE_LONG:
		return check_long(row, origin, text, v, err);
	case CONFFILE_DOUBLE:
		return check_double(row, origin, text, v, err);
	case CONFFILE_CHOICE:
		return check_choice(row, origin, text, v, err);
	}
	return err_set(err, ERR_CONFIG, "%s: a row without a type", origin);
}

int conffile_set(const struct conffile_row *row, const char *origin,
    const char *text, struct err *err)
{
	struct value v = {0};
	int rc = check(row, origin, text, &v, err);

	if (rc != 0)
		return rc;
	switch (row->type) {
	case CONFFILE_STRING:
		memcpy(row->value, text, strlen(text) + 1);
		break;
	case CONFFILE_LONG:
		*(long *)row->value = v.whole;
		break;
	case CONFFILE_DOUBLE:
		*(double *)row->value = v.real;
		break;
	case CONFFILE_CHOICE:
		*(int *)row->value = v.choice;
		break;
	}
	return 0;
}

static int fail(struct reader *r, int code)
{
	r->failed = true;
	return code;
}

/* libconfuse: an option has a value. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct slot *slot = (void *)opt->simple_value.ptr;
	struct reader *r = slot->reader;
	char origin[ORIGIN_MAX];
	struct value v;

	*(const char **)result = "";
	(void)snprintf(origin, sizeof origin, "%s:%d: %s", r->path, cfg->line,
	    slot->row->key);
	if (slot->text != NULL)
		return fail(
		    r, err_set(r->err, ERR_CONFIG,
			   "%s: given twice, first in line %d; remove one",
			   origin, slot->line));
	if (check(slot->row, origin, value, &v, r->err) != 0)
		return fail(r, ERR_CONFIG);
	slot->line = cfg->line;
	slot->text = strdup(value);
	if (slot->text == NULL)
		return fail(r, err_set(r->err, ERR_NOMEM, "out of memory"));
	return 0;
}

static void list_keys(const struct reader *r, char keys[static KEYS_MAX])
{
	size_t len = 0;

	keys[0] = '\0';
	for (size_t i = 0; i < r->n && len < KEYS_MAX; i++)
		len += (size_t)snprintf(keys + len, KEYS_MAX - len, "%s%s",
		    i > 0 ? ", " : "", r->rows[i].key);
}

/* libconfuse: the grammar is not kept or the key is unknown.  The first row
 * leads to the reader, because there is no other context. */
__attribute__((format(printf, 2, 0))) static void on_error(
    cfg_t *cfg, const char *fmt, va_list ap)
{
	cfg_opt_t *first = cfg_getnopt(cfg, 0);
	struct reader *r =
	    ((struct slot *)(void *)first->simple_value.ptr)->reader;
	char what[128], keys[KEYS_MAX];

	if (r->failed)
		return;
	(void)vsnprintf(what, sizeof what, fmt, ap);
	list_keys(r, keys);
	(void)fail(
	    r, err_set(r->err, ERR_CONFIG,
		   "%s:%d: %s; write KEY = VALUE with one of the keys %s",
		   r->path, cfg->line, what, keys));
}

/* What of a file is inside a string, a comment or neither. */
struct scan {
	char quote;   /* 0: none */
	bool comment; /* up to the end of the line */
	bool word;    /* behind a character of an unquoted word */
	int line;
};

/* What libconfuse's lexer would do with the character at s, when that is
 * nothing that this format wants; NULL otherwise. */
static const char *objection(const struct scan *at, const char *s)
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

static size_t step(struct scan *at, char *s)
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
static int tidy(const struct reader *r, char *text)
{
	struct scan at = {.line = 1};
	const char *why;

	for (char *s = text;; s += step(&at, s)) {
		why = objection(&at, s);
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
	return tidy(r, text);
}

static int load(const struct reader *r, char *text)
{
	int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_errno(
		    r->err, ERR_ABSENT, "%s: cannot be opened", r->path);
	if (fd < 0)
		return err_errno(
		    r->err, ERR_CONFIG, "%s: cannot be opened", r->path);
	rc = read_text(r, fd, text);
	close(fd);
	return rc;
}

/* cfg_parse() would expand a tilde in the path (CVE-2022-40320). */
static int parse(struct reader *r, cfg_opt_t *opts, const char *text)
{
	cfg_t *cfg;
	int rc;

	for (size_t i = 0; i < r->n; i++) {
		r->slots[i].row = &r->rows[i];
		r->slots[i].reader = r;
		opts[i] = (cfg_opt_t){.name = r->rows[i].key,
		    .type = CFGT_STR,
		    .simple_value.string = &r->slots[i].ignored,
		    .parsecb = on_value};
	}
	cfg = cfg_init(opts, CFGF_NONE);
	if (cfg == NULL)
		return err_set(r->err, ERR_NOMEM, "out of memory");
	(void)cfg_set_error_function(cfg, on_error);
	rc = cfg_parse_buf(cfg, text);
	cfg_free(cfg);
	if (rc == CFG_SUCCESS)
		return 0;
	if (!r->failed)
		err_set(r->err, ERR_CONFIG, "%s: cannot be parsed", r->path);
	return r->err->code;
}

static int store(const struct reader *r)
{
	int rc = 0;

	for (size_t i = 0; i < r->n && rc == 0; i++)
		if (r->slots[i].text != NULL)
			rc = conffile_set(&r->rows[i], r->rows[i].key,
			    r->slots[i].text, r->err);
	return rc;
}

int conffile_read(const char *path, const struct conffile_row *rows, size_t n,
    struct err *err)
{
	struct err own = {0};
	struct reader r = {.path = path,
	    .rows = rows,
	    .n = n,
	    .err = err != NULL ? err : &own};
	cfg_opt_t *opts = calloc(n + 1, sizeof *opts);
	char *text = malloc(FILE_MAX + 1);
	int rc = ERR_NOMEM;

	r.slots = calloc(n + 1, sizeof *r.slots);
	if (opts == NULL || text == NULL || r.slots == NULL)
		(void)err_set(r.err, rc, "out of memory");
	else
		rc = load(&r, text);
	if (rc == 0)
		rc = parse(&r, opts, text);
	if (rc == 0)
		rc = store(&r);
	for (size_t i = 0; r.slots != NULL && i < n; i++) {
		free(r.slots[i].ignored);
		free(r.slots[i].text);
	}
	free(r.slots);
	free(text);
	free(opts);
	return rc;
}

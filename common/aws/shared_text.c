/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/shared_text.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"

/*
 * What the text becomes is never longer than what it was, but for one byte at
 * its end:
 *
 *	'[' LETTER NAME NUL	a section; LETTER: its kind
 *	KEY NUL VALUE NUL	a property
 *	' ' SUBKEY NUL VALUE NUL	a nested property
 */
#define LETTER_PROFILE  'p'
#define LETTER_DEFAULT  'd' /* [default] of a configuration file */
#define LETTER_SESSION  'o'
#define LETTER_SERVICES 's'

struct compiler {
	struct shared_text *t;
	char *out; /* where the next record goes */
	bool config;
	bool in_section, keep_section;
	bool in_value; /* lines that are indented deeper continue a value */
	bool keep_value;
	bool nested;
	size_t indent; /* of the key whose value it is */
	bool word_default;
	const char *why;
};

static const char blanks[] = " \t\r\f\v";

static bool is_ini_blank(char c)
{
	return c != '\0' && strchr(blanks, c) != NULL;
}

static char *trim_line(char *s)
{
	char *end;

	s += strspn(s, blanks);
	end = s + strlen(s);
	while (end > s && is_ini_blank(end[-1]))
		end--;
	*end = '\0';
	return s;
}

static int fail_line(struct compiler *c, const char *why)
{
	c->why = why;
	return ERR_FORMAT;
}

/* A '#' or ';' after a blank begins a comment. */
static void cut_comment(char *s)
{
	for (; *s != '\0'; s++)
		if (is_ini_blank(*s) && (s[1] == '#' || s[1] == ';'))
			*s = '\0';
}

/* Text that goes before what is not read yet, so it may overlap itself. */
static void put_text(struct compiler *c, const char *s)
{
	const size_t n = strlen(s) + 1;

	memmove(c->out, s, n);
	c->out += n;
}

/* ---- sections */

static bool is_plain_key(const char *s)
{
	static const char others[] = "-_/.%@:+";

	for (; *s != '\0'; s++)
		if (!(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z') &&
		    !(*s >= '0' && *s <= '9') && strchr(others, *s) == NULL)
			return false;
	return true;
}

/* The name after "profile", unquoted; NULL: it is none, because it is several
 * words, of which botocore makes nothing either. */
static char *read_name(char *s)
{
	const size_t len = strlen(s);

	if (len >= 2 && (s[0] == '"' || s[0] == '\'') && s[len - 1] == s[0]) {
		s[len - 1] = '\0';
		return s + 1;
	}
	return strpbrk(s, blanks) == NULL ? s : NULL;
}

/* The letter of a configuration file's section, and its name; 0: none of
 * ours. */
static char read_config_section(struct compiler *c, char **name)
{
	static const struct {
		const char *word;
		char letter;
	} kinds[] = {{"profile", LETTER_PROFILE},
	    {"sso-session", LETTER_SESSION}, {"services", LETTER_SERVICES}};

	if (strcmp(*name, "default") == 0) {
		c->t->two_defaults = c->t->two_defaults || c->word_default;
		return LETTER_DEFAULT;
	}
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		const size_t len = strlen(kinds[i].word);

		if (strncmp(*name, kinds[i].word, len) != 0 ||
		    !is_ini_blank((*name)[len]))
			continue;
		*name = read_name(trim_line(*name + len));
		return *name != NULL ? kinds[i].letter : 0;
	}
	return 0;
}

static char read_credentials_section(char *name)
{
	return strncmp(name, "profile", 7) == 0 && is_ini_blank(name[7])
		   ? 0
		   : LETTER_PROFILE;
}

static void put_section(struct compiler *c, char letter, const char *name)
{
	char *record = c->out;

	c->out += 2;
	put_text(c, name);
	record[0] = '[';
	record[1] = letter;
}

static int take_section(struct compiler *c, char *line)
{
	char *end = strchr(line, ']');
	char *name;
	const char *rest;
	char letter;

	if (end == NULL)
		return fail_line(c, "no ] ends the section's name");
	*end = '\0';
	rest = end + 1 + strspn(end + 1, blanks);
	if (*rest != '\0' && *rest != '#' && *rest != ';')
		return fail_line(c, "text after the section's ]");
	name = trim_line(line + 1);
	if (*name == '\0')
		return fail_line(c, "the section has no name");
	if (strcmp(name, "DEFAULT") == 0)
		return fail_line(c,
		    "a section DEFAULT, which each SDK reads differently: "
		    "write [default]");
	letter = c->config ? read_config_section(c, &name)
			   : read_credentials_section(name);
	c->in_section = true;
	c->in_value = false;
	c->keep_section = letter != 0;
	if (letter == LETTER_PROFILE && strcmp(name, "default") == 0)
		c->word_default = true;
	if (letter != 0)
		put_section(c, letter, name);
	return 0;
}

/* ---- properties */

static void lower_key(char *s)
{
	for (; *s != '\0'; s++)
		*s = text_lower(*s);
}

/* Cut the line in two; NULL: there is no '='. */
static char *split_line(char *line)
{
	char *equals = strchr(line, '=');

	if (equals == NULL)
		return NULL;
	*equals = '\0';
	return equals + 1;
}

static int take_property(struct compiler *c, char *line, size_t indent)
{
	char *value = split_line(line);
	char *key;

	if (!c->in_section)
		return fail_line(c, "no [SECTION] stands before it");
	if (value == NULL)
		return fail_line(c, "neither [SECTION] nor KEY = VALUE");
	key = trim_line(line);
	if (*key == '\0')
		return fail_line(c, "no KEY stands before the =");
	cut_comment(value);
	value = trim_line(value);
	c->in_value = true;
	c->indent = indent;
	c->nested = *value == '\0';
	c->keep_value = c->keep_section && is_plain_key(key);
	if (!c->keep_value)
		return 0;
	lower_key(key);
	put_text(c, key);
	put_text(c, value);
	return 0;
}

static int take_continuation(struct compiler *c, char *line)
{
	char *value;

	if (!c->nested) {
		if (!c->keep_value)
			return 0;
		c->out[-1] = '\n';
		put_text(c, line);
		return 0;
	}
	value = split_line(line);
	if (value == NULL)
		return fail_line(c, "no = in a nested KEY = VALUE");
	line = trim_line(line);
	if (*line == '\0')
		return fail_line(c, "no KEY stands before the nested =");
	if (!c->keep_value)
		return 0;
	*c->out++ = ' ';
	put_text(c, line);
	put_text(c, trim_line(value));
	return 0;
}

/* ---- the whole text */

static int compile_line(struct compiler *c, char *line)
{
	const size_t indent = strspn(line, blanks);

	line = trim_line(line);
	if (*line == '\0' || *line == '#' || *line == ';')
		return 0;
	if (c->in_value && indent > c->indent)
		return take_continuation(c, line);
	if (*line == '[')
		return take_section(c, line);
	return take_property(c, line, indent);
}

/* End the line at s with a NUL: the beginning of the next one, at most end. */
static char *cut_line(char *s, char *end)
{
	while (s < end && *s != '\n' && *s != '\r')
		s++;
	if (s + 1 < end && s[0] == '\r' && s[1] == '\n')
		*s++ = '\0';
	*s = '\0';
	return s < end ? s + 1 : end;
}

static bool is_utf8(const char *line)
{
	size_t len = strlen(line);

	while (len > 0) {
		const int n = text_utf8((const uint8_t *)line, len);

		if (n <= 0)
			return false;
		line += n;
		len -= (size_t)n;
	}
	return true;
}

int shared_text_compile(struct shared_text *t, char *bytes, size_t len,
    bool config, const char **why)
{
	struct compiler c = {.t = t, .out = bytes, .config = config};
	const char *nul = memchr(bytes, '\0', len);
	char *line = bytes, *next;
	char *end = bytes + len;

	*t = (struct shared_text){.bytes = bytes};
	*why = "a byte order mark: save the file without one";
	if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		return 1;
	for (int number = 1; line < end; number++, line = next) {
		next = cut_line(line, end);
		if (nul != NULL && nul < next)
			*why = "a NUL byte: this is no text file";
		else if (!is_utf8(line))
			*why = "a byte that is no UTF-8";
		else if (compile_line(&c, line) != 0)
			*why = c.why;
		else
			continue;
		return number;
	}
	*why = NULL;
	t->len = (size_t)(c.out - bytes);
	t->hide_default = c.word_default;
	return 0;
}

/* ---- going through it */

static const char *step_over(const char *s)
{
	return s + strlen(s) + 1;
}

static void read_section(
    const struct shared_text *t, const char *record, struct shared_item *item)
{
	const char letter = record[1];

	*item = (struct shared_item){
	    .kind = letter == LETTER_SESSION    ? SHARED_SSO_SESSION
		    : letter == LETTER_SERVICES ? SHARED_SERVICES
						: SHARED_PROFILE,
	    .name = record + 2,
	    .hidden = letter == LETTER_DEFAULT && t->hide_default,
	};
}

static const char *read_item(
    const struct shared_text *t, const char *record, struct shared_item *item)
{
	if (*record == '[') {
		read_section(t, record, item);
		return step_over(record);
	}
	item->value = step_over(record);
	item->subkey = *record == ' ' ? record + 1 : NULL;
	if (item->subkey == NULL)
		item->key = record;
	return step_over(item->value);
}

bool shared_text_next(
    const struct shared_text *t, size_t *at, struct shared_item *item)
{
	while (*at < t->len) {
		*at = (size_t)(read_item(t, t->bytes + *at, item) - t->bytes);
		if (!item->hidden)
			return true;
	}
	return false;
}

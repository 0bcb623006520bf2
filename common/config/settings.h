/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFIG_SETTINGS_H
#define SQS_ENTROPY_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

/*
 * A program's settings as one table.  The option parser, --help, the reader of
 * the configuration file and --check are derived from its rows; the tests
 * compare cloud-init's module and schema, the manual pages and the examples
 * with them.
 */
enum setting_kind {
	SETTING_STRING, /* char[size] */
	SETTING_LIST,   /* char[max][size / max]: texts, each different; an
			   empty one ends them and cannot be one of them */
	SETTING_LONG,   /* long, min..max */
	SETTING_DOUBLE, /* double, min..max */
	SETTING_CHOICE, /* int or an enum of its size: index into choices */
	SETTING_SWITCH, /* enum text_switch: "true", "false", or "", which lets
			   a lower layer decide */
	SETTING_FLAG,   /* bool; options take no value */
	SETTING_COUNT,  /* int: how often the option was given */
	SETTING_WORD,   /* const char *: argv's own word, whatever it holds */
	SETTING_ACTION, /* as SETTING_WORD where it takes a value, else none */
	SETTING_KEYS    /* cloud-init's alone: up to max public keys */
};

/* Who may set it. */
enum setting_layer {
	SETTING_OPTION = 1 << 0,
	SETTING_FILE = 1 << 1,
	SETTING_CREDENTIAL = 1 << 2, /* a service's credential of this name
					holds the file, and comes first */
	SETTING_DIRECTIVE = 1 << 3   /* cloud-init's, with _ for - */
};

struct setting {
	const char *name; /* of the option and of the key in the file */
	enum setting_kind kind;
	unsigned layers;
	const char *initial; /* the default as text; NULL: "", 0, false */
	double min, max;
	const char *const *choices; /* NULL-terminated */
	size_t offset, size;        /* of the member of struct conf */
	const char *value;          /* --help's name of the value; NULL: none;
				       "[FILE]": an action's, which may be left
				       out, and stand behind it as a word;
				       "[=A|B]": a SETTING_WORD's, which may be
				       left out, and is "" then */
	const char *help;           /* one line, without range and default */
	const char *undoes;         /* the flag that this one switches off */
	const char *excludes;       /* the option that may not be beside it */
	const char *unless; /* the SETTING_LONG beside which this one may
			       not be set, and does not hold; its default
			       gives way to this one */
	const char *with;   /* the SETTING_LONG without which this one does
			       not hold */
	/* Environment variables that overrule the file, a NULL-terminated
	 * list: the first that is set holds.  NULL: none does. */
	const char *const *variables;
	const char *belongs_to; /* the actions one of which it needs, in words:
				   "--genkey FILE", "--status or --doctor" */
	int action;             /* SETTING_ACTION: its number, not 0 */
	char letter;            /* of the short option; 0: none */
	bool reads_all;         /* SETTING_ACTION: it needs the settings */
	bool tells_only;        /* SETTING_ACTION: it answers whatever else was
				   given, as --help does */
	bool goes_with_all;     /* no action minds it, as --verbose */
};

/* Parts of a row: the member of a structure, and how the option looks. */
#define SETTING_MEMBER(type, member)                                           \
	.offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define SETTING_SHOWN(short_option, value_name, text)                          \
	.letter = (short_option), .value = (value_name), .help = (text)

#define SETTINGS_MAX  48 /* rows */
#define SETTINGS_LIST 8  /* texts of a SETTING_LIST */

struct settings {
	const struct setting *rows;
	size_t n;
	size_t conf_size; /* of the structure that holds them all */
};

/* The row of that name; NULL: none. */
const struct setting *settings_find(
    const struct settings *settings, const char *name);

/* The member of conf that the row is about. */
void *settings_at(const struct setting *row, void *conf);

/* Check text against its row and store it in conf; nothing is stored on
 * failure.  To a list it is added, and an empty text adds nothing.  origin
 * ("--messages", "FILE:LINE: messages") begins the error.  ERR_CONFIG;
 * ERR_INTERNAL: the row takes no text. */
int settings_set(const struct setting *row, void *conf, const char *origin,
    const char *text, struct err *err) MUST_CHECK;

/* Empty a list, before a layer that has the setting fills it. */
void settings_clear(const struct setting *row, void *conf);

/* Set every member of conf to its default, or to zero.  ERR_CONFIG: a row
 * contradicts itself. */
int settings_set_defaults(
    const struct settings *settings, void *conf, struct err *err) MUST_CHECK;

/* True if the setting counts: nothing that overrules it is set, what it goes
 * with is, and it is set itself or has a default.  A SETTING_LONG that is 0 and
 * may not be counts as not set. */
bool settings_holds(const struct settings *settings, const struct setting *row,
    const void *conf);

/* Write "key = value" as the file has it, without a line feed; the second with
 * this text for the value. */
void settings_print(const struct setting *row, const void *conf, FILE *to);
void settings_print_text(const struct setting *row, const char *text, FILE *to);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "config/options.h"

#include <getopt.h>
#include <string.h>

/* getopt_long() returns this for the first row; it is above all letters. */
#define FIRST_ROW   256

/* The layout of --help. */
#define TEXT_COLUMN 26
#define LINE_END    79
#define TEXT_MAX    256 /* bytes about an option */

/* A value in brackets may be left out. */
static int value_need(const struct setting *row)
{
	if (row->value == NULL)
		return no_argument;
	return row->value[0] == '[' ? optional_argument : required_argument;
}

static void make_tables(const struct settings *settings,
    struct option longs[static SETTINGS_MAX + 1],
    char shorts[static 2 * SETTINGS_MAX + 2])
{
	const struct setting *row = settings->rows;

	*shorts++ = ':'; /* a missing value is ':', an unknown option '?' */
	for (int i = 0; i < (int)settings->n; i++, row++) {
		if ((row->layers & SETTING_OPTION) == 0)
			continue;
		*longs++ = (struct option){
		    row->name, value_need(row), NULL, FIRST_ROW + i};
		if (row->letter != 0)
			*shorts++ = row->letter;
		if (row->letter != 0 && row->value != NULL)
			*shorts++ = ':';
	}
	*longs = (struct option){0};
	*shorts = '\0';
}

/* The row that getopt_long()'s c stands for; NULL: none. */
static const struct setting *find_option(const struct settings *settings, int c)
{
	if (c >= FIRST_ROW)
		return &settings->rows[c - FIRST_ROW];
	for (size_t i = 0; i < settings->n; i++)
		if (settings->rows[i].letter == c)
			return &settings->rows[i];
	return NULL;
}

/* Say what is wrong with an option; getopt_long() gave c, ':' or '?'. */
static int refuse_option(int c, char *const argv[], struct err *err)
{
	const char *what = argv[optind - 1];

	if (c == ':')
		return err_set(err, ERR_USAGE,
		    "option %s needs a value (see --help)", what);
	/* optopt is the letter of an unknown short option, 0 after an unknown
	 * long one, and the number of a long one that takes no value. */
	if (optopt > 0 && optopt < FIRST_ROW && what[1] != '-')
		return err_set(err, ERR_USAGE,
		    "there is no option -%c (see --help)", optopt);
	return err_set(err, ERR_USAGE,
	    "option %s is unknown, ambiguous or "
	    "takes no value (see --help)",
	    what);
}

static void set_flag(
    const struct settings *settings, const struct setting *row, void *conf)
{
	*(bool *)settings_at(row, conf) = true;
	if (row->undoes != NULL)
		*(bool *)settings_at(
		    settings_find(settings, row->undoes), conf) = false;
}

/* Only a list takes an option several times; else the last one holds. */
static int take_value(const struct setting *row, const char **given,
    const char *value, struct err *err)
{
	size_t n = 0;

	while (row->kind == SETTING_LIST && given[n] != NULL)
		n++;
	if (row->kind == SETTING_LIST && (double)n >= row->max)
		return err_set(err, ERR_USAGE,
		    "--%s is given more than %.0f times", row->name, row->max);
	given[n] = value;
	return 0;
}

/* "--NAME" says that the value is left out, and "--NAME=" that there is one:
 * an empty variable of a script must not choose what nobody asked for. */
static int take_text(const struct setting *row, const char **at,
    const char *value, struct err *err)
{
	const bool optional = value_need(row) == optional_argument;

	if (optional && value != NULL && *value == '\0')
		return err_set(err, ERR_USAGE,
		    "option --%s= needs a value (see --help)", row->name);
	*at = value != NULL ? value : "";
	return 0;
}

static int refuse_both(
    const struct setting *a, const struct setting *b, struct err *err)
{
	return err_set(err, ERR_USAGE,
	    "--%s and --%s exclude each other (see --help)", a->name, b->name);
}

static int take_option(struct options *options, const struct settings *settings,
    const struct setting *row, void *conf, struct err *err)
{
	void *at = settings_at(row, conf);

	options->seen[row - settings->rows] = true;
	switch (row->kind) {
	case SETTING_ACTION:
		if (options->action != NULL && options->action != row)
			return refuse_both(options->action, row, err);
		options->action = row;
		if (row->value != NULL)
			*(const char **)at = optarg;
		return 0;
	case SETTING_FLAG:
		set_flag(settings, row, conf);
		return 0;
	case SETTING_COUNT:
		++*(int *)at;
		return 0;
	case SETTING_WORD:
		return take_text(row, at, optarg, err);
	default:
		return take_value(
		    row, options->given[row - settings->rows], optarg, err);
	}
}

/* getopt_long() takes "--assess=FILE" alone for the value of an option that can
 * do without one; the word of "--assess FILE" is left behind the options. */
static int take_operand(struct options *options, void *conf, int argc,
    char *const argv[], struct err *err)
{
	const struct setting *row = options->action;
	const char **at;

	if (optind < argc && row != NULL && row->value != NULL &&
	    value_need(row) == optional_argument) {
		at = settings_at(row, conf);
		if (*at == NULL)
			*at = argv[optind++];
	}
	if (optind < argc)
		return err_set(err, ERR_USAGE,
		    "unexpected argument %s (see --help)", argv[optind]);
	return 0;
}

/* True if the row's belongs_to names the action as "--NAME". */
static bool belongs_to_action(
    const struct setting *row, const struct setting *action)
{
	const size_t len = action != NULL ? strlen(action->name) : 0;
	const char *at = row->belongs_to;

	while (action != NULL && (at = strstr(at, "--")) != NULL) {
		at += strlen("--");
		if (strncmp(at, action->name, len) == 0 &&
		    (at[len] == '\0' || strchr(" ,", at[len]) != NULL))
			return true;
	}
	return false;
}

/* True if the option counts for the action; NULL: a run. */
static bool is_of_use(const struct setting *row, const struct setting *action)
{
	if (row->kind == SETTING_ACTION || row->goes_with_all)
		return true;
	if (row->belongs_to != NULL)
		return belongs_to_action(row, action);
	return action == NULL || action->reads_all;
}

/* Refuse an option that the action asked for would ignore. */
static int refuse_stray_options(const struct options *options,
    const struct settings *settings, struct err *err)
{
	const struct setting *row = settings->rows, *action = options->action;

	for (size_t i = 0; i < settings->n; i++, row++) {
		if (!options->seen[i] || is_of_use(row, action))
			continue;
		if (row->belongs_to != NULL)
			return err_set(err, ERR_USAGE, "--%s belongs to %s",
			    row->name, row->belongs_to);
		return err_set(err, ERR_USAGE,
		    "--%s has no meaning beside --%s (see --help)", row->name,
		    action->name);
	}
	return 0;
}

static int refuse_excluded(const struct options *options,
    const struct settings *settings, struct err *err)
{
	const struct setting *row = settings->rows, *other;

	for (size_t i = 0; i < settings->n; i++, row++) {
		if (row->excludes == NULL || !options->seen[i])
			continue;
		other = settings_find(settings, row->excludes);
		if (options->seen[other - settings->rows])
			return refuse_both(other, row, err);
	}
	return 0;
}

int options_read(struct options *options, const struct settings *settings,
    void *conf, int argc, char *const argv[], struct err *err)
{
	struct option longs[SETTINGS_MAX + 1];
	char shorts[2 * SETTINGS_MAX + 2];
	const struct setting *row;
	int c, got, rc = 0;

	*options = (struct options){0};
	make_tables(settings, longs, shorts);
	opterr = 0;
	optind = 0; /* --setup reads what it has written, by a second call */
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		struct err *told = rc == 0 ? err : NULL;

		row = find_option(settings, c);
		got = row == NULL
			  ? refuse_option(c, argv, told)
			  : take_option(options, settings, row, conf, told);
		if (rc == 0)
			rc = got;
	}
	if (rc == 0)
		rc = take_operand(options, conf, argc, argv, err);
	if (rc != 0 || (options->action != NULL && options->action->tells_only))
		return rc;
	rc = refuse_stray_options(options, settings, err);
	return rc == 0 ? refuse_excluded(options, settings, err) : rc;
}

static int set_values(const struct setting *row, const char *const *given,
    void *conf, struct err *err)
{
	char origin[64];

	(void)snprintf(origin, sizeof origin, "--%s", row->name);
	if (*given != NULL && row->kind == SETTING_LIST)
		settings_clear(row, conf);
	for (; *given != NULL; given++) {
		if (settings_set(row, conf, origin, *given, err) != 0) {
			err->code = ERR_USAGE;
			return ERR_USAGE;
		}
	}
	return 0;
}

int options_set_given(const struct options *options,
    const struct settings *settings, void *conf, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < settings->n; i++)
		rc = set_values(
		    &settings->rows[i], options->given[i], conf, err);
	return rc;
}

/* "take up to N messages, 1-10 (1)" */
static void describe_option(
    const struct setting *row, char text[static TEXT_MAX])
{
	char range[64] = "";

	if (row->kind == SETTING_LIST)
		(void)snprintf(
		    range, sizeof range, "; up to %.0f times", row->max);
	else if (row->min < row->max)
		(void)snprintf(
		    range, sizeof range, ", %.10g-%.10g", row->min, row->max);
	(void)snprintf(text, TEXT_MAX, "%s%s%s%s%s", row->help, range,
	    row->initial != NULL ? " (" : "",
	    row->initial != NULL ? row->initial : "",
	    row->initial != NULL ? ")" : "");
}

/* The words of text from column on, wrapped. */
static void print_words(const char *text, int column, FILE *to)
{
	const char *gap = "";

	while (*text != '\0') {
		const int len = (int)strcspn(text, " ");

		if (column + 1 + len > LINE_END) {
			(void)fprintf(to, "\n%*s", TEXT_COLUMN, "");
			column = TEXT_COLUMN;
			gap = "";
		}
		column += fprintf(to, "%s%.*s", gap, len, text);
		text += len + (text[len] == ' ');
		gap = " ";
	}
	(void)fputc('\n', to);
}

void options_print_help(const struct settings *settings, FILE *to)
{
	const struct setting *row = settings->rows;

	for (size_t i = 0; i < settings->n; i++, row++) {
		char text[TEXT_MAX];
		int column;

		if ((row->layers & SETTING_OPTION) == 0)
			continue;
		column = row->letter != 0 ? fprintf(to, "  -%c, ", row->letter)
					  : fprintf(to, "      ");
		column += fprintf(to, "--%s", row->name);
		if (row->value != NULL)
			column += fprintf(to, "%s%s",
			    row->value[1] == '=' ? "" : " ", row->value);
		column += fprintf(to, "%*s",
		    column < TEXT_COLUMN ? TEXT_COLUMN - column : 2, "");
		describe_option(row, text);
		print_words(text, column, to);
	}
}

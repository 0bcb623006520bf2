/* SPDX-License-Identifier: Apache-2.0 */
/* The table of settings of the program whose library is linked, as JSON, for
 * tests/integration/test_settings.py. */
#include <stdio.h>
#include <stdlib.h>

#include "config/program.h"

static const char *const kinds[] = {[SETTING_STRING] = "string",
    [SETTING_LIST] = "list",
    [SETTING_LONG] = "long",
    [SETTING_DOUBLE] = "double",
    [SETTING_CHOICE] = "choice",
    [SETTING_SWITCH] = "switch",
    [SETTING_FLAG] = "flag",
    [SETTING_COUNT] = "count",
    [SETTING_WORD] = "word",
    [SETTING_ACTION] = "action",
    [SETTING_KEYS] = "keys"};

/* Sizes of members; 0: any. */
static const size_t sizes[] = {[SETTING_LONG] = sizeof(long),
    [SETTING_DOUBLE] = sizeof(double),
    [SETTING_CHOICE] = sizeof(int),
    [SETTING_SWITCH] = sizeof(enum text_switch),
    [SETTING_FLAG] = sizeof(bool),
    [SETTING_COUNT] = sizeof(int),
    [SETTING_WORD] = sizeof(const char *),
    [SETTING_ACTION] = sizeof(const char *),
    [SETTING_KEYS] = 0};

static void print_text(const char *name, const char *text)
{
	(void)printf(", \"%s\": ", name);
	if (text == NULL) {
		(void)printf("null");
		return;
	}
	(void)putchar('"');
	for (; *text != '\0'; text++)
		(void)printf(
		    *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	(void)putchar('"');
}

static void print_choices(const char *const *choices)
{
	(void)printf(", \"choices\": [");
	for (size_t i = 0; choices != NULL && choices[i] != NULL; i++)
		(void)printf("%s\"%s\"", i > 0 ? ", " : "", choices[i]);
	(void)putchar(']');
}

static void print_row(const struct setting *row)
{
	const char letter[] = {row->letter, '\0'};

	(void)printf("{\"kind\": \"%s\", \"option\": %s, \"file\": %s, "
		     "\"credential\": %s, \"directive\": %s",
	    kinds[row->kind], row->layers & SETTING_OPTION ? "true" : "false",
	    row->layers & SETTING_FILE ? "true" : "false",
	    row->layers & SETTING_CREDENTIAL ? "true" : "false",
	    row->layers & SETTING_DIRECTIVE ? "true" : "false");
	(void)printf(", \"min\": %.10g, \"max\": %.10g, \"size\": %zu",
	    row->min, row->max, row->size);
	print_text("name", row->name);
	print_text("letter", row->letter != 0 ? letter : NULL);
	print_text("value", row->value);
	print_text("help", row->help);
	print_text("initial", row->initial);
	print_text("undoes", row->undoes);
	print_text("belongs_to", row->belongs_to);
	print_text("unless", row->unless);
	print_choices(row->choices);
	(void)putchar('}');
}

/* Where its value goes has the size of its kind, if it goes anywhere. */
static bool is_sound(const struct setting *row)
{
	const bool nowhere =
	    (row->layers & ~(unsigned)SETTING_DIRECTIVE) == 0 ||
	    (row->kind == SETTING_ACTION && row->value == NULL);

	return nowhere ? row->size == 0
		       : row->size > 0 && (sizes[row->kind] == 0 ||
					      row->size == sizes[row->kind]);
}

int main(void)
{
	const struct settings *settings = &conf_program.settings;

	(void)printf("{\"name\": \"%s\", \"file\": \"%s\", \"settings\": [\n",
	    conf_program.name, conf_program.file);
	for (size_t i = 0; i < settings->n; i++) {
		if (!is_sound(&settings->rows[i])) {
			(void)fprintf(stderr, "%s: %zu bytes\n",
			    settings->rows[i].name, settings->rows[i].size);
			return EXIT_FAILURE;
		}
		print_row(&settings->rows[i]);
		(void)printf("%s\n", i + 1 < settings->n ? "," : "");
	}
	(void)printf("]}\n");
	return EXIT_SUCCESS;
}

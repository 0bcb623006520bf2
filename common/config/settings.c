/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define NAMES_MAX 256 /* bytes of the list of choices in an error */

const struct setting *settings_find(
    const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->n; i++)
		if (strcmp(settings->rows[i].name, name) == 0)
			return &settings->rows[i];
	return NULL;
}

void *settings_at(const struct setting *row, void *conf)
{
	return (char *)conf + row->offset;
}

static int set_string(char *at, size_t size, const char *origin,
    const char *text, struct err *err)
{
	const size_t len = strlen(text);

	if (len >= size)
		return err_set(err, ERR_CONFIG,
		    "%s: longer than the %zu characters allowed", origin,
		    size - 1);
	/* --check prints it. */
	if (!text_is_printable(text, len))
		return err_set(err, ERR_CONFIG,
		    "%s: control characters, and what is not UTF-8, are not "
		    "allowed",
		    origin);
	memcpy(at, text, len + 1);
	return 0;
}

static size_t text_size(const struct setting *row)
{
	return row->size / (size_t)row->max;
}

static int append_text(const struct setting *row, char *list,
    const char *origin, const char *text, struct err *err)
{
	const size_t size = text_size(row);
	char *at = list;

	if (*text == '\0')
		return 0;
	for (; at < list + row->size && *at != '\0'; at += size)
		if (strcmp(at, text) == 0)
			return err_set(err, ERR_CONFIG,
			    "%s: \"%.200s\" is given twice; remove one", origin,
			    text);
	if (at == list + row->size)
		return err_set(err, ERR_CONFIG,
		    "%s: more than the %.0f allowed", origin, row->max);
	return set_string(at, size, origin, text, err);
}

void settings_clear(const struct setting *row, void *conf)
{
	memset(settings_at(row, conf), 0, row->size);
}

/* A double holds every whole number that a row allows.  strtod(3) alone would
 * take hexadecimal, exponents, "inf" and white space, too. */
static int set_number(const struct setting *row, void *at, const char *origin,
    const char *text, struct err *err)
{
	const bool whole = row->kind == SETTING_LONG;
	const char *allowed = whole ? "-0123456789" : "-0123456789.";
	char *end;
	const double x = strtod(text, &end);

	if (end == text || end[0] != '\0' ||
	    text[strspn(text, allowed)] != '\0' || x < row->min || x > row->max)
		return err_set(err, ERR_CONFIG,
		    "%s: \"%.64s\" is not a %snumber from %.10g to %.10g",
		    origin, text, whole ? "whole " : "", row->min, row->max);
	if (whole)
		*(long *)at = (long)x;
	else
		*(double *)at = x;
	return 0;
}

static int set_choice(const struct setting *row, void *at, const char *origin,
    const char *text, struct err *err)
{
	char names[NAMES_MAX] = "";
	size_t len = 0;

	for (int i = 0; row->choices[i] != NULL; i++) {
		if (strcmp(row->choices[i], text) == 0) {
			memcpy(at, &i, sizeof i);
			return 0;
		}
		if (len < sizeof names)
			len += (size_t)snprintf(names + len, sizeof names - len,
			    "%s%s", i > 0 ? ", " : "", row->choices[i]);
	}
	return err_set(err, ERR_CONFIG, "%s: \"%.64s\" is not one of: %s",
	    origin, text, names);
}

static int set_switch(
    void *at, const char *origin, const char *text, struct err *err)
{
	if (text_read_switch(text, at))
		return 0;
	return err_set(err, ERR_CONFIG,
	    "%s: \"%.64s\" is neither true nor false", origin, text);
}

int settings_set(const struct setting *row, void *conf, const char *origin,
    const char *text, struct err *err)
{
	void *at = settings_at(row, conf);

	switch (row->kind) {
	case SETTING_STRING:
		return set_string(at, row->size, origin, text, err);
	case SETTING_LIST:
		return append_text(row, at, origin, text, err);
	case SETTING_LONG:
	case SETTING_DOUBLE:
		return set_number(row, at, origin, text, err);
	case SETTING_CHOICE:
		return set_choice(row, at, origin, text, err);
	case SETTING_SWITCH:
		return set_switch(at, origin, text, err);
	default:
		return err_set(err, ERR_INTERNAL, "%s: takes no text", origin);
	}
}

int settings_set_defaults(
    const struct settings *settings, void *conf, struct err *err)
{
	const struct setting *row = settings->rows;
	int rc = 0;

	memset(conf, 0, settings->conf_size);
	for (size_t i = 0; rc == 0 && i < settings->n; i++, row++)
		if (row->initial != NULL)
			rc = settings_set(
			    row, conf, row->name, row->initial, err);
	return rc;
}

static long long_at(const struct setting *row, const void *conf)
{
	return *(const long *)(const void *)((const char *)conf + row->offset);
}

bool settings_holds(const struct settings *settings, const struct setting *row,
    const void *conf)
{
	if (row->unless != NULL &&
	    long_at(settings_find(settings, row->unless), conf) != 0)
		return false;
	if (row->with != NULL &&
	    long_at(settings_find(settings, row->with), conf) == 0)
		return false;
	return row->kind != SETTING_LONG || long_at(row, conf) != 0 ||
	       (row->initial != NULL && row->min <= 0);
}

/* In quotes, as libconfuse reads it.  It would replace an unescaped ${X}. */
static void print_string(const char *text, FILE *to)
{
	(void)fputc('"', to);
	for (; *text != '\0'; text++) {
		if (strchr("\"\\$", *text) != NULL)
			(void)fputc('\\', to);
		(void)fputc(*text, to);
	}
	(void)fputc('"', to);
}

/* One text as a string alone, several in braces. */
static void print_list(const struct setting *row, const char *list, FILE *to)
{
	const size_t size = text_size(row);
	const bool several = row->max > 1 && list[size] != '\0';

	if (several)
		(void)fputc('{', to);
	print_string(list, to);
	for (const char *at = list + size;
	     several && at < list + row->size && *at != '\0'; at += size) {
		(void)fputs(", ", to);
		print_string(at, to);
	}
	if (several)
		(void)fputc('}', to);
}

/* As "1.0" or "0.25": the file does not take "1e-05".  A value given with up
 * to 15 decimals is printed as it was given. */
static void print_double(double x, FILE *to)
{
	char text[64];
	int len = snprintf(text, sizeof text, "%.15f", x);

	while (len > 2 && text[len - 1] == '0' && text[len - 2] != '.')
		len--;
	(void)fprintf(to, "%.*s", len, text);
}

static void print_switch(enum text_switch value, FILE *to)
{
	print_string(value == TEXT_UNSET  ? ""
		     : value == TEXT_TRUE ? "true"
					  : "false",
	    to);
}

void settings_print(const struct setting *row, const void *conf, FILE *to)
{
	const void *at = (const char *)conf + row->offset;

	(void)fprintf(to, "%s = ", row->name);
	if (row->kind == SETTING_LONG)
		(void)fprintf(to, "%ld", *(const long *)at);
	else if (row->kind == SETTING_DOUBLE)
		print_double(*(const double *)at, to);
	else if (row->kind == SETTING_CHOICE)
		print_string(row->choices[*(const int *)at], to);
	else if (row->kind == SETTING_SWITCH)
		print_switch(*(const enum text_switch *)at, to);
	else if (row->kind == SETTING_LIST)
		print_list(row, at, to);
	else
		print_string(at, to);
}

void settings_print_text(const struct setting *row, const char *text, FILE *to)
{
	(void)fprintf(to, "%s = ", row->name);
	print_string(text, to);
}

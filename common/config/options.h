/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFIG_OPTIONS_H
#define SQS_ENTROPY_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "config/settings.h"

/* The command line, read by getopt_long(3) as the settings say. */
struct options {
	/* The values of each row: the last one given, or all of a list; the
	 * first NULL ends them. */
	const char *given[SETTINGS_MAX][SETTINGS_LIST + 1];
	bool seen[SETTINGS_MAX];      /* each row that was given at all */
	const struct setting *action; /* NULL: none was asked for */
};

/*
 * Flags, counts and words go into conf at once.  Values are left in given,
 * unchecked, because some actions do not need them.  A bad option does not
 * keep those behind it from being taken; the first mistake is told.  What the
 * action asked for would ignore is a mistake, too: it takes the options that
 * belong to it and, if it reads_all, those that belong to no action.
 * ERR_USAGE.
 */
int options_read(struct options *options, const struct settings *settings,
    void *conf, int argc, char *const argv[], struct err *err) MUST_CHECK;

/* Check and store the given values.  ERR_USAGE. */
int options_set_given(const struct options *options,
    const struct settings *settings, void *conf, struct err *err) MUST_CHECK;

/* The part of --help that lists the options. */
void options_print_help(const struct settings *settings, FILE *to);

#endif

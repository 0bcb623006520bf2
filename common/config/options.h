/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFIG_OPTIONS_H
#define SQS_ENTROPY_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "config/settings.h"

/* The command line, read by getopt_long(3) as the settings say. */
struct options {
	const char *given[SETTINGS_MAX]; /* a value for each row, or NULL */
	const struct setting *action;    /* NULL: none was asked for */
};

/*
 * Flags, counts and words go into conf at once.  Values are left in given,
 * unchecked, because some actions do not need them.  A bad option does not
 * keep those behind it from being taken; the first mistake is told.
 * ERR_USAGE.
 */
int options_read(struct options *options, const struct settings *settings,
    void *conf, int argc, char *const argv[], struct err *err)
    __attribute__((warn_unused_result));

/* Check and store the given values.  ERR_USAGE. */
int options_set_given(const struct options *options,
    const struct settings *settings, void *conf, struct err *err)
    __attribute__((warn_unused_result));

/* The part of --help that lists the options. */
void options_print_help(const struct settings *settings, FILE *to);

/* Tell what getopt_long() did not take; c is what it returned (':' or '?',
 * with a leading ':' in the short options).  Returns ERR_USAGE. */
int options_bad(int c, char *const argv[], struct err *err);

/* The next level of detail: notice, info, debug. */
enum log_level options_more_verbose(enum log_level level);

/* conffile_read(), where a file that nobody named may be absent.
 * ERR_CONFIG. */
int options_read_file(const char *path, bool named,
    const struct settings *settings, void *conf, struct err *err)
    __attribute__((warn_unused_result));

/* Put the value of the option that bears the row's name; NULL, not given,
 * changes nothing.  ERR_USAGE. */
int options_set(const struct setting *row, void *conf, const char *text,
    struct err *err) __attribute__((warn_unused_result));

#endif

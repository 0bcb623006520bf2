/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFIG_OPTIONS_H
#define SQS_ENTROPY_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/log.h"
#include "config/conffile.h"

/* What both programs do about their options beside getopt_long(3). */

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

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_CONFIG_CONFFILE_H
#define SQS_ENTROPY_CONFIG_CONFFILE_H

#include "base/err.h"
#include "config/settings.h"

/*
 * The configuration file.  The one user of libconfuse.  Grammar: libconfuse's
 * "key = value", one a line or several, '#' comments, strings quoted with "..."
 * or '...' that end on their line, and for a setting that takes several
 * "key = {value, value}".  What libconfuse has besides (sections, +=, include,
 * ${VARIABLE}, C comments) is an error.
 */

/*
 * Read path into conf; a setting that the file does not name stays as it is.
 * lines[i] becomes the line of the file that set row i, or 0.  On failure conf
 * has not changed.  ERR_ABSENT when there is no such file, ERR_CONFIG with
 * "FILE:LINE: what is wrong and what is allowed" for an unknown or repeated
 * key, a value of the wrong type, out of range or too long, an include, or a
 * file that is not a regular file or over 64 KiB.
 */
int conffile_read(const char *path, const struct settings *settings, void *conf,
    int lines[], struct err *err) MUST_CHECK;

#endif

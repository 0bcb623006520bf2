/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_LOG_H
#define SQS_ENTROPY_BASE_LOG_H

#include "base/err.h"

/* Levels are those of syslog(3). */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/*
 * Programs log; of common/ only program_main() does.  Lines go to standard
 * error as "NAME: text"; where that is the journal (JOURNAL_STREAM,
 * systemd.exec(5)) they carry a "<N>" level instead (sd-daemon(3)).  name is
 * kept by reference.  Each line is one write of at most 4,096 bytes (PIPE_BUF,
 * pipe(7)), so that two processes do not mix theirs; a longer one is cut.  What
 * is not printable becomes '?' (text.h).
 */
void log_open(const char *name, enum log_level threshold);

/* Log to a copy of standard error from now on, so that standard error itself
 * can be put elsewhere.  ERR_IO, errno kept. */
int log_keep(void) MUST_CHECK;

/* Lines above the threshold are dropped. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif

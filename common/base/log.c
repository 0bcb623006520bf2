/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define LINE_MAX_BYTES 4096

static const char *log_name = "sqs-entropy";
static enum log_level log_threshold = LOG_LEVEL_INFO;
static bool log_to_journal;
static int log_fd = STDERR_FILENO;

/* JOURNAL_STREAM names device and inode, because the variable is inherited
 * by children whose standard error goes elsewhere (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char expected[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	(void)snprintf(expected, sizeof expected, "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	return strcmp(stream, expected) == 0;
}

void log_open(const char *name, enum log_level threshold)
{
	log_name = name;
	log_threshold = threshold;
	log_to_journal = stderr_is_journal();
}

int log_keep(void)
{
	const int fd = fcntl(log_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (fd < 0)
		return ERR_IO;
	log_fd = fd;
	return 0;
}

static size_t clamp_length(int wanted, size_t room)
{
	if (wanted < 0)
		return 0;
	return (size_t)wanted < room ? (size_t)wanted : room - 1;
}

__attribute__((format(printf, 2, 0))) static void put_line(
    enum log_level level, const char *fmt, va_list ap)
{
	char line[LINE_MAX_BYTES];
	const size_t room = sizeof line - 1; /* keeps one for the line feed */
	size_t head, len;

	if (level > log_threshold)
		return;
	head = clamp_length(log_to_journal
				? snprintf(line, room, "<%d>", (int)level)
				: snprintf(line, room, "%s: ", log_name),
	    room);
	len = head + clamp_length(vsnprintf(line + head, room - head, fmt, ap),
			 room - head);
	text_make_printable(line + head, len - head);
	line[len++] = '\n';
	/* A failure cannot be reported: this is where it would go. */
	if (write(log_fd, line, len) < 0)
		return;
}

#define LOG_FUNCTION(name, level)                                              \
	void log_##name(const char *fmt, ...)                                  \
	{                                                                      \
		va_list ap;                                                    \
                                                                               \
		va_start(ap, fmt);                                             \
		put_line(level, fmt, ap);                                      \
		va_end(ap);                                                    \
	}

LOG_FUNCTION(error, LOG_LEVEL_ERROR)
LOG_FUNCTION(warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(notice, LOG_LEVEL_NOTICE)
LOG_FUNCTION(info, LOG_LEVEL_INFO)
LOG_FUNCTION(debug, LOG_LEVEL_DEBUG)

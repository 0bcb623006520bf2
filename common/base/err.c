/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The exit codes that the manual pages list; their numbers are those of
 * sysexits.h. */
enum {
	EXIT_DONE = 0,
	EXIT_BAD_USAGE = 64,
	EXIT_UNUSABLE = 65,
	EXIT_UNAVAILABLE = 69,
	EXIT_INTERNAL = 70,
	EXIT_NOTHING = 75,
	EXIT_NOT_PERMITTED = 77,
	EXIT_BAD_CONFIG = 78
};

static const struct {
	int exit;
	const char *text;
} table[] = {
    [-ERR_NONE] = {EXIT_DONE, "success"},
    [-ERR_NOMEM] = {EXIT_INTERNAL, "out of memory"},
    [-ERR_LIMIT] = {EXIT_UNAVAILABLE, "larger than allowed"},
    [-ERR_FORMAT] = {EXIT_UNAVAILABLE, "malformed"},
    [-ERR_IO] = {EXIT_INTERNAL, "input or output failed"},
    [-ERR_EOF] = {EXIT_UNAVAILABLE, "closed by the other end"},
    [-ERR_TIMEOUT] = {EXIT_UNAVAILABLE, "timed out"},
    [-ERR_CANCELED] = {EXIT_UNAVAILABLE, "told to stop"},
    [-ERR_USAGE] = {EXIT_BAD_USAGE, "wrong usage"},
    [-ERR_CONFIG] = {EXIT_BAD_CONFIG, "wrong configuration"},
    [-ERR_UNREACHABLE] = {EXIT_UNAVAILABLE, "unreachable"},
    [-ERR_CONNECT] = {EXIT_UNAVAILABLE, "connection refused"},
    [-ERR_NET] = {EXIT_UNAVAILABLE, "connection broken"},
    [-ERR_SERVICE] = {EXIT_UNAVAILABLE, "the service answered with an error"},
    [-ERR_THROTTLED] = {EXIT_UNAVAILABLE, "throttled by the service"},
    [-ERR_NOQUEUE] = {EXIT_BAD_CONFIG, "no such queue"},
    [-ERR_DENIED] = {EXIT_NOT_PERMITTED, "access denied"},
    [-ERR_NOCRED] = {EXIT_NOT_PERMITTED, "no credentials"},
    [-ERR_ABSENT] = {EXIT_UNAVAILABLE, "not there"},
    [-ERR_PERM] = {EXIT_NOT_PERMITTED, "not permitted"},
    [-ERR_EMPTY] = {EXIT_NOTHING, "nothing to do"},
    [-ERR_UNUSABLE] = {EXIT_UNUSABLE, "no usable message"},
    [-ERR_UNSUPPORTED] = {EXIT_INTERNAL, "not supported on this host"},
    [-ERR_SOURCE] = {EXIT_UNUSABLE, "a source failed its health tests"},
    [-ERR_INTERNAL] = {EXIT_INTERNAL, "internal error"},
};

static size_t index_of_code(int code)
{
	if (code > 0 || code < ERR_INTERNAL)
		code = ERR_INTERNAL;
	return (size_t)-code;
}

const char *err_text(int code)
{
	return table[index_of_code(code)].text;
}

int err_exit(int code)
{
	return table[index_of_code(code)].exit;
}

static void set_story(
    struct err *err, int code, const char *suffix, const char *fmt, va_list ap)
{
	size_t len;

	if (err == NULL)
		return;
	err->code = code;
	err->told = false;
	if (vsnprintf(err->text, sizeof err->text, fmt, ap) < 0)
		err->text[0] = '\0';
	len = strlen(err->text);
	if (suffix != NULL)
		(void)snprintf(
		    err->text + len, sizeof err->text - len, ": %s", suffix);
	text_make_printable(err->text, strlen(err->text));
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_story(err, code, NULL, fmt, ap);
	va_end(ap);
	return code;
}

int err_errno(struct err *err, int code, const char *fmt, ...)
{
	const char *reason = strerror(errno);
	va_list ap;

	va_start(ap, fmt);
	set_story(err, code, reason, fmt, ap);
	va_end(ap);
	return code;
}

int err_told(struct err *err, int code)
{
	if (err != NULL)
		*err = (struct err){.code = code, .told = true};
	return code;
}

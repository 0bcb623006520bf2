/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/text.h"

#define REASON_MAX 128 /* bytes of ": " and strerror() */

/* The exit codes are those of sysexits.h, as the manual pages list them. */
static const struct {
	int exit;
	const char *text;
} table[] = {
    [-ERR_NONE] = {EX_OK, "success"},
    [-ERR_NOMEM] = {EX_SOFTWARE, "out of memory"},
    [-ERR_LIMIT] = {EX_UNAVAILABLE, "larger than allowed"},
    [-ERR_FORMAT] = {EX_UNAVAILABLE, "malformed"},
    [-ERR_IO] = {EX_SOFTWARE, "input or output failed"},
    [-ERR_EOF] = {EX_UNAVAILABLE, "closed by the other end"},
    [-ERR_TIMEOUT] = {EX_UNAVAILABLE, "timed out"},
    [-ERR_CANCELED] = {EX_UNAVAILABLE, "told to stop"},
    [-ERR_USAGE] = {EX_USAGE, "wrong usage"},
    [-ERR_CONFIG] = {EX_CONFIG, "wrong configuration"},
    [-ERR_UNREACHABLE] = {EX_UNAVAILABLE, "unreachable"},
    [-ERR_CONNECT] = {EX_UNAVAILABLE, "connection refused"},
    [-ERR_NET] = {EX_UNAVAILABLE, "connection broken"},
    [-ERR_SERVICE] = {EX_UNAVAILABLE, "the service answered with an error"},
    [-ERR_THROTTLED] = {EX_UNAVAILABLE, "throttled by the service"},
    [-ERR_NOQUEUE] = {EX_CONFIG, "no such queue"},
    [-ERR_DENIED] = {EX_NOPERM, "access denied"},
    [-ERR_NOCRED] = {EX_NOPERM, "no credentials"},
    [-ERR_ABSENT] = {EX_UNAVAILABLE, "not there"},
    [-ERR_PERM] = {EX_NOPERM, "not permitted"},
    [-ERR_EMPTY] = {EX_TEMPFAIL, "nothing to do"},
    [-ERR_UNUSABLE] = {EX_DATAERR, "no usable message"},
    [-ERR_UNSUPPORTED] = {EX_CONFIG, "not supported on this host"},
    [-ERR_SOURCE] = {EX_DATAERR, "a source failed its health tests"},
    [-ERR_INTERNAL] = {EX_SOFTWARE, "internal error"},
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
	/* The middle can be left out of what was written whole. */
	char whole[2 * ERR_TEXT_MAX];
	const size_t room = sizeof whole - REASON_MAX;
	size_t len;

	if (err == NULL)
		return;
	err->code = code;
	err->told = false;
	if (vsnprintf(whole, room, fmt, ap) < 0)
		whole[0] = '\0';
	len = strlen(whole);
	if (suffix != NULL)
		(void)snprintf(whole + len, sizeof whole - len, ": %s", suffix);
	text_shorten(err->text, sizeof err->text, whole, strlen(whole));
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

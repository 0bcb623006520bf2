/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_ERR_H
#define SQS_ENTROPY_BASE_ERR_H

#include <stdbool.h>

/*
 * Every fallible function of the project returns 0 or one of these.
 * err_text() gives each its one text, err_exit() its exit code.
 */
enum err_code {
	ERR_NONE = 0,
	ERR_NOMEM = -1,        /* the allocator said no */
	ERR_LIMIT = -2,        /* larger than the ceiling stated for it */
	ERR_FORMAT = -3,       /* malformed bytes from outside */
	ERR_IO = -4,           /* a system call failed */
	ERR_EOF = -5,          /* the other end is closed, or a source ended */
	ERR_TIMEOUT = -6,      /* the deadline passed */
	ERR_CANCELED = -7,     /* told to stop */
	ERR_USAGE = -8,        /* command line */
	ERR_CONFIG = -9,       /* configuration */
	ERR_UNREACHABLE = -10, /* no route or no name: nothing was sent */
	ERR_CONNECT = -11,     /* refused, TLS refused: nothing was sent */
	ERR_NET = -12,         /* broken after sending: outcome unknown */
	ERR_SERVICE = -13,     /* the service answered with an error */
	ERR_THROTTLED = -14,   /* the service said: later */
	ERR_NOQUEUE = -15,     /* the queue does not exist */
	ERR_DENIED = -16,      /* AccessDenied, bad signature, unknown key */
	ERR_NOCRED = -17,      /* no credentials from any source */
	ERR_ABSENT = -18,   /* not there (404, no such profile); try the next */
	ERR_PERM = -19,     /* not permitted by the kernel */
	ERR_EMPTY = -20,    /* nothing to do now: the queue is empty */
	ERR_UNUSABLE = -21, /* messages came and none was usable */
	ERR_UNSUPPORTED = -22, /* not on this host, as in FIPS mode */
	ERR_SOURCE = -23,      /* a source of random bytes failed its tests */
	ERR_INTERNAL = -24     /* a defect of ours; the last one */
};

/* Fallible functions are declared with it. */
#define MUST_CHECK   __attribute__((warn_unused_result))

/* Bytes, with the terminating NUL: a text of a service (sqs/error.h) with what
 * was asked of it before and what to do about it behind. */
#define ERR_TEXT_MAX 2048

/* The story of one failure: its code and one line saying what to do. */
struct err {
	int code;
	bool told; /* it is logged already; there is no text */
	char text[ERR_TEXT_MAX];
};

/*
 * Record a failure and return code, so that callers can write
 * "return err_set(err, ERR_IO, ...)".  err may be NULL.  A text that is longer
 * than ERR_TEXT_MAX loses its middle (text_shorten()), what is not printable
 * becomes '?' (text.h; a service or a file may have supplied it).  Never pass a
 * secret.
 */
int err_set(struct err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: appends ": " and strerror(errno). */
int err_errno(struct err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Record a failure that is logged already, and return code. */
int err_told(struct err *err, int code);

/* One English text a code, never NULL. */
const char *err_text(int code);

/* The exit code for a code, as the manual pages list them. */
int err_exit(int code);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_DOCTOR_FINDINGS_H
#define SQS_ENTROPY_DOCTOR_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "json/writer.h"

/*
 * What --doctor looked at and found, and what --setup did: a line each for
 * people, or all of it as one JSON document.
 */
enum finding_level {
	FINDING_OK,
	FINDING_WARNING,
	FINDING_FAIL,
	FINDING_NOT_ASKED, /* nobody may or can be asked, which is no fault */
	FINDING_LEVELS
};

#define FINDING_NAME_MAX   64 /* bytes, with the NUL, as those below */
#define FINDING_TEXT_MAX   ERR_TEXT_MAX
#define FINDING_REMEDY_MAX 1024

/* One of them; also a record from one half to the other. */
struct finding {
	int32_t level; /* enum finding_level */
	int32_t code;  /* of a FAIL: enum err_code of what it would end with */
	char name[FINDING_NAME_MAX]; /* stays the same from release to release:
					"clock", "permission sqs:SendMessage" */
	char text[FINDING_TEXT_MAX]; /* what was found */
	/* A command or a setting; "": none is needed, or text says it. */
	char remedy[FINDING_REMEDY_MAX];
};

struct findings {
	/* Of these three the first that is set is used. */
	void (*send)(void *ctx, const struct finding *f);
	struct json_writer *json;
	FILE *to;
	void *ctx;                /* of send() */
	size_t n[FINDING_LEVELS]; /* how many of each level */
	int code;                 /* that of the first FAIL; 0: none */
};

/* Report to to: each finding at once as a line, with its remedy in a second
 * one, or, as JSON, all when they are closed.  ERR_NOMEM. */
int findings_open(struct findings *all, FILE *to, bool json, struct err *err)
    MUST_CHECK;

/* Hand each finding to send() instead; such are not closed. */
void findings_send(struct findings *all,
    void (*send)(void *ctx, const struct finding *f), void *ctx);

/* Add one.  remedy may be NULL, and is taken as it is.  What is not printable
 * becomes '?' (text.h).  code: of err.h, below 0. */
void findings_ok(struct findings *all, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void findings_not_asked(struct findings *all, const char *name, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
void findings_warn(struct findings *all, const char *name, const char *remedy,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void findings_fail(struct findings *all, int code, const char *name,
    const char *remedy, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* A FAIL with the code of err, whose text says what to do. */
void findings_err(
    struct findings *all, const char *name, const struct err *err);

/* Add one that another process made: false, and nothing is added, if it is no
 * finding. */
bool findings_take(struct findings *all, const struct finding *f);

/* End the report with a line of the numbers, or with the JSON document. Returns
 * the code of the first FAIL, with err told; 0 if there is none, warnings or
 * not; ERR_IO, ERR_NOMEM. */
int findings_close(struct findings *all, struct err *err) MUST_CHECK;

#endif

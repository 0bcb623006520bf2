/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CRED_PROCESS_H
#define SQS_ENTROPY_AWS_CRED_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/cred.h"
#include "aws/shared.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/words.h"

/*
 * Credentials that a command writes to its standard output as JSON (AWS SDKs
 * and Tools Reference Guide, "Process credential provider").  The command is
 * the profile's credential_process.  Somebody else runs it, because a confined
 * process may not (runner.h).
 */
#define CRED_PROCESS_OUTPUT_MAX 65536 /* bytes */

struct cred_process;

/* files and clock are borrowed.  patient: a command that fails is run again
 * until the deadline, because at boot there may be no network yet.  NULL when
 * memory is short. */
struct cred_process *cred_process_new(
    struct shared_files *files, const struct clock *clock, bool patient);
void cred_process_free(struct cred_process *p);

/*
 * The words of the command that the files have now, for whoever is to run it:
 * that of the profile in force, or of the one that source_profile leads to from
 * there.  *words is NULL when there is none, and lives as long as p.
 * ERR_CONFIG: a quote is not closed, too long, no word; the errors of
 * shared_read().
 */
int cred_process_find(struct cred_process *p, const struct words **words,
    struct err *err) MUST_CHECK;

/* What runs the words that cred_process_find() found last.  Contract of
 * runner_ask(): the error's text goes on behind the command's name. */
typedef int cred_process_run(
    void *ctx, struct buf *output, int64_t deadline, struct err *err);
void cred_process_connect(
    struct cred_process *p, cred_process_run *run, void *ctx);

/* What cred_process_load() would find wrong with the command's line, without
 * running it.  ERR_ABSENT, ERR_CONFIG, errors of shared_read(). */
int cred_process_check(
    struct cred_process *p, const char *profile, struct err *err) MUST_CHECK;

/*
 * The credentials that the command of a profile gives now.  ERR_ABSENT: the
 * profile has no credential_process.  ERR_NOCRED: it failed, or what it wrote
 * is no document with credentials, or they have expired.  ERR_EOF: nobody can
 * run it, because the files had no command or another one when
 * cred_process_find() was asked: only a new start of the program helps.
 * ERR_CONFIG, ERR_TIMEOUT, ERR_CANCELED, ERR_NOMEM.
 */
int cred_process_load(struct cred_process *p, const char *profile,
    struct cred *out, int64_t deadline, struct err *err) MUST_CHECK;

/* The document alone, of which from begins the error's text.  ERR_NOCRED,
 * ERR_NOMEM.  Pure. */
int cred_process_document(const struct buf *text, const char *from,
    struct cred *out, struct err *err) MUST_CHECK;

#endif

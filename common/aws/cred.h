/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CRED_H
#define SQS_ENTROPY_AWS_CRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define CRED_KEY_MAX     128   /* bytes, access key and secret key */
#define CRED_TOKEN_MAX   16384 /* bytes, session token */
#define CRED_SOURCES_MAX 8
#define CRED_ORIGIN_MAX  384 /* bytes, with the NUL */

/* AWS credentials, wiped when freed. */
struct cred {
	struct buf *access_key;
	struct buf *secret_key;
	struct buf *token;  /* empty: none */
	int64_t expires;    /* epoch ms; 0: never */
	const char *source; /* name of the source that gave them */
	/* Whose they are and how they were come by, for people: the profile and
	 * its file, the role and by whom it was assumed; "": source says all.
	 */
	char origin[CRED_ORIGIN_MAX];
	bool stored; /* they are as a file has them */
};

/* Empty credentials with their buffers, or NULL. */
struct cred *cred_new(void);
void cred_free(struct cred *c);

/* Store the three parts; token may be NULL.  ERR_LIMIT, ERR_NOMEM;
 * ERR_FORMAT when a key is empty or has a character outside the graphic
 * ASCII ones. */
int cred_set(struct cred *c, const char *access_key, const char *secret_key,
    const char *token) MUST_CHECK;

/*
 * One place that credentials may come from.  load() fills *out (from
 * cred_new) or answers ERR_ABSENT, with err saying what was not there, to
 * pass the turn to the next source; any other error ends the search, because
 * what the user configured is broken.
 */
struct cred_source {
	const char *name; /* static, for messages; load() may choose another */
	int (*load)(
	    void *ctx, struct cred *out, int64_t deadline, struct err *err);
	void *ctx; /* owned by whoever made the source */
};

/*
 * The chain: asks its sources in order, keeps the answer until five minutes
 * before it expires, then asks again, for half of the time left and five
 * seconds at most.  When the refresh fails, expired credentials go on being
 * used ("static stability", as in the SDKs).
 */
struct cred_chain;

/* Copies sources (n <= CRED_SOURCES_MAX) and clock; NULL when memory is
 * short. */
struct cred_chain *cred_chain_new(
    const struct cred_source *sources, size_t n, struct clock clock);
void cred_chain_free(struct cred_chain *chain);

/* *out stays the chain's, valid until the next call.  ERR_NOCRED, with what
 * each source said, when none has any; or the error of the source that
 * ended the search, behind what the others said if it could not be reached. */
int cred_chain_get(struct cred_chain *chain, int64_t deadline,
    const struct cred **out, struct err *err) MUST_CHECK;

/* Call told, once for each credentials that are others than those before, with
 * a line for people: the access key, which is no secret, and its origin. */
typedef void cred_told(const char *line);
void cred_chain_tell(struct cred_chain *chain, cred_told *told);

/* The service refused the credentials that are kept: ask the sources anew.
 * True if they gave others.  Those that are kept stay where a source cannot be
 * reached; where they have none, the next cred_chain_get() asks again. */
bool cred_chain_renew(struct cred_chain *chain, int64_t deadline);

/* False if there are credentials that are from no file. */
bool cred_chain_uses_files(const struct cred_chain *chain);

#endif

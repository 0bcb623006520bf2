/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CHAIN_H
#define SQS_ENTROPY_AWS_CHAIN_H

#include <stdbool.h>

#include "aws/cred.h"
#include "aws/cred_process.h"
#include "aws/shared.h"
#include "aws/sts.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "http/client.h"

/*
 * All sources of credentials in the order of botocore (its
 * create_credential_resolver()), behind AWS IoT: the environment; the profile
 * in force, which may assume a role, by another profile or a source that it
 * names, or by a web identity, for which the environment goes before it, or
 * have keys or a credential_process; then the sources of the machine.  A
 * profile that was asked for and is not there, and whatever a profile asks for
 * and cannot have, ends the search with an error that names it.
 */
struct chain_config {
	struct http *http;
	const struct clock *clock;
	struct shared_files *files;
	struct cred_process *process;
	/* AWS IoT, if it is configured: it is what was asked for, so it comes
	 * first and passes the turn to nobody. */
	struct cred_source asked;
	struct cred_source metadata;              /* of the machine */
	const char *region;                       /* configured; "" for none */
	enum text_switch use_fips, use_dualstack; /* configured */
	bool wait_for_route;
	cred_told *told; /* of who signs; NULL: nobody wants to know */
};

struct chain;

/* What cfg points to is borrowed.  NULL when memory is short. */
struct chain *chain_new(const struct chain_config *cfg);
void chain_free(struct chain *c);

/* The chain of its sources, which is its own. */
struct cred_chain *chain_credentials(struct chain *c);

/* Where STS is asked when neither the variables, the configuration nor the
 * profile in force say a region. */
void chain_set_region(struct chain *c, const char *region);

/* Ask STS, where a role would be asked for, whose the credentials are that
 * sign. Errors of cred_chain_get(), of shared_read() and of sts_identity(). */
int chain_identity(struct chain *c, int64_t deadline,
    char arn[static STS_IDENTITY_MAX], struct err *err) MUST_CHECK;

/* The files of tokens that sources read: a NULL-terminated list that is valid
 * until the next call. */
const char *const *chain_token_files(struct chain *c);

/*
 * The story of the chain, for a user, without asking anybody on the network or
 * running anything: tell is called for each source up to the first that would
 * be asked, or would fail; rc is 0, ERR_ABSENT or the failure.
 */
typedef void chain_tell(
    void *ctx, const char *source, int rc, const char *text);
int chain_explain(struct chain *c, chain_tell *tell, void *ctx, struct err *err)
    MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_VERIFY_H
#define SQS_ENTROPY_AGENT_OFFLINE_VERIFY_H

#include <stdbool.h>
#include <stdio.h>

#include "agent/offline/credit.h"
#include "base/buf.h"
#include "base/err.h"
#include "message/keyfile.h"
#include "message/seal.h"

/* The keys that messages are verified and opened with. */
struct verify {
	struct keyfile_trusted trusted;
	/* Up to LIMIT_SEAL_KEYS of struct seal_keys, the newest first; the
	 * others opened messages before.  Empty: sealed messages cannot be
	 * opened. */
	struct buf *seal_keys;
};

/* Read the trusted keys of a directory as keyfile_read_trusted() does; where
 * there are some, OpenSSL has to have Ed25519.  ERR_CONFIG. */
int verify_read_trusted(struct keyfile_trusted *trusted, const char *directory,
    keyfile_refused *refused, void *ctx, struct err *err) MUST_CHECK;

/* Load the trusted keys of a directory and, unless seal_key is "", the secret
 * keys of the fleet; those that a parameter holds come by verify_take_keys(). A
 * warning is logged for each file of the directory that gives no key.
 * ERR_CONFIG, ERR_UNSUPPORTED, ERR_NOMEM. */
int verify_open(struct verify *v, const char *trusted_directory,
    const char *seal_key, struct err *err) MUST_CHECK;
void verify_close(struct verify *v);

/* Take the fleet's secret keys, n (1..LIMIT_SEAL_KEYS) times, the newest first,
 * instead of a file's.  ERR_NOMEM, ERR_LIMIT. */
int verify_take_keys(
    const struct verify *v, const struct seal_keys *keys, size_t n) MUST_CHECK;

/* True if there is a key of that KEM. */
bool verify_opens(const struct verify *v, enum hpke_kem kem);

/* For --check: write what the keys that were loaded are, and which files of the
 * directory are none, as comments of the configuration. */
void verify_show(const struct verify *v, const char *trusted_directory,
    const char *seal_key, FILE *to);

/*
 * Find out who signed a message for the queue with that ARN, and open a sealed
 * message, so that its payload is in the clear.  Sets trust, claim and producer
 * of *out, and the digest of what is in the clear.  Without an ARN ("") no
 * signature holds.  ERR_DENIED: the message is sealed for somebody else, or
 * there is no key to open it with; ERR_NOMEM, ERR_INTERNAL.
 */
int verify_message(const struct verify *v, struct message *m, const char *arn,
    struct verdict *out) MUST_CHECK;

/* Why a message with that seal was ERR_DENIED, and what to do: "it is sealed,
 * and ...". */
const char *verify_explain(const struct verify *v, enum claim_seal seal);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_VERIFY_H
#define SQS_ENTROPY_AGENT_OFFLINE_VERIFY_H

#include <stdio.h>

#include "agent/offline/credit.h"
#include "base/buf.h"
#include "base/err.h"
#include "message/keyfile.h"

/* The keys that messages are verified and opened with. */
struct verify {
	struct keyfile_trusted trusted;
	struct buf *seal_key;   /* empty: sealed messages cannot be opened */
	struct buf *former_key; /* what opened them before; empty: none */
};

/* Read the trusted keys of a directory as keyfile_read_trusted() does; where
 * there are some, OpenSSL has to have Ed25519.  ERR_CONFIG. */
int verify_read_trusted(struct keyfile_trusted *trusted, const char *directory,
    keyfile_refused *refused, void *ctx, struct err *err) MUST_CHECK;

/* Load the trusted keys of a directory and, unless seal_key is "", the secret
 * key of the fleet; one that a parameter holds comes by verify_take_keys().  A
 * warning is logged for each file of the directory that gives no key.
 * ERR_CONFIG, ERR_NOMEM. */
int verify_open(struct verify *v, const char *trusted_directory,
    const char *seal_key, struct err *err) MUST_CHECK;
void verify_close(struct verify *v);

/* Take n (1..2) secret keys of the fleet, the newest first, instead of a
 * file's.  ERR_NOMEM, ERR_LIMIT. */
int verify_take_keys(const struct verify *v, uint8_t keys[][KEYS_LEN], size_t n)
    MUST_CHECK;

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

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_VERIFY_H
#define SQS_ENTROPY_AGENT_OFFLINE_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/offline/credit.h"
#include "agent/offline/replay.h"
#include "agent/record.h"
#include "base/buf.h"
#include "base/err.h"
#include "message/claim.h"
#include "message/keyfile.h"
#include "message/sign.h"

/* What a message is worth: whose signature it bears, what it claims, and its
 * bytes in the clear. */
struct verify {
	struct keyfile_trusted trusted;
	struct buf *seal_key; /* empty: sealed messages cannot be opened */
};

/* Load the trusted keys of a directory and, unless seal_key is "", the secret
 * key of the fleet.  ERR_CONFIG, ERR_NOMEM. */
int verify_open(struct verify *v, const char *trusted_directory,
    const char *seal_key, struct err *err) __attribute__((warn_unused_result));
void verify_close(struct verify *v);

struct verified {
	enum credit_trust trust;
	struct claim claim;   /* zero unless the attribute is well-formed */
	const char *producer; /* the trusted key's name, or NULL */
	uint8_t digest[REPLAY_DIGEST_LEN]; /* of all that is signed */
};

/*
 * Judge a sound record (see record.h) for the queue of that path, and open it
 * when it is sealed: m->payload and m->payload_len are the bytes in the clear
 * then.  ERR_DENIED: sealed for somebody else, or no key to open it with;
 * ERR_NOMEM, ERR_INTERNAL.
 */
int verify_message(const struct verify *v, struct record_message *m,
    const char *queue_path, struct verified *out)
    __attribute__((warn_unused_result));

#endif

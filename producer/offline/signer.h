/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_SIGNER_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_SIGNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "message/keyfile.h"
#include "message/sign.h"
#include "producer/conf.h"
#include "producer/offline/sequence.h"

/* What a block of bytes needs to become a signed message. */
struct signer {
	struct buf *signing_key; /* secret; empty: messages are not signed */
	uint8_t key_id[KEYFILE_ID_LEN];
	bool seals;
	uint8_t seal_to[KEYS_LEN]; /* the fleet's public key */
	struct sequence sequence;
	char queue_path[LIMIT_PATH + 1]; /* "": not known yet */
	bool path_is_fixed;              /* the configuration gave it */
};

/* Load what conf names.  ERR_CONFIG, ERR_ABSENT (another producer has the
 * state directory), ERR_PERM, ERR_IO, ERR_NOMEM. */
int signer_open(struct signer *s, const struct conf *conf, struct err *err)
    MUST_CHECK;
void signer_close(struct signer *s);

/* For --check: load the keys as signer_open() does, and close them. */
int signer_check(const struct conf *conf, struct err *err) MUST_CHECK;

/* Take the queue's path that the online half tells.  It is ignored where the
 * configuration has the queue's URL.  ERR_FORMAT. */
int signer_set_path(struct signer *s, const char *path, size_t len) MUST_CHECK;

/* Number, seal and sign the payload of m, claiming bits, at epoch ms wall.
 * Without a signing key nothing changes.  ERR_LIMIT, ERR_IO, ERR_CONFIG (no
 * path), ERR_NOMEM, ERR_INTERNAL. */
int signer_sign(struct signer *s, struct message *m, int64_t wall,
    uint32_t bits, struct err *err) MUST_CHECK;

#endif

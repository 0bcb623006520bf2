/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_OFFLINE_SIGNER_H
#define SQS_ENTROPY_PRODUCER_OFFLINE_SIGNER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arn.h"
#include "base/buf.h"
#include "base/err.h"
#include "message/keyfile.h"
#include "message/sign.h"
#include "producer/conf.h"
#include "producer/offline/sequence.h"

/* What a block of bytes needs to become a signed message. */
struct signer {
	struct keys_signer *key; /* secret; NULL: messages are not signed */
	uint8_t key_id[KEYFILE_ID_LEN];
	bool seals;
	enum hpke_kem kem;
	uint8_t seal_to[HPKE_PUBLIC_MAX]; /* the fleet's public key */
	struct sequence sequence;
	/* The queue of the next message: */
	size_t entry;           /* its index in the configuration */
	const char *queue;      /* as it is configured there */
	char arn[ARN_TEXT_MAX]; /* "": it has none */
	bool told_no_arn[LIMIT_QUEUES];
};

/* Load what conf names.  ERR_CONFIG, ERR_ABSENT (another producer has the
 * state directory), ERR_PERM, ERR_IO, ERR_NOMEM. */
int signer_open(struct signer *s, const struct conf *conf, struct err *err)
    MUST_CHECK;
void signer_close(struct signer *s);

/* For --check: the keys alone, as signer_open() loads them; and what they are,
 * as comments of the configuration. */
int signer_check(struct signer *s, const struct conf *conf, struct err *err)
    MUST_CHECK;
void signer_show(const struct signer *s, const struct conf *conf, FILE *to);

/* Make the ARN of the configured queue with that index from the configuration
 * and, where that does not say all, from what the online half found. */
void signer_set_queue(struct signer *s, const struct conf *conf, size_t entry,
    const struct arn *found);

/* Number, seal and sign the payload of m, claiming bits, at epoch ms wall.
 * Without a signing key nothing changes, nor without an ARN, which is logged
 * once for each queue.  ERR_LIMIT, ERR_IO, ERR_CONFIG (to be sealed, and no
 * ARN), ERR_NOMEM, ERR_INTERNAL. */
int signer_sign(struct signer *s, struct message *m, int64_t wall,
    uint32_t bits, struct err *err) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_MESSAGE_SEAL_H
#define SQS_ENTROPY_MESSAGE_SEAL_H

#include <stdint.h>

#include "base/err.h"
#include "crypto/hpke.h"
#include "message/claim.h"
#include "message/keyfile.h"
#include "message/message.h"

/*
 * Sealing a payload for the holders of a fleet's secret key: HPKE (RFC 9180,
 * hpke.h) with MESSAGE_DOMAIN as info and the claim as aad.  The payload grows
 * by hpke_overhead() bytes.  Errors beside those named: ERR_UNSUPPORTED where
 * OpenSSL has not what the KEM needs, ERR_NOMEM, ERR_INTERNAL.
 */

/* What a KEM is called, and what belongs to it. */
struct seal_kind {
	const char *name; /* in --seal=NAME, and in a claim */
	enum claim_seal seal;
	enum keyfile_kind public_kind, secret_kind;
	unsigned algorithms; /* that sealing and opening need */
};

/* In the order of enum hpke_kem. */
extern const struct seal_kind seal_kinds[HPKE_KEMS];

/* The fleet's secret keys, as a file or a parameter holds them: at most one of
 * each kind.  It is part of a record of the agent's halves. */
struct seal_keys {
	uint32_t has[HPKE_KEMS]; /* 1: there is one */
	uint8_t key[HPKE_KEMS][KEYS_LEN];
};

/* Read the keys of a file, or of its text.  Errors of keyfile_read_keys() and
 * keyfile_parse_keys(); nothing is left in *out then. */
int seal_keys_read(struct seal_keys *out, const char *path, struct err *err)
    MUST_CHECK;
int seal_keys_parse(struct seal_keys *out, const char *text, size_t len,
    const char *origin, struct err *err) MUST_CHECK;

/* ERR_UNSUPPORTED, with what an agent can do about it, where OpenSSL has not
 * what one of these keys needs. */
int seal_keys_need(const struct seal_keys *keys, struct err *err) MUST_CHECK;

/* ERR_LIMIT: the sealed payload would be longer than allowed; ERR_DENIED:
 * recipient is no proper key. */
int message_seal(struct message *m, enum hpke_kem kem, const uint8_t *recipient)
    MUST_CHECK;

/* ERR_DENIED: sealed for somebody else, not genuine, or too short to hold a
 * payload; the message is as it was then. */
int message_open(struct message *m, enum hpke_kem kem,
    const uint8_t secret[static KEYS_LEN]) MUST_CHECK;

#endif

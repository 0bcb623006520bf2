/* SPDX-License-Identifier: Apache-2.0 */
#include "message/seal.h"

#include <string.h>

#include "base/buf.h"
#include "crypto/algorithms.h"
#include "message/sign.h"

const struct seal_kind seal_kinds[HPKE_KEMS] = {
    [HPKE_X25519] = {"x25519", CLAIM_SEAL_X25519, KEYFILE_SEAL_PUBLIC,
	KEYFILE_SEAL_SECRET, ALGORITHMS_SEALING},
    [HPKE_XWING] = {"xwing", CLAIM_SEAL_XWING, KEYFILE_XWING_PUBLIC,
	KEYFILE_XWING_SECRET, ALGORITHMS_SEALING | ALGORITHMS_XWING},
};

static const char *const remedies[HPKE_KEMS] = {
    [HPKE_X25519] = "remove it, and have this host's queue filled with "
		    "messages that are not sealed",
    [HPKE_XWING] = "take the sqs-entropy-xwing-secret line out, and have this "
		   "host's queue filled with messages that are not sealed so, "
		   "or give it OpenSSL 3.5 or later (Debian 13 has it)",
};

/* Where the keys of a text go. */
static struct keyfile_keys place_keys(struct seal_keys *out)
{
	struct keyfile_keys keys = {.several = true};

	memset(out, 0, sizeof *out);
	for (size_t kem = 0; kem < HPKE_KEMS; kem++)
		keys.at[seal_kinds[kem].secret_kind] = out->key[kem];
	return keys;
}

static void note_found(struct seal_keys *out, const struct keyfile_keys *keys)
{
	for (size_t kem = 0; kem < HPKE_KEMS; kem++)
		out->has[kem] = keys->found[seal_kinds[kem].secret_kind];
}

int seal_keys_read(struct seal_keys *out, const char *path, struct err *err)
{
	struct keyfile_keys keys = place_keys(out);
	const int rc = keyfile_read_keys(&keys, path, err);

	note_found(out, &keys);
	return rc;
}

int seal_keys_parse(struct seal_keys *out, const char *text, size_t len,
    const char *origin, struct err *err)
{
	struct keyfile_keys keys = place_keys(out);
	const int rc = keyfile_parse_keys(&keys, text, len, origin, err);

	note_found(out, &keys);
	return rc;
}

int seal_keys_need(const struct seal_keys *keys, struct err *err)
{
	int rc = 0;

	for (size_t kem = 0; rc == 0 && kem < HPKE_KEMS; kem++)
		if (keys->has[kem] != 0)
			rc = algorithms_need(seal_kinds[kem].algorithms,
			    "seal-key", remedies[kem], err);
	return rc;
}

static void set_payload(struct message *m, const uint8_t *bytes, size_t len)
{
	memcpy(m->payload, bytes, len);
	m->payload_len = (uint32_t)len;
}

int message_seal(struct message *m, enum hpke_kem kem, const uint8_t *recipient)
{
	const size_t len = m->payload_len + hpke_overhead(kem);
	const size_t key_len = hpke_ephemeral_len(kem);
	struct buf *sealed, *ephemeral;
	uint8_t *out, *key;
	int rc;

	if (len > MESSAGE_PAYLOAD_MAX)
		return ERR_LIMIT;
	sealed = buf_new_zero(len, &out);
	ephemeral = buf_new_zero(key_len, &key);
	rc = sealed != NULL && ephemeral != NULL ? 0 : ERR_NOMEM;
	if (rc == 0)
		rc = keys_random(key, key_len);
	if (rc == 0)
		rc = hpke_seal(kem, out, recipient, key, MESSAGE_DOMAIN,
		    strlen(MESSAGE_DOMAIN), m->entropy, m->entropy_len,
		    m->payload, m->payload_len);
	if (rc == 0)
		set_payload(m, out, len);
	buf_free(ephemeral);
	buf_free(sealed);
	return rc;
}

int message_open(
    struct message *m, enum hpke_kem kem, const uint8_t secret[static KEYS_LEN])
{
	const size_t more = hpke_overhead(kem);
	struct buf *clear;
	uint8_t *out;
	size_t len;
	int rc;

	if (m->payload_len < more + MESSAGE_PAYLOAD_MIN)
		return ERR_DENIED;
	len = m->payload_len - more;
	clear = buf_new_zero(len, &out);
	rc = clear != NULL ? 0 : ERR_NOMEM;
	if (rc == 0)
		rc = hpke_open(kem, out, secret, MESSAGE_DOMAIN,
		    strlen(MESSAGE_DOMAIN), m->entropy, m->entropy_len,
		    m->payload, m->payload_len);
	if (rc == 0)
		set_payload(m, out, len);
	buf_free(clear);
	return rc;
}

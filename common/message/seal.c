/* SPDX-License-Identifier: Apache-2.0 */
#include "message/seal.h"

#include <string.h>

#include "base/buf.h"
#include "message/sign.h"

static void set_payload(struct message *m, const uint8_t *bytes, size_t len)
{
	memcpy(m->payload, bytes, len);
	m->payload_len = (uint32_t)len;
}

int message_seal(struct message *m, const uint8_t recipient[static KEYS_LEN])
{
	const size_t len = m->payload_len + HPKE_OVERHEAD;
	struct buf *sealed, *ephemeral;
	uint8_t *out, *key;
	int rc;

	if (len > MESSAGE_PAYLOAD_MAX)
		return ERR_LIMIT;
	sealed = buf_new_zero(len, &out);
	ephemeral = buf_new_zero(KEYS_LEN, &key);
	rc = sealed != NULL && ephemeral != NULL ? 0 : ERR_NOMEM;
	if (rc == 0)
		rc = keys_random(key, KEYS_LEN);
	if (rc == 0)
		rc = hpke_seal(HPKE_X25519, out, recipient, key, MESSAGE_DOMAIN,
		    strlen(MESSAGE_DOMAIN), m->entropy, m->entropy_len,
		    m->payload, m->payload_len);
	if (rc == 0)
		set_payload(m, out, len);
	buf_free(ephemeral);
	buf_free(sealed);
	return rc;
}

int message_open(struct message *m, const uint8_t secret[static KEYS_LEN])
{
	struct buf *clear;
	uint8_t *out;
	size_t len;
	int rc;

	if (m->payload_len < HPKE_OVERHEAD + MESSAGE_PAYLOAD_MIN)
		return ERR_DENIED;
	len = m->payload_len - HPKE_OVERHEAD;
	clear = buf_new_zero(len, &out);
	rc = clear != NULL ? 0 : ERR_NOMEM;
	if (rc == 0)
		rc = hpke_open(HPKE_X25519, out, secret, MESSAGE_DOMAIN,
		    strlen(MESSAGE_DOMAIN), m->entropy, m->entropy_len,
		    m->payload, m->payload_len);
	if (rc == 0)
		set_payload(m, out, len);
	buf_free(clear);
	return rc;
}

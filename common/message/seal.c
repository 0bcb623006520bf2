/* SPDX-License-Identifier: Apache-2.0 */
#include "message/seal.h"

#include <string.h>

#include "base/buf.h"
#include "message/sign.h"

/* Room for len bytes in a new buffer that is wiped when it is freed. */
static int make_room(struct buf **room, uint8_t **at, size_t len)
{
	*room = buf_new(len);
	return *room != NULL ? buf_extend(*room, len, at) : ERR_NOMEM;
}

static void set_payload(struct message *m, const uint8_t *bytes, size_t len)
{
	memcpy(m->payload, bytes, len);
	m->payload_len = (uint32_t)len;
}

int message_seal(struct message *m, const uint8_t recipient[static KEYS_LEN])
{
	const size_t len = m->payload_len + HPKE_OVERHEAD;
	struct buf *sealed = NULL, *ephemeral = NULL;
	uint8_t *out, *key;
	int rc;

	if (len > MESSAGE_PAYLOAD_MAX)
		return ERR_LIMIT;
	rc = make_room(&sealed, &out, len);
	if (rc == 0)
		rc = make_room(&ephemeral, &key, KEYS_LEN);
	if (rc == 0)
		rc = keys_random(key, KEYS_LEN);
	if (rc == 0)
		rc = hpke_seal(out, recipient, key, MESSAGE_DOMAIN,
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
	rc = make_room(&clear, &out, len);
	if (rc == 0)
		rc = hpke_open(out, secret, MESSAGE_DOMAIN,
		    strlen(MESSAGE_DOMAIN), m->entropy, m->entropy_len,
		    m->payload, m->payload_len);
	if (rc == 0)
		set_payload(m, out, len);
	buf_free(clear);
	return rc;
}

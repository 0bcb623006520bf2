/* SPDX-License-Identifier: Apache-2.0 */
#include "message/sign.h"

#include <string.h>

#define SIGNED_MAX                                                             \
	(64 + MESSAGE_ENTROPY_MAX + ARN_TEXT_MAX + MESSAGE_PAYLOAD_MAX)

static int add_field(struct buf *out, const void *data, size_t len)
{
	const uint8_t length[] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16),
	    (uint8_t)(len >> 8), (uint8_t)len};
	int rc = buf_add(out, length, sizeof length);

	return rc != 0 ? rc : buf_add(out, data, len);
}

int message_signed_bytes(
    const struct message *m, const char *arn, struct buf **out)
{
	const size_t arn_len = strlen(arn);
	int rc;

	*out = NULL;
	if (m->entropy_len > MESSAGE_ENTROPY_MAX || arn_len >= ARN_TEXT_MAX ||
	    m->payload_len > MESSAGE_PAYLOAD_MAX)
		return ERR_LIMIT;
	*out = buf_new(SIGNED_MAX);
	if (*out == NULL)
		return ERR_NOMEM;
	rc = buf_add(*out, MESSAGE_DOMAIN, sizeof MESSAGE_DOMAIN);
	if (rc == 0)
		rc = add_field(*out, m->entropy, m->entropy_len);
	if (rc == 0)
		rc = add_field(*out, arn, arn_len);
	if (rc == 0)
		rc = add_field(*out, m->payload, m->payload_len);
	return rc;
}

int message_sign(
    struct message *m, const char *arn, const struct keys_signer *by)
{
	struct buf *text;
	int rc = message_signed_bytes(m, arn, &text);

	if (rc == 0 && *arn == '\0')
		rc = ERR_LIMIT; /* a message is for one queue */
	if (rc == 0)
		rc = keys_signer_sign(
		    by, m->signature, buf_data(text), buf_len(text));
	m->signature_len = rc == 0 ? MESSAGE_SIGNATURE_LEN : 0;
	buf_free(text);
	return rc;
}

int message_verify(const struct message *m, const char *arn,
    const uint8_t public_key[static KEYS_LEN])
{
	struct buf *text;
	int rc;

	if (m->signature_len != MESSAGE_SIGNATURE_LEN || *arn == '\0')
		return ERR_DENIED;
	rc = message_signed_bytes(m, arn, &text);
	if (rc == 0)
		rc = keys_ed25519_verify(
		    m->signature, public_key, buf_data(text), buf_len(text));
	else if (rc == ERR_LIMIT)
		rc = ERR_DENIED; /* nobody can have signed that */
	buf_free(text);
	return rc;
}

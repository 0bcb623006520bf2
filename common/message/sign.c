/* SPDX-License-Identifier: Apache-2.0 */
#include "message/sign.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

static int add_field(struct buf *out, const void *data, size_t len)
{
	const uint8_t length[] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16),
	    (uint8_t)(len >> 8), (uint8_t)len};
	int rc = buf_add(out, length, sizeof length);

	return rc != 0 ? rc : buf_add(out, data, len);
}

int message_signed_bytes(struct buf *out, const char *entropy,
    size_t entropy_len, const char *queue_path, size_t path_len,
    const uint8_t *payload, size_t payload_len)
{
	const size_t before = buf_len(out);
	int rc;

	if (entropy_len > MESSAGE_ENTROPY_MAX || path_len > MESSAGE_PATH_MAX ||
	    payload_len > MESSAGE_PAYLOAD_MAX)
		return ERR_LIMIT;
	rc = buf_add(out, MESSAGE_DOMAIN, sizeof MESSAGE_DOMAIN);
	if (rc == 0)
		rc = add_field(out, entropy, entropy_len);
	if (rc == 0)
		rc = add_field(out, queue_path, path_len);
	if (rc == 0)
		rc = add_field(out, payload, payload_len);
	if (rc != 0)
		buf_truncate(out, before);
	return rc;
}

/* ---- signatures */

/* A new buffer with what is signed, which the caller frees. */
static int signed_bytes(struct buf **out, const char *entropy,
    const char *queue_path, const uint8_t *payload, size_t len)
{
	*out = buf_new(MESSAGE_SIGNED_MAX);
	if (*out == NULL)
		return ERR_NOMEM;
	return message_signed_bytes(*out, entropy, strlen(entropy), queue_path,
	    strlen(queue_path), payload, len);
}

int message_sign(uint8_t signature[static MESSAGE_SIGNATURE_LEN],
    const uint8_t secret[static KEYS_LEN], const char *entropy,
    const char *queue_path, const uint8_t *payload, size_t len)
{
	struct buf *text;
	int rc = signed_bytes(&text, entropy, queue_path, payload, len);

	if (rc == 0)
		rc = keys_ed25519_sign(
		    signature, secret, buf_data(text), buf_len(text));
	buf_free(text);
	return rc;
}

int message_verify(const uint8_t signature[static MESSAGE_SIGNATURE_LEN],
    const uint8_t public_key[static KEYS_LEN], const char *entropy,
    const char *queue_path, const uint8_t *payload, size_t len)
{
	struct buf *text;
	int rc = signed_bytes(&text, entropy, queue_path, payload, len);

	if (rc == 0)
		rc = keys_ed25519_verify(
		    signature, public_key, buf_data(text), buf_len(text));
	else if (rc == ERR_LIMIT)
		rc = ERR_DENIED; /* nobody can have signed that */
	buf_free(text);
	return rc;
}

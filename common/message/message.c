/* SPDX-License-Identifier: Apache-2.0 */
#include "message/message.h"

#include <string.h>

#include "base/err.h"

int message_encode(char *body, const uint8_t *payload, size_t len)
{
	if (len < MESSAGE_PAYLOAD_MIN || len > MESSAGE_PAYLOAD_MAX)
		return ERR_LIMIT;
	base64_encode(body, payload, len);
	return 0;
}

int message_decode(uint8_t payload[static MESSAGE_PAYLOAD_MAX], size_t *len,
    const char *body, size_t body_len)
{
	size_t chars = body_len;
	size_t got;
	int rc;

	*len = 0;
	if (chars > 0 && body[chars - 1] == '\n')
		chars--;
	rc = base64_decode(payload, MESSAGE_PAYLOAD_MAX, &got, body, chars);
	if (rc != 0)
		return rc;
	if (got < MESSAGE_PAYLOAD_MIN) {
		explicit_bzero(payload, got);
		return ERR_LIMIT;
	}
	*len = got;
	return 0;
}

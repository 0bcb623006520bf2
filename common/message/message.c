/* SPDX-License-Identifier: Apache-2.0 */
#include "message/message.h"

#include <stdbool.h>
#include <string.h>

size_t message_record_len(const struct message *m)
{
	return offsetof(struct message, payload) + m->payload_len;
}

static bool may_be_sent(size_t payload_len)
{
	return payload_len >= MESSAGE_PAYLOAD_MIN &&
	       payload_len <= MESSAGE_PAYLOAD_MAX;
}

int message_take_record(struct message *m, size_t len)
{
	if (len < offsetof(struct message, payload) ||
	    !may_be_sent(m->payload_len) || len != message_record_len(m) ||
	    m->entropy_len > MESSAGE_ENTROPY_MAX ||
	    (m->signature_len != 0 &&
		m->signature_len != MESSAGE_SIGNATURE_LEN))
		return ERR_FORMAT;
	m->entropy[m->entropy_len] = '\0';
	return 0;
}

void message_set_claim(struct message *m, const char *text)
{
	size_t len = strlen(text);

	if (len > MESSAGE_ENTROPY_MAX)
		len = 1;
	memcpy(m->entropy, text, len);
	m->entropy[len] = '\0';
	m->entropy_len = (uint32_t)len;
}

int message_to_body(const struct message *m, char *body)
{
	if (!may_be_sent(m->payload_len))
		return ERR_LIMIT;
	base64_encode(body, m->payload, m->payload_len);
	return 0;
}

int message_from_body(struct message *m, const char *body, size_t len)
{
	size_t got;
	int rc;

	m->payload_len = 0;
	if (len > 0 && body[len - 1] == '\n')
		len--;
	rc = base64_decode(m->payload, MESSAGE_PAYLOAD_MAX, &got, body, len);
	if (rc != 0)
		return rc;
	if (got < MESSAGE_PAYLOAD_MIN) {
		explicit_bzero(m->payload, got);
		return ERR_LIMIT;
	}
	m->payload_len = (uint32_t)got;
	return 0;
}

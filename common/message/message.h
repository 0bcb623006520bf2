/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_MESSAGE_MESSAGE_H
#define SQS_ENTROPY_MESSAGE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/record.h"

/*
 * The message, version 1 (docs/architecture.md): as it lies in memory, and as
 * the record in which one half of a program hands it to the other.  Its body
 * in SQS is the base64 of the payload and nothing else.
 */
#define MESSAGE_PAYLOAD_MIN    32
#define MESSAGE_PAYLOAD_MAX    16384
#define MESSAGE_BODY_MAX       BASE64_LEN(MESSAGE_PAYLOAD_MAX)
#define MESSAGE_ENTROPY_MAX    255 /* characters */
#define MESSAGE_SIGNATURE_LEN  64  /* bytes */

/* The message attributes of SQS that carry the claim and its signature. */
#define MESSAGE_ATTR_ENTROPY   "Entropy"
#define MESSAGE_ATTR_SIGNATURE "Signature"

struct message {
	int64_t sent;           /* SentTimestamp, epoch ms; 0: not told */
	uint32_t receive_count; /* ApproximateReceiveCount; 0: not told */
	uint32_t entropy_len;   /* characters of entropy; 0: no claim */
	uint32_t signature_len; /* bytes of signature; 0: not signed */
	uint32_t payload_len;   /* bytes of payload */
	uint32_t entry;         /* index of the configured queue it is from */
	char entropy[MESSAGE_ENTROPY_MAX + 1]; /* the claim (claim.h), NUL */
	uint8_t signature[MESSAGE_SIGNATURE_LEN];
	/* A record ends after payload_len bytes of this. */
	uint8_t payload[MESSAGE_PAYLOAD_MAX];
};

_Static_assert(sizeof(struct message) <= RECORD_MAX, "it fits into a record");

/* The bytes of the record that holds the message. */
size_t message_record_len(const struct message *m);

/* Judge len bytes that came as a record, and end the claim with a NUL.
 * ERR_FORMAT: a length is not allowed, or they do not add up to len. */
int message_take_record(struct message *m, size_t len) MUST_CHECK;

/* Set the claim to a text from outside.  One that is too long is cut to its
 * first character, so that it counts as malformed and not as absent. */
void message_set_claim(struct message *m, const char *text);

/* The body: BASE64_LEN(payload_len) characters and a NUL.  ERR_LIMIT unless
 * the payload's length is allowed. */
int message_to_body(const struct message *m, char *body) MUST_CHECK;

/*
 * Set the payload to what a body of len characters decodes to.  One final line
 * feed, as a shell's base64 leaves it, is accepted.  ERR_LIMIT: the payload
 * would be shorter or longer than allowed; ERR_FORMAT: not base64.  The
 * payload is empty and wiped then.
 */
int message_from_body(struct message *m, const char *body, size_t len)
    MUST_CHECK;

#endif

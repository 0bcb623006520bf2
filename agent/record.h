/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_RECORD_H
#define SQS_ENTROPY_AGENT_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/record.h"
#include "message/sign.h"

/*
 * What the agent's halves say to each other, in the machine's own byte order:
 * both ends are one program.  Lengths are checked by the receiver against
 * these arrays before anything is looked at.
 */
enum record_type {
	RECORD_IDENTITY = 1, /* online: struct record_identity */
	RECORD_MESSAGE = 2,  /* online: struct record_message */
	RECORD_END = 3,      /* online: struct record_end, then nothing more */
	RECORD_QUEUE = 5,    /* online: struct record_queue */
	RECORD_STATUS = 4    /* offline: struct record_status */
};

/* Sets machines apart that are handed the same bytes; never credited. */
struct record_identity {
	uint32_t len; /* of text */
	char text[256];
};

/* The queue's path as the service told it, for a queue known by name. */
struct record_queue {
	uint32_t len; /* of path */
	char path[MESSAGE_PATH_MAX];
};

/* One message whose delete the service has confirmed. */
struct record_message {
	int64_t sent;           /* SentTimestamp, epoch ms; 0: not told */
	uint32_t receive_count; /* ApproximateReceiveCount; 0: not told */
	uint32_t entropy_len;
	uint32_t signature_len;
	uint32_t payload_len;
	char entropy[MESSAGE_ENTROPY_MAX + 1];
	uint8_t signature[MESSAGE_SIGNATURE_LEN];
	/* the record ends after payload_len bytes of this */
	uint8_t payload[MESSAGE_PAYLOAD_MAX];
};

struct record_end {
	int32_t code;      /* enum err_code: what ended the online half */
	uint32_t received; /* messages that the service gave */
	uint32_t deleted;  /* of those, confirmed as deleted */
};

struct record_status {
	int32_t code;
	uint32_t used; /* messages injected */
	uint32_t bits; /* credit given */
};

_Static_assert(sizeof(struct record_message) <= RECORD_MAX,
    "a message fits into a record");

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_RECORD_H
#define SQS_ENTROPY_AGENT_RECORD_H

#include <stdint.h>

#include "base/arn.h"
#include "base/limits.h"
#include "message/message.h"
#include "message/seal.h"

/*
 * What the agent's halves say to each other, in the machine's own byte order:
 * both ends are one program.  Lengths are checked by the receiver against these
 * arrays before anything is looked at.  The offline half says READY; all else
 * comes from the online half.
 */
enum record_type {
	RECORD_IDENTITY = 1, /* struct record_identity, once */
	RECORD_QUEUE = 2,    /* struct record_queue, once for each queue, before
				its messages */
	RECORD_MESSAGE = 3,  /* struct message, whose delete is confirmed */
	RECORD_END = 4,      /* struct record_end, then nothing more */
	RECORD_READY = 5,    /* no data: confined, and able to inject.  Nothing
				is received before, because what is received
				is deleted */
	RECORD_FALLBACK = 6, /* struct record_fallback, once, if "fallback" is
				set and there is no message */
	RECORD_SEAL_KEYS = 7 /* struct record_seal_keys, once, if "seal-key"
				names a parameter; READY waits for it */
};

/* The instance id: it is mixed without credit, so that machines which are
 * handed the same bytes differ.  A run that is not for the kernel has none. */
struct record_identity {
	uint32_t len; /* of text */
	char text[256];
};

/* What the online half found of a queue, for what its configuration does not
 * say of its ARN.  Queues are told apart by their index in the configuration,
 * which each message carries, too; without a configured queue the index is 0.
 */
struct record_queue {
	uint32_t entry; /* 0..LIMIT_QUEUES - 1 */
	struct arn found;
};

/* What is mixed, without credit, in place of a message: whoever is in the
 * online half may know or have chosen it. */
struct record_fallback {
	uint8_t bytes[64];
};

/* What opens sealed messages, the newest first. */
struct record_seal_keys {
	uint32_t n; /* 1..LIMIT_SEAL_KEYS */
	struct seal_keys keys[LIMIT_SEAL_KEYS];
};

struct record_end {
	int32_t code;      /* enum err_code: what ended the online half */
	uint32_t received; /* messages that the service gave */
	uint32_t deleted;  /* of those, confirmed as deleted */
};

#endif

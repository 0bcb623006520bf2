/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_RECORD_H
#define SQS_ENTROPY_PRODUCER_RECORD_H

#include <stdint.h>

#include "base/record.h"
#include "message/sign.h"

/*
 * What the producer's halves say to each other, in the machine's own byte
 * order: both ends are one program.
 */
enum record_type {
	RECORD_ASK = 1,      /* online: struct record_ask */
	RECORD_MESSAGE = 2,  /* offline: struct record_message, one of those
				asked for */
	RECORD_FAILED = 3,   /* offline: struct record_failed, in place of all
				messages that are still owed */
	RECORD_HEARTBEAT = 4 /* online: struct record_heartbeat, at any time */
};

/* The first one says that the online half is confined too; HEARTBEAT_PARTS of
 * them come in the service manager's watchdog time. */
#define HEARTBEAT_PARTS 3

struct record_heartbeat {
	int64_t visible; /* messages that can be received; -1: not known */
	uint64_t sent;   /* messages since the start */
	int32_t code;    /* enum err_code of the last try */
	int32_t behind;  /* seconds, of a clock too wrong to sign by; or 0 */
};

struct record_ask {
	uint32_t count; /* messages */
	uint32_t path_len;
	char path[MESSAGE_PATH_MAX]; /* of the queue, which is signed too */
};

struct record_message {
	uint32_t entropy_len;   /* 0: not signed */
	uint32_t signature_len; /* 0 or MESSAGE_SIGNATURE_LEN */
	uint32_t payload_len;
	char entropy[MESSAGE_ENTROPY_MAX + 1];
	uint8_t signature[MESSAGE_SIGNATURE_LEN];
	/* the record ends after payload_len bytes of this */
	uint8_t payload[MESSAGE_PAYLOAD_MAX];
};

struct record_failed {
	int32_t code; /* enum err_code; the offline half has logged it */
};

_Static_assert(sizeof(struct record_message) <= RECORD_MAX,
    "a message fits into a record");

#endif

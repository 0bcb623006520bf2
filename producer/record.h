/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_RECORD_H
#define SQS_ENTROPY_PRODUCER_RECORD_H

#include <stdint.h>

#include "base/arn.h"
#include "base/limits.h"
#include "message/message.h"

/*
 * What the producer's halves say to each other, in the machine's own byte
 * order: both ends are one program.  The online half asks for some messages,
 * and each ask has one answer, with at least one of them or the reason why not.
 * What is missing of them is owed by nobody: it is asked for again, or not.
 */
enum record_type {
	RECORD_ASK = 1,       /* online: struct record_ask */
	RECORD_ANSWER = 2,    /* offline: struct record_answer, messages */
	RECORD_HEARTBEAT = 3, /* online: struct record_heartbeat, at any time */
	RECORD_LOOK = 4       /* offline: look at the queues at once, no data;
				 at any time, sent by a signal's handler */
};

/* The first one also says that the online half is confined.  In the time of
 * the service manager's watchdog HEARTBEAT_PARTS of them come. */
#define HEARTBEAT_PARTS 3
struct record_heartbeat {
	int32_t behind;   /* seconds, of a clock too wrong to sign by; or 0 */
	uint32_t queues;  /* 1..LIMIT_QUEUES */
	uint32_t resting; /* not 0: a pause begins or goes on */
	uint32_t clock_known; /* not 0: an answer has told ... */
	int64_t clock_behind; /* ... ms, to a second (sqs/client.h) */
	/* Of each queue: */
	uint64_t sent[LIMIT_QUEUES];   /* messages since the start */
	int64_t visible[LIMIT_QUEUES]; /* messages that can be received; -1: not
					  known */
	int64_t in_flight[LIMIT_QUEUES]; /* received, not deleted */
	int32_t code[LIMIT_QUEUES];      /* enum err_code of the last try */
	/* What the log said of it, cut in its middle, NUL-terminated; or "" */
#define RECORD_WHY_MAX 512
	char why[LIMIT_QUEUES][RECORD_WHY_MAX];
};

/* The queue that the messages are for, by its index in the configuration, and
 * what the online half found of it: its ARN is signed too. */
struct record_ask {
	uint32_t entry;
	uint32_t most; /* messages, 1..LIMIT_BATCH */
	struct arn found;
};

/* Messages, each of message_record_len() bytes, stand behind it, one after the
 * other. */
struct record_answer {
	int32_t code; /* enum err_code that came instead of another message, and
			 that the offline half has logged; or 0 */
	int32_t last; /* not 0: no other message will come */
};

_Static_assert(
    sizeof(struct record_answer) + sizeof(struct message) <= RECORD_MAX,
    "an answer has room for any message");

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_MESSAGES_H
#define SQS_ENTROPY_SQS_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "message/message.h"
#include "sqs/client.h"

/* Sending, receiving and deleting messages; errors as in client.h. */

/*
 * SendMessageBatch of 1..LIMIT_BATCH messages; sent[k] tells whether the
 * queue confirmed message k with the right MD5, and *unsure, also after a
 * failure, how many others it may hold, as they were sent or altered.  A
 * message whose outcome is unknown is never sent a second time: two machines
 * could be credited for the same bytes.  Only what certainly was not accepted
 * is tried again: no connection, or throttled, expired credentials, a wrong
 * date by a name of error.h.  err counts the messages of unknown outcome.  On a
 * .fifo queue every message is a group of its own, named by its body as its
 * deduplication id is.  0 when at least one was sent, with err telling about
 * the others when err->code is not 0.  ERR_LIMIT: a message of a length that is
 * not allowed.
 */
int sqs_send(struct sqs *s, const char *queue_url,
    const struct message *const messages[], size_t n, bool sent[],
    size_t *unsure, int64_t deadline, struct err *err) MUST_CHECK;

/* Bytes (SQS Developer Guide, "Queue and message identifiers": 100 and 1,024;
 * other services may have longer ones). */
#define SQS_ID_MAX     127
#define SQS_HANDLE_MAX 4095

/* The id of a received message, the handle to delete it by, and whether it
 * arrived whole. */
struct sqs_receipt {
	char id[SQS_ID_MAX + 1];
	char handle[SQS_HANDLE_MAX + 1];
	bool intact; /* MD5s match, or they cannot be judged: this host has no
			MD5, or the message is too large to be kept */
	int body;    /* 0, or why it holds no payload: message_from_body();
			ERR_UNUSABLE: an attribute is too long to be kept */
};

struct sqs_messages {
	size_t n;
	struct sqs_receipt receipts[LIMIT_BATCH]; /* n are set */
	struct message *at;                       /* the n messages */
	size_t room; /* messages that at has room for */
};

/* Of WaitTimeSeconds (SQS Developer Guide, "Short and long polling"): the
 * shortest wait for which all servers are asked, and the longest. */
#define SQS_LOOK_S     1
#define SQS_WAIT_MAX_S 20

/* ReceiveMessage: up to max (1..10), waiting wait_s (0..20) at the service,
 * which the deadline has to leave room for.  One that waits longer than
 * SQS_LOOK_S is not tried again, because a part of its time has passed.  An
 * empty queue is n = 0, not an error.  Memory is bounded whatever was sent; a
 * message that is too large for it has no payload and can be deleted.  out is
 * the caller's to free after a success. */
int sqs_receive(struct sqs *s, const char *queue_url, int max, int wait_s,
    struct sqs_messages *out, int64_t deadline, struct err *err) MUST_CHECK;

/* Wipes them.  May be called again, and on what is all zero. */
void sqs_messages_free(struct sqs_messages *m);

/* DeleteMessageBatch of the messages with want[k]; deleted[k] is true only
 * when the service confirmed k.  Entries that failed by the service's own
 * fault are tried again.  0 when a call was answered, with err telling about
 * entries that failed when err->code is not 0. */
int sqs_delete(struct sqs *s, const char *queue_url,
    const struct sqs_messages *m, const bool want[], bool deleted[],
    int64_t deadline, struct err *err) MUST_CHECK;

#endif

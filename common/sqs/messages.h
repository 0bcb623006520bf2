/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_MESSAGES_H
#define SQS_ENTROPY_SQS_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "message/message.h"
#include "sqs/sqs.h"

/* Sending, receiving and deleting; errors as in sqs.h. */

/* A message to send; strings are the caller's. */
struct sqs_outgoing {
	const char *body;
	const char *entropy;      /* String attribute Entropy, or NULL */
	const uint8_t *signature; /* Binary attribute Signature, or NULL */
	size_t signature_len;     /* MESSAGE_SIGNATURE_LEN at most */
};

/*
 * SendMessageBatch of 1..LIMIT_BATCH messages; sent[k] tells whether the
 * queue confirmed message k with the right MD5.  A message whose outcome is
 * unknown is never sent a second time: two machines could be credited for the
 * same bytes.  Only what certainly was not accepted (no connection, throttled,
 * refused entries that are not the sender's fault) is tried again.  On a
 * .fifo queue group and deduplication ids are added.  0 when at least one was
 * sent, with err telling about the others when err->code is not 0.
 */
int sqs_send(struct sqs *s, const char *queue_url,
    const struct sqs_outgoing *messages, size_t n, bool sent[],
    int64_t deadline, struct err *err) __attribute__((warn_unused_result));

/* A received message, freed with its list; strings end with NUL. */
struct sqs_message {
	const char *id;
	const char *receipt_handle;
	const char *body;
	size_t body_len;
	int64_t sent;          /* SentTimestamp, epoch ms; 0: not told */
	int64_t receive_count; /* ApproximateReceiveCount; 0: not told */
	const char *entropy;   /* NULL: none */
	uint8_t signature[MESSAGE_SIGNATURE_LEN];
	size_t signature_len; /* 0 or MESSAGE_SIGNATURE_LEN */
	bool intact;          /* MD5s match, or this host has no MD5 */
};

struct sqs_messages {
	size_t n;
	struct sqs_message at[LIMIT_BATCH];
	void *owner; /* the parsed answer that the strings live in */
};

/* ReceiveMessage: up to max (1..10), waiting wait_s (0..20) at the service,
 * which the deadline has to leave room for.  An empty queue is n = 0, not an
 * error. */
int sqs_receive(struct sqs *s, const char *queue_url, int max, int wait_s,
    struct sqs_messages *out, int64_t deadline, struct err *err)
    __attribute__((warn_unused_result));
void sqs_messages_free(struct sqs_messages *m);

/* DeleteMessageBatch of the messages with want[k]; deleted[k] is true only
 * when the service confirmed k.  Entries refused by the service's own fault
 * are tried again.  0 when a call was answered, with err telling about
 * entries that failed when err->code is not 0. */
int sqs_delete(struct sqs *s, const char *queue_url,
    const struct sqs_messages *m, const bool want[], bool deleted[],
    int64_t deadline, struct err *err) __attribute__((warn_unused_result));

#endif

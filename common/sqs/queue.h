/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_QUEUE_H
#define SQS_ENTROPY_SQS_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "sqs/client.h"

/* What concerns a queue as a whole.  Errors as in client.h. */

/* GetQueueUrl.  url has LIMIT_URL bytes.  Nobody is asked at its host: requests
 * go to the endpoint, and SQS looks at its path. */
int sqs_queue_url(struct sqs *s, const char *name, char url[static LIMIT_URL],
    int64_t deadline, struct err *err) MUST_CHECK;

struct sqs_depth {
	int64_t visible;   /* ApproximateNumberOfMessages */
	int64_t in_flight; /* ApproximateNumberOfMessagesNotVisible */
	int64_t delayed;   /* ApproximateNumberOfMessagesDelayed: sent, and not
			      visible yet; 0 where no such number is told */
};

/* GetQueueAttributes. */
int sqs_queue_depth(struct sqs *s, const char *queue_url, struct sqs_depth *out,
    int64_t deadline, struct err *err) MUST_CHECK;

/* What --doctor looks at; all of it GetQueueAttributes, too.  What is not told
 * is -1, false or "". */
struct sqs_attributes {
	struct sqs_depth depth;
	int64_t visibility_s; /* VisibilityTimeout */
	int64_t retention_s;  /* MessageRetentionPeriod */
	int64_t bytes_max;    /* MaximumMessageSize */
	bool fifo;
	int encrypted;     /* by SQS itself, SqsManagedSseEnabled: 0 or 1 */
	char kms_key[128]; /* KmsMasterKeyId; its beginning */
	char redrive[256]; /* RedrivePolicy; its beginning */
};
int sqs_queue_attributes(struct sqs *s, const char *queue_url,
    struct sqs_attributes *out, int64_t deadline, struct err *err) MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_QUEUE_H
#define SQS_ENTROPY_SQS_QUEUE_H

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
};

/* GetQueueAttributes. */
int sqs_queue_depth(struct sqs *s, const char *queue_url, struct sqs_depth *out,
    int64_t deadline, struct err *err) MUST_CHECK;

#endif

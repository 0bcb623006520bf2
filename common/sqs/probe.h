/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_PROBE_H
#define SQS_ENTROPY_SQS_PROBE_H

#include <stdint.h>

#include "base/err.h"
#include "sqs/client.h"

/*
 * Whether the credentials may do what a run does, asked for by a call that
 * cannot act: a receive of no message, a delete with a receipt handle that is
 * none, a send of no message.  SQS looks at the permission first, so that
 * whatever else it refuses such a call for says that there is one.
 */
enum sqs_probe { SQS_PROBE_RECEIVE, SQS_PROBE_DELETE, SQS_PROBE_SEND };

/* "sqs:ReceiveMessage" */
const char *sqs_probe_permission(enum sqs_probe what);

/* What a failure is about. */
enum sqs_fault {
	SQS_FAULT_PERMISSION,  /* this one */
	SQS_FAULT_KEY,         /* what KMS says of the queue's key */
	SQS_FAULT_CREDENTIALS, /* they are refused, whatever they are used for
				*/
	SQS_FAULT_CLOCK,       /* ours is refused */
	SQS_FAULT_REGION,      /* that was signed for */
	SQS_FAULT_QUEUE,       /* it is not there */
	SQS_FAULT_OTHER        /* the network, the service */
};

/* 0: they may.  Otherwise as in client.h, and what it is about. */
int sqs_probe(struct sqs *s, enum sqs_probe what, const char *queue_url,
    int64_t deadline, enum sqs_fault *fault, struct err *err) MUST_CHECK;

/* The same of any call on s that has just failed with rc. */
enum sqs_fault sqs_fault_of(const struct sqs *s, int rc);

#endif

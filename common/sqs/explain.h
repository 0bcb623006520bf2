/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_SQS_EXPLAIN_H
#define SQS_ENTROPY_SQS_EXPLAIN_H

#include "base/err.h"
#include "sqs/call.h"
#include "sqs/error.h"

/* Inside sqs/ only: what the user can do about an error of the service. */

/* Write e into err: the operation, the service's code and text, what to do.
 * queue is its URL or name.  Returns e->code, or ERR_CONFIG where GetParameter
 * was asked for what can be no parameter's name. */
int sqs_explain(const struct sqs *s, const struct sqs_op *op, const char *queue,
    const struct sqs_error *e, struct err *err);

#endif

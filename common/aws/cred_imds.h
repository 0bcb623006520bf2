/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CRED_IMDS_H
#define SQS_ENTROPY_AWS_CRED_IMDS_H

#include "aws/cred.h"
#include "aws/imds.h"

/* The credentials of the instance's IAM role; the source borrows i. */
struct cred_source cred_imds(struct imds *i);

#endif

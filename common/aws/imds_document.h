/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_IMDS_DOCUMENT_H
#define SQS_ENTROPY_AWS_IMDS_DOCUMENT_H

#include "aws/cred.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * The JSON document that IMDS gives for a role, into out (EC2 User Guide,
 * "Retrieve security credentials from instance metadata").  ERR_DENIED: its
 * Code is not Success; ERR_FORMAT: not such a document.  Pure; for imds.c.
 */
int imds_document(const struct buf *text, const char *role, struct cred *out,
    struct err *err) MUST_CHECK;

#endif

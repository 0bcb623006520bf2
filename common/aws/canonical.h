/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CANONICAL_H
#define SQS_ENTROPY_AWS_CANONICAL_H

#include "base/buf.h"
#include "base/err.h"

/*
 * The canonical forms that AWS Signature Version 4 signs.  Source: IAM User
 * Guide, "Create a signed AWS API request"; where that is silent, what
 * botocore's SigV4Auth does.  Pure; each appends to b and fails as buf_add
 * does.
 */

/* A header's name in small letters. */
int canonical_name(struct buf *b, const char *name) MUST_CHECK;

/* A header's value: no blanks around it, single spaces within. */
int canonical_value(struct buf *b, const char *value) MUST_CHECK;

/* Order two header names, small letters or not, independent of the locale. */
int canonical_compare(const char *a, const char *b);

#endif

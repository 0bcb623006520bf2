/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CRED_FILE_H
#define SQS_ENTROPY_AWS_CRED_FILE_H

#include "aws/cred.h"
#include "aws/shared.h"
#include "base/err.h"

/* The keys that one of the shared files has for a profile; both keys of a pair,
 * and their token, come from one file.  ERR_ABSENT: it has none; ERR_CONFIG:
 * half a pair, or a malformed one; ERR_NOMEM. */
int cred_file_take(const struct shared *s, enum shared_file which,
    const char *profile, struct cred *out, struct err *err) MUST_CHECK;

#endif

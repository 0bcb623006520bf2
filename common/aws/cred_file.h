/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CRED_FILE_H
#define SQS_ENTROPY_AWS_CRED_FILE_H

#include <stddef.h>

#include "aws/cred.h"
#include "aws/shared.h"
#include "base/err.h"

/* The keys that the profile in force has in the shared files, which are read
 * anew each time.  The source borrows f.  ERR_ABSENT: no files, or no such
 * profile in them and none was asked for; ERR_CONFIG: a profile that was asked
 * for is not there, half a key pair, and what shared_read() refuses. */
struct cred_source cred_file_source(struct shared_files *f);

/* The profile's "region", cut to size with its NUL.  ERR_ABSENT; errors of
 * shared_read(). */
int cred_file_region(struct shared_files *f, char *region, size_t size)
    MUST_CHECK;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_CRED_FILE_H
#define SQS_ENTROPY_AWS_CRED_FILE_H

#include "aws/cred.h"
#include "base/err.h"

/*
 * The shared files ~/.aws/credentials and ~/.aws/config, or those that
 * AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name (AWS SDKs and Tools
 * Reference Guide, "Shared config and credentials files").  Profile:
 * AWS_PROFILE, else the one given, else "default".
 */
struct cred_file;

/* profile may be NULL or ""; it is copied.  NULL when memory is short. */
struct cred_file *cred_file_new(const char *profile);
void cred_file_free(struct cred_file *f);

/* Read both files now, and keep them for when this process may no longer read
 * them; as root only what root alone can write.  A file that can still be read
 * later is read anew. */
void cred_file_read_ahead(struct cred_file *f);

/* The path of the credentials file (0) or the configuration file (1). */
const char *cred_file_path(struct cred_file *f, int which);

/* A source that borrows f.  ERR_ABSENT: no files, or no such profile in them
 * and none was asked for; ERR_CONFIG: a profile that was asked for is not
 * there, a malformed line (with file and line), half a key pair. */
struct cred_source cred_file_source(struct cred_file *f);

/* The profile's "region", cut to size with its NUL.  ERR_ABSENT; ERR_CONFIG for
 * files that cannot be read or are malformed; ERR_NOMEM. */
int cred_file_region(struct cred_file *f, char *region, size_t size) MUST_CHECK;

#endif

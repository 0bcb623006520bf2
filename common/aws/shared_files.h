/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_SHARED_FILES_H
#define SQS_ENTROPY_AWS_SHARED_FILES_H

#include "aws/shared.h"
#include "base/buf.h"

/* For shared.c alone: finding and reading the files. */

#define SHARED_PATH_ROOM 4096

struct shared_one {
	char path[SHARED_PATH_ROOM];
	struct buf *bytes; /* NULL: there is no such file */
	struct err unread; /* there is, but it cannot be read */
	struct shared_text text;
};

struct shared {
	struct shared_one file[2]; /* by enum shared_file */
	char *profile;
	bool asked;
};

/* The profile in force.  ERR_NOMEM. */
int shared_files_choose(
    const struct shared_files *f, struct shared *s, struct err *err) MUST_CHECK;

/* Read and parse one file into a zeroed *one, which the caller frees after a
 * failure, too.  Errors of shared_read(). */
int shared_files_load(const struct shared_files *f, struct shared_one *one,
    int which, struct err *err) MUST_CHECK;

#endif

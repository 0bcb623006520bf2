/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_MESSAGE_KEYFILE_INTERNAL_H
#define SQS_ENTROPY_MESSAGE_KEYFILE_INTERNAL_H

/* What the files of keyfile share; nobody else includes it. */

#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"
#include "message/keyfile.h"

/* Permissions that others must not have. */
#define KEYFILE_OTHERS_NONE  ((mode_t)(S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH))
/* A group right may stand for the one user of an access control list. */
#define KEYFILE_OTHERS_CRED  ((mode_t)(S_IWGRP | S_IROTH | S_IWOTH))
#define KEYFILE_OTHERS_READ  ((mode_t)(S_IWGRP | S_IWOTH))
#define KEYFILE_OTHERS_WRITE ((mode_t)0) /* and be owned by anybody */

/* Whether a file or directory is safe from others.  ERR_CONFIG. */
int keyfile_check_access(const struct stat *st, mode_t forbidden,
    const char *path, struct err *err) MUST_CHECK;

/* Read path, relative to the directory dir_fd, as keyfile_read() does; origin
 * is its name in messages. */
int keyfile_read_at(int dir_fd, const char *path, enum keyfile_kind kind,
    mode_t forbidden, const char *origin, uint8_t key[static KEYS_LEN],
    struct err *err) MUST_CHECK;

#endif

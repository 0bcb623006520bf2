/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_SETUP_WRITE_H
#define SQS_ENTROPY_PRODUCER_SETUP_WRITE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Put a file with that content and mode at path, whole or not at all: it is
 * written beside, synced and renamed.  A link there is replaced, not followed.
 * keep: what was there before stays as PATH.bak.  *changed: false, and nothing
 * is done, when the file is there and holds that already.  ERR_PERM, ERR_IO.
 */
int write_whole(const char *path, const struct buf *content, mode_t mode,
    bool keep, bool *changed, struct err *err) MUST_CHECK;

#endif

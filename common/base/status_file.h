/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_STATUS_FILE_H
#define SQS_ENTROPY_BASE_STATUS_FILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * A file in the runtime directory of a program that anybody may read and that a
 * confined process, which can make no file, keeps up to date: it was opened
 * before.
 */

/* RUNTIME_DIRECTORY (systemd.exec(5)), or the fallback. */
const char *status_file_directory(const char *fallback);

/* Open the file of that name in that directory, to write it and to see what is
 * there then, and make both when they are not there.  -1 when that is not
 * possible, errno kept. */
int status_file_open(const char *fallback, const char *name);

/* Replace the content, which ends with a line feed, in one write.  Until the
 * file is cut a reader finds line feeds behind it and no rest of the old one;
 * one that reads while this writes may find parts of both.  Of several
 * processes that write at once the text of one remains.  text grows to what the
 * file had.  ERR_IO, ERR_LIMIT, ERR_NOMEM. */
int status_file_write(int fd, struct buf *text) MUST_CHECK;

#endif

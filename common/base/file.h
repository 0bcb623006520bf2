/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_FILE_H
#define SQS_ENTROPY_BASE_FILE_H

#include <stddef.h>

/* Write all of it, blocking; short writes and EINTR are gone on with.
 * ERR_IO, errno kept. */
int file_write(int fd, const void *data, size_t len)
    __attribute__((warn_unused_result));

/* Read a whole regular file of at most max bytes: *len is what was read.
 * ERR_LIMIT when there is more, ERR_ABSENT when there is no such file,
 * ERR_IO otherwise, errno kept. */
int file_read(const char *path, void *data, size_t max, size_t *len)
    __attribute__((warn_unused_result));

#endif

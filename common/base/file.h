/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_BASE_FILE_H
#define SQS_ENTROPY_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"

/* Write all of it, blocking; short writes and EINTR are gone on with.
 * ERR_IO, errno kept. */
int file_write(int fd, const void *data, size_t len) MUST_CHECK;

/* Read what is left of an open file, at most max bytes: *len is what was read.
 * ERR_LIMIT when there is more, ERR_IO, errno kept. */
int file_read_open(int fd, void *data, size_t max, size_t *len) MUST_CHECK;

/* Open the file at path to be read, so that neither a FIFO hangs nor a terminal
 * is acquired.  ERR_ABSENT when there is no such file, ERR_IO, errno kept. */
int file_open(const char *path, int *fd) MUST_CHECK;

/* Read the whole file at path: file_open() and file_read_open(). */
int file_read(const char *path, void *data, size_t max, size_t *len) MUST_CHECK;

/* Open the directory that path's last component lies in; *name is that
 * component, for openat(2).  The descriptor is the caller's to close; -1 and
 * errno on failure. */
int file_open_parent(const char *path, const char **name) MUST_CHECK;

/* A directory of the service: what the variable says (STATE_DIRECTORY,
 * RUNTIME_DIRECTORY, see systemd.exec(5)) where that is an absolute path, else
 * the fallback. */
const char *file_directory(const char *variable, const char *fallback);

/* The same, made with that mode when it is not there.  systemd makes its own;
 * this is for a program that was started by hand.  A failure shows when a file
 * in it is opened. */
const char *file_make_directory(
    const char *variable, const char *fallback, mode_t mode);

/* True if the owner of the file is root or this user: nobody else can change
 * its mode. */
bool file_is_ours(const struct stat *st);

/* True if only root, or this user, can write the file at path or put another in
 * its place: the file and all directories above it, links followed, are theirs.
 * False also when one cannot be looked at. */
bool file_is_guarded(const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_GENKEY_H
#define SQS_ENTROPY_PRODUCER_GENKEY_H

#include <stdbool.h>

#include "base/err.h"
#include "message/keyfile.h"

/* --genkey: make a signing key, or the fleet's pair for sealing, in a new file
 * at path and print the line of its public key.  ERR_CONFIG (the file is
 * there), ERR_PERM, ERR_IO, ERR_NOMEM, ERR_INTERNAL. */
int genkey(const char *path, bool seal_pair, struct err *err) MUST_CHECK;

/* The same, with the line as a result. */
int genkey_make(const char *path, bool seal_pair,
    char line[static KEYFILE_LINE_MAX], struct err *err) MUST_CHECK;

/* --pubkey: print the line of the public key that belongs to the secret key,
 * for signing or for sealing, in that file.  Errors of keyfile_read(). */
int genkey_print(const char *path, struct err *err) MUST_CHECK;

/* The line of a signing key's file. */
int genkey_line(const char *path, char line[static KEYFILE_LINE_MAX],
    struct err *err) MUST_CHECK;

#endif

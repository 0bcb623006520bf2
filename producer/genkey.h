/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_GENKEY_H
#define SQS_ENTROPY_PRODUCER_GENKEY_H

#include <stdbool.h>

#include "base/err.h"
#include "message/keyfile.h"

/* --genkey: make a signing key (seal is NULL), or the fleet's pair for sealing
 * by that name of seal.h, or by x25519 ("", what --seal is alone), in a new
 * file at path and print the line of its public key.  ERR_USAGE (no such name),
 * ERR_CONFIG (the file is there), ERR_UNSUPPORTED (OpenSSL lacks what the key
 * needs), ERR_PERM, ERR_IO, ERR_NOMEM, ERR_INTERNAL. */
int genkey(const char *path, const char *seal, struct err *err) MUST_CHECK;

/* The same of a signing key, with the line as a result. */
int genkey_make(const char *path, char line[static KEYFILE_LINE_MAX],
    struct err *err) MUST_CHECK;

/* --pubkey: print the line of the public key that belongs to the secret key,
 * for signing or for sealing, in that file, and of each key of the fleet in an
 * agent's.  Errors of keyfile_read(), ERR_UNSUPPORTED. */
int genkey_print(const char *path, struct err *err) MUST_CHECK;

/* The line of a signing key's file. */
int genkey_line(const char *path, char line[static KEYFILE_LINE_MAX],
    struct err *err) MUST_CHECK;

#endif

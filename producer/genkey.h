/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_GENKEY_H
#define SQS_ENTROPY_PRODUCER_GENKEY_H

#include <stdbool.h>

#include "base/err.h"

/* --genkey: make a signing key, or the fleet's pair for sealing, in a new file
 * at path and print the line of its public key.  ERR_CONFIG (the file is
 * there), ERR_PERM, ERR_IO, ERR_NOMEM, ERR_INTERNAL. */
int genkey(const char *path, bool seal_pair, struct err *err) MUST_CHECK;

#endif

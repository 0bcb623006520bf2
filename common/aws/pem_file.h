/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_PEM_FILE_H
#define SQS_ENTROPY_AWS_PEM_FILE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define PEM_FILE_MAX 65536 /* bytes */

/*
 * A certificate or a private key in a file that is renewed from time to time.
 * path and setting are borrowed; setting names the file in messages.
 */
struct pem_file {
	const char *path, *setting;
	bool secret;      /* a private key: nobody but owner and group reads it,
			     nobody but the owner writes it */
	struct buf *kept; /* what was read ahead; NULL: nothing */
};

/*
 * Read the file now, and keep it for when this process may no longer read it;
 * as root only a file that root alone can put there.  ERR_CONFIG: it is not
 * there or cannot be read by anybody who may read it now, it is open to others,
 * it is not of that kind, or a key has a pass phrase.
 */
int pem_file_read_ahead(struct pem_file *f, struct err *err) MUST_CHECK;

/* Put the content into out, whose ceiling is PEM_FILE_MAX: the file's, or what
 * was kept where this process may no longer read it.  Errors as above. */
int pem_file_read(const struct pem_file *f, struct buf *out, struct err *err)
    MUST_CHECK;

/* Wipe what is kept. */
void pem_file_forget(struct pem_file *f);

#endif

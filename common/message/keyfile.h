/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_MESSAGE_KEYFILE_H
#define SQS_ENTROPY_MESSAGE_KEYFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "crypto/hpke.h"
#include "crypto/keys.h"

/*
 * A key is one line: its kind, a space, the base64 of its bytes, and for public
 * keys an optional comment after another space; '#' lines and empty lines are
 * skipped.
 */
enum keyfile_kind {
	KEYFILE_SIGN_PUBLIC,  /* "sqs-entropy-ed25519" */
	KEYFILE_SIGN_SECRET,  /* "sqs-entropy-ed25519-secret" */
	KEYFILE_SEAL_PUBLIC,  /* "sqs-entropy-x25519" */
	KEYFILE_SEAL_SECRET,  /* "sqs-entropy-x25519-secret" */
	KEYFILE_XWING_PUBLIC, /* "sqs-entropy-xwing", 1,216 bytes */
	KEYFILE_XWING_SECRET  /* "sqs-entropy-xwing-secret" */
};

#define KEYFILE_KINDS    6
#define KEYFILE_KEY_MAX  HPKE_PUBLIC_MAX /* bytes of a key */
#define KEYFILE_LINE_MAX 1664 /* bytes of a line that is written, with NUL */
#define KEYFILE_SIZE_MAX 4096 /* bytes of a file */
#define KEYFILE_ID_LEN   8    /* first bytes of SHA-256 of a public key */

/* True of a kind that nobody but its owner may read. */
bool keyfile_is_secret(enum keyfile_kind kind);

/* Write the line without a line feed.  A key has KEYS_LEN bytes, and
 * XWING_PUBLIC_LEN of KEYFILE_XWING_PUBLIC.  The caller wipes key and line. */
void keyfile_format(enum keyfile_kind kind, const uint8_t *key,
    char line[static KEYFILE_LINE_MAX]);

/* The keys that a file may hold. */
struct keyfile_keys {
	/* Where a key of each kind is put; NULL: that kind does not belong
	 * there. */
	uint8_t *at[KEYFILE_KINDS];
	bool several; /* a key of each kind; else one key, of any of them */
	bool found[KEYFILE_KINDS];
};

/* Read the keys that len bytes of text hold, at least one.  ERR_CONFIG, with
 * "ORIGIN:LINE" before the error, which says so when a secret key is where a
 * public one belongs, or the other way round; all of at are wiped then. */
int keyfile_parse_keys(struct keyfile_keys *keys, const char *text, size_t len,
    const char *origin, struct err *err) MUST_CHECK;

/* The same for the one key of one kind. */
int keyfile_parse(enum keyfile_kind kind, const char *text, size_t len,
    const char *origin, uint8_t *key, struct err *err) MUST_CHECK;

/* Read a file.  A secret key that its group or others may read or write, or
 * that is owned by neither this user nor root, is ERR_CONFIG, as are a file
 * that is missing, no regular file, or too large; its group may read one that
 * the service manager handed over (service_credential.h).  Text is wiped. */
int keyfile_read_keys(
    struct keyfile_keys *keys, const char *path, struct err *err) MUST_CHECK;
int keyfile_read(enum keyfile_kind kind, const char *path, uint8_t *key,
    struct err *err) MUST_CHECK;

/* Write a new file of mode 0600 (secret) or 0644 (public), synced with its
 * directory; an existing one is never touched (ERR_CONFIG). ERR_PERM,
 * ERR_IO. */
int keyfile_create(enum keyfile_kind kind, const char *path, const uint8_t *key,
    struct err *err) MUST_CHECK;

/* The "key" field of a message: what tells producers apart.  The second is that
 * of a public key of any kind. */
int keyfile_id(const uint8_t public_key[static KEYS_LEN],
    uint8_t id[static KEYFILE_ID_LEN]) MUST_CHECK;
int keyfile_id_of(enum keyfile_kind kind, const uint8_t *public_key,
    uint8_t id[static KEYFILE_ID_LEN]) MUST_CHECK;

/*
 * The trusted public keys: every *.pub of a directory, in the order of their
 * names.  A directory that is not there is an empty set.
 */
#define KEYFILE_TRUSTED_MAX 32
#define KEYFILE_SUFFIX      ".pub"

struct keyfile_trusted {
	size_t n;
	struct keyfile_trusted_key {
		uint8_t key[KEYS_LEN];
		uint8_t id[KEYFILE_ID_LEN];
		char name[64]; /* of the file, without ".pub", for messages */
	} at[KEYFILE_TRUSTED_MAX];
};

/* Told of a file that gives no key, and why. */
typedef void keyfile_refused(void *ctx, const struct err *why);

/* A file costs its own key alone, and refused() is told, when it is malformed
 * or cannot be read, has too long a name, may be written to by its group or
 * others, or is owned by neither this user nor root.  ERR_CONFIG for a
 * directory of which that is true, because whoever may add a file may add a key
 * to trust, and for more files than KEYFILE_TRUSTED_MAX: which of them are
 * meant must not be guessed.  *out is empty then. */
int keyfile_read_trusted(const char *directory, struct keyfile_trusted *out,
    keyfile_refused *refused, void *ctx, struct err *err) MUST_CHECK;

/* True if that reads a file of this name, as a shell's *.pub would match it. */
bool keyfile_is_trusted(const char *file);

/*
 * For --check, as comments of a configuration.  The first: what the key is for,
 * whose it is ("" for nobody's in particular), its id, and of its file the
 * path, the owner and the mode.  The second: each file of a directory of
 * trusted keys that is not read, and why.
 */
void keyfile_show(const char *what, const char *name,
    const uint8_t id[static KEYFILE_ID_LEN], const char *path, FILE *to);
void keyfile_show_ignored(const char *directory, FILE *to);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/genkey.h"

#include <stdio.h>

#include "base/buf.h"
#include "crypto/algorithms.h"
#include "crypto/keys.h"

/* A random secret key in a new buffer, and its public key. */
static int make_pair(
    bool seal_pair, struct buf **secret, uint8_t public_key[static KEYS_LEN])
{
	uint8_t *key;
	int rc = ERR_NOMEM;

	*secret = buf_new_zero(KEYS_LEN, &key);
	if (*secret != NULL)
		rc = keys_random(key, KEYS_LEN);
	if (rc == 0)
		rc = seal_pair ? keys_x25519_public(public_key, key)
			       : keys_ed25519_public(public_key, key);
	return rc;
}

int genkey_make(const char *path, bool seal_pair,
    char line[static KEYFILE_LINE_MAX], struct err *err)
{
	uint8_t public_key[KEYS_LEN];
	struct buf *secret;
	int rc =
	    algorithms_need((seal_pair ? ALGORITHM_X25519 : ALGORITHM_ED25519) |
				ALGORITHM_RANDOM,
		"cannot make a key", "make it on another host", err);

	if (rc != 0)
		return rc;
	rc = make_pair(seal_pair, &secret, public_key);
	if (rc != 0)
		(void)err_set(err, rc, "cannot make a key: %s", err_text(rc));
	else
		rc = keyfile_create(
		    seal_pair ? KEYFILE_SEAL_SECRET : KEYFILE_SIGN_SECRET, path,
		    buf_data(secret), err);
	if (rc == 0)
		keyfile_format(
		    seal_pair ? KEYFILE_SEAL_PUBLIC : KEYFILE_SIGN_PUBLIC,
		    public_key, line);
	buf_free(secret);
	return rc;
}

/* The line of a secret key of that kind. */
static int read_line(enum keyfile_kind kind, const char *path,
    char line[static KEYFILE_LINE_MAX], struct err *err)
{
	const bool seals = kind == KEYFILE_SEAL_SECRET;
	uint8_t public_key[KEYS_LEN], *key;
	struct buf *secret = buf_new_zero(KEYS_LEN, &key);
	int rc;

	if (secret == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = keyfile_read(kind, path, key, err);
	if (rc == 0) {
		rc = seals ? keys_x25519_public(public_key, key)
			   : keys_ed25519_public(public_key, key);
		if (rc != 0)
			(void)err_set(
			    err, rc, "%s: cannot be used as a key", path);
	}
	if (rc == 0)
		keyfile_format(
		    seals ? KEYFILE_SEAL_PUBLIC : KEYFILE_SIGN_PUBLIC,
		    public_key, line);
	buf_free(secret);
	return rc;
}

int genkey_line(
    const char *path, char line[static KEYFILE_LINE_MAX], struct err *err)
{
	return read_line(KEYFILE_SIGN_SECRET, path, line, err);
}

static int print_line(const char *line, struct err *err)
{
	if (puts(line) != EOF && fflush(stdout) == 0)
		return 0;
	return err_errno(err, ERR_IO, "cannot print the public key");
}

int genkey(const char *path, bool seal_pair, struct err *err)
{
	char line[KEYFILE_LINE_MAX];
	const int rc = genkey_make(path, seal_pair, line, err);

	return rc != 0 ? rc : print_line(line, err);
}

int genkey_print(const char *path, struct err *err)
{
	char line[KEYFILE_LINE_MAX];
	struct err other = {0};
	int rc = read_line(KEYFILE_SIGN_SECRET, path, line, err);

	if (rc == ERR_CONFIG &&
	    read_line(KEYFILE_SEAL_SECRET, path, line, &other) == 0)
		rc = err->code = 0;
	return rc != 0 ? rc : print_line(line, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/genkey.h"

#include <stdio.h>

#include "base/buf.h"
#include "crypto/algorithms.h"
#include "crypto/keys.h"
#include "message/keyfile.h"

static int print_public_key(
    enum keyfile_kind kind, const uint8_t *public_key, struct err *err)
{
	char line[KEYFILE_LINE_MAX];

	keyfile_format(kind, public_key, line);
	if (puts(line) != EOF && fflush(stdout) == 0)
		return 0;
	return err_errno(err, ERR_IO, "cannot print the public key");
}

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

int genkey(const char *path, bool seal_pair, struct err *err)
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
		rc = print_public_key(
		    seal_pair ? KEYFILE_SEAL_PUBLIC : KEYFILE_SIGN_PUBLIC,
		    public_key, err);
	buf_free(secret);
	return rc;
}

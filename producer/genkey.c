/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/genkey.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "crypto/algorithms.h"
#include "crypto/keys.h"
#include "message/seal.h"

/* What a pair of keys is made of and with. */
struct pair {
	enum keyfile_kind secret_kind, public_kind;
	unsigned algorithms; /* that making it needs */
	const char *remedy;  /* where one of them lacks */
	bool seals;
	enum hpke_kem kem; /* if it seals */
};

#define ELSEWHERE "make it on another host"

static const struct pair signing = {KEYFILE_SIGN_SECRET, KEYFILE_SIGN_PUBLIC,
    ALGORITHM_ED25519, ELSEWHERE, .seals = false};

/* In the order of enum hpke_kem. */
static const struct pair sealing[HPKE_KEMS] = {
    [HPKE_X25519] = {KEYFILE_SEAL_SECRET, KEYFILE_SEAL_PUBLIC, ALGORITHM_X25519,
	ELSEWHERE, true, HPKE_X25519},
    [HPKE_XWING] = {KEYFILE_XWING_SECRET, KEYFILE_XWING_PUBLIC,
	ALGORITHM_X25519 | ALGORITHMS_XWING,
	ELSEWHERE ", with OpenSSL 3.5 or later (Debian 13 has it)", true,
	HPKE_XWING},
};

static int make_public(
    const struct pair *pair, uint8_t *public_key, const uint8_t *secret)
{
	return pair->seals ? hpke_public(pair->kem, public_key, secret)
			   : keys_ed25519_public(public_key, secret);
}

static int need_for_pair(
    const struct pair *pair, unsigned more, const char *what, struct err *err)
{
	return algorithms_need(
	    pair->algorithms | more, what, pair->remedy, err);
}

/* A random secret key in a new buffer, and its public key. */
static int make_pair(
    const struct pair *pair, struct buf **secret, uint8_t *public_key)
{
	uint8_t *key;
	int rc = ERR_NOMEM;

	*secret = buf_new_zero(KEYS_LEN, &key);
	if (*secret != NULL)
		rc = keys_random(key, KEYS_LEN);
	return rc != 0 ? rc : make_public(pair, public_key, key);
}

static int make_files(const struct pair *pair, const char *path,
    char line[static KEYFILE_LINE_MAX], struct err *err)
{
	uint8_t public_key[KEYFILE_KEY_MAX];
	struct buf *secret;
	int rc =
	    need_for_pair(pair, ALGORITHM_RANDOM, "cannot make a key", err);

	if (rc != 0)
		return rc;
	rc = make_pair(pair, &secret, public_key);
	if (rc != 0)
		(void)err_set(err, rc, "cannot make a key: %s", err_text(rc));
	else
		rc = keyfile_create(
		    pair->secret_kind, path, buf_data(secret), err);
	if (rc == 0)
		keyfile_format(pair->public_kind, public_key, line);
	buf_free(secret);
	return rc;
}

int genkey_make(
    const char *path, char line[static KEYFILE_LINE_MAX], struct err *err)
{
	return make_files(&signing, path, line, err);
}

/* The line of a secret key. */
static int make_line(const struct pair *pair, const uint8_t *secret,
    const char *path, char line[static KEYFILE_LINE_MAX], struct err *err)
{
	uint8_t public_key[KEYFILE_KEY_MAX];
	int rc = make_public(pair, public_key, secret);

	if (rc == ERR_UNSUPPORTED)
		return need_for_pair(
		    pair, 0, "cannot tell the public key", err);
	if (rc != 0)
		return err_set(err, rc, "%s: cannot be used as a key", path);
	keyfile_format(pair->public_kind, public_key, line);
	return 0;
}

int genkey_line(
    const char *path, char line[static KEYFILE_LINE_MAX], struct err *err)
{
	uint8_t *key;
	struct buf *secret = buf_new_zero(KEYS_LEN, &key);
	int rc;

	if (secret == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = keyfile_read(signing.secret_kind, path, key, err);
	if (rc == 0)
		rc = make_line(&signing, key, path, line, err);
	buf_free(secret);
	return rc;
}

static int print_line(const char *line, struct err *err)
{
	if (puts(line) != EOF && fflush(stdout) == 0)
		return 0;
	return err_errno(err, ERR_IO, "cannot print the public key");
}

/* The pair that --seal=NAME asks for; NULL: there is no such name. */
static const struct pair *find_pair(const char *seal)
{
	if (seal == NULL)
		return &signing;
	if (seal[0] == '\0')
		return &sealing[HPKE_X25519];
	for (size_t kem = 0; kem < HPKE_KEMS; kem++)
		if (strcmp(seal, seal_kinds[kem].name) == 0)
			return &sealing[kem];
	return NULL;
}

int genkey(const char *path, const char *seal, struct err *err)
{
	const struct pair *pair = find_pair(seal);
	char line[KEYFILE_LINE_MAX];
	int rc;

	if (pair == NULL)
		return err_set(err, ERR_USAGE,
		    "--seal: \"%s\" is neither x25519 nor xwing (see --help)",
		    seal);
	rc = make_files(pair, path, line, err);
	return rc != 0 ? rc : print_line(line, err);
}

static int print_sealing(
    const struct keyfile_keys *keys, const char *path, struct err *err)
{
	char line[KEYFILE_LINE_MAX];
	int rc = 0;

	for (size_t kem = 0; rc == 0 && kem < HPKE_KEMS; kem++) {
		const struct pair *pair = &sealing[kem];

		if (!keys->found[pair->secret_kind])
			continue;
		rc = make_line(
		    pair, keys->at[pair->secret_kind], path, line, err);
		if (rc == 0)
			rc = print_line(line, err);
	}
	return rc;
}

/* Read the secret keys that a file may hold, of whichever kind, so that what is
 * wrong with its line is told of that kind. */
static int read_secrets(const char *path, uint8_t *space,
    struct keyfile_keys *keys, struct err *err)
{
	*keys = (struct keyfile_keys){.several = true};
	for (size_t kem = 0; kem < HPKE_KEMS; kem++)
		keys->at[sealing[kem].secret_kind] = space + kem * KEYS_LEN;
	keys->at[signing.secret_kind] = space + (size_t)HPKE_KEMS * KEYS_LEN;
	return keyfile_read_keys(keys, path, err);
}

/* A signing key stands alone in its file, which genkey_line() sees to. */
int genkey_print(const char *path, struct err *err)
{
	char line[KEYFILE_LINE_MAX];
	struct keyfile_keys keys;
	uint8_t *space;
	struct buf *secrets =
	    buf_new_zero((HPKE_KEMS + 1) * (size_t)KEYS_LEN, &space);
	int rc;

	if (secrets == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = read_secrets(path, space, &keys, err);
	if (rc == 0 && keys.found[signing.secret_kind]) {
		rc = genkey_line(path, line, err);
		if (rc == 0)
			rc = print_line(line, err);
	} else if (rc == 0) {
		rc = print_sealing(&keys, path, err);
	}
	buf_free(secrets);
	return rc;
}

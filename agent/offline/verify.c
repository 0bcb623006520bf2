/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/verify.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "crypto/algorithms.h"
#include "crypto/digest.h"
#include "message/seal.h"
#include "message/sign.h"

static int read_seal_key(struct buf *key, const char *path, struct err *err)
{
	struct err why = {.text = "out of memory"};
	uint8_t *space;
	int rc = buf_extend(key, KEYS_LEN, &space);

	if (rc == 0)
		rc = keyfile_read(KEYFILE_SEAL_SECRET, path, space, &why);
	return rc == 0 ? 0 : err_set(err, rc, "seal-key: %s", why.text);
}

static int need_sealing(struct err *err)
{
	return algorithms_need(ALGORITHMS_SEALING, "seal-key",
	    "remove it, and have this host's queue filled with messages that "
	    "are not sealed",
	    err);
}

/* This has to be before the process can open files no more. */
static int start_openssl(struct err *err)
{
	const char *caution;
	const int rc = algorithms_start(&caution, err);

	if (caution != NULL)
		log_warning("%s", caution);
	return rc;
}

/* Without its keys the agent would mix what they sign, uncredited: that is for
 * the administrator to choose. */
int verify_read_trusted(struct keyfile_trusted *trusted, const char *directory,
    keyfile_refused *refused, void *ctx, struct err *err)
{
	char what[PATH_MAX + 32];
	const int rc =
	    keyfile_read_trusted(directory, trusted, refused, ctx, err);

	if (rc != 0 || trusted->n == 0)
		return rc;
	(void)snprintf(what, sizeof what, "the keys in %s", directory);
	return algorithms_need(ALGORITHM_ED25519_VERIFY, what,
	    "no signature can be verified; remove them to have messages mixed "
	    "without credit",
	    err);
}

static void log_refused(void *ctx, const struct err *why)
{
	(void)ctx;
	log_warning("%s; the key is not trusted", why->text);
}

int verify_open(struct verify *v, const char *trusted_directory,
    const char *seal_key, struct err *err)
{
	const bool is_file = conf_parameter(seal_key) == NULL;
	int rc;

	*v = (struct verify){
	    .seal_key = buf_new(KEYS_LEN), .former_key = buf_new(KEYS_LEN)};
	if (v->seal_key == NULL || v->former_key == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = start_openssl(err);
	if (rc == 0)
		rc = verify_read_trusted(
		    &v->trusted, trusted_directory, log_refused, NULL, err);
	if (rc == 0 && seal_key[0] != '\0' && is_file)
		rc = read_seal_key(v->seal_key, seal_key, err);
	if (rc == 0 && seal_key[0] != '\0')
		rc = need_sealing(err);
	if (rc != 0)
		verify_close(v);
	return rc;
}

void verify_close(struct verify *v)
{
	buf_free(v->seal_key);
	buf_free(v->former_key);
	v->seal_key = v->former_key = NULL;
}

int verify_take_keys(const struct verify *v, uint8_t keys[][KEYS_LEN], size_t n)
{
	int rc = buf_set(v->seal_key, keys[0], KEYS_LEN);

	if (rc == 0 && n > 1)
		rc = buf_set(v->former_key, keys[1], KEYS_LEN);
	return rc;
}

/* A sealing key has an id, too, by which people tell one from another. */
static void show_seal_key(const struct verify *v, const char *path, FILE *to)
{
	uint8_t public_key[KEYS_LEN], id[KEYFILE_ID_LEN];

	if (keys_x25519_public(public_key, buf_data(v->seal_key)) == 0 &&
	    keyfile_id(public_key, id) == 0)
		keyfile_show("seal-key", "", id, path, to);
}

/* What it holds shows only when somebody is asked for it. */
static void show_parameter(const char *name, FILE *to)
{
	(void)fputs("# seal-key: parameter ", to);
	text_print(to, name);
	(void)fputs(
	    "  # the half that talks to the network reads it: sealing hides "
	    "messages from readers of the queue, not from that half\n",
	    to);
}

void verify_show(const struct verify *v, const char *trusted_directory,
    const char *seal_key, FILE *to)
{
	const char *parameter = conf_parameter(seal_key);
	char path[PATH_MAX + sizeof v->trusted.at[0].name];

	for (size_t i = 0; i < v->trusted.n; i++) {
		const struct keyfile_trusted_key *at = &v->trusted.at[i];

		(void)snprintf(path, sizeof path, "%s/%s" KEYFILE_SUFFIX,
		    trusted_directory, at->name);
		keyfile_show("trusted", at->name, at->id, path, to);
	}
	keyfile_show_ignored(trusted_directory, to);
	if (v->trusted.n == 0) {
		(void)fputs("# trusted: no key in ", to);
		text_print(to, trusted_directory);
		(void)fputs(", so no signature earns credit\n", to);
	}
	if (parameter != NULL)
		show_parameter(parameter, to);
	else if (seal_key[0] != '\0')
		show_seal_key(v, seal_key, to);
}

/* Ids are short: two trusted keys could share one. */
static int find_signer(const struct verify *v, const struct message *m,
    const char *arn, struct verdict *out)
{
	int rc;

	out->trust = CREDIT_UNKNOWN_KEY;
	for (size_t i = 0; i < v->trusted.n; i++) {
		if (memcmp(v->trusted.at[i].id, out->claim.key,
			KEYFILE_ID_LEN) != 0)
			continue;
		rc = message_verify(m, arn, v->trusted.at[i].key);
		if (rc == 0) {
			out->trust = CREDIT_SIGNED;
			out->producer = v->trusted.at[i].name;
			return 0;
		}
		if (rc != ERR_DENIED)
			return rc;
		out->trust = CREDIT_BAD_SIGNATURE;
	}
	return 0;
}

static int find_trust(const struct verify *v, const struct message *m,
    const char *arn, struct verdict *out)
{
	out->trust = CREDIT_NO_SIGNATURE;
	if (m->entropy_len == 0 && m->signature_len == 0)
		return 0;
	out->trust = CREDIT_BAD_CLAIM;
	if (claim_parse(m->entropy, m->entropy_len, &out->claim) != 0)
		return 0;
	out->trust = CREDIT_BAD_SIGNATURE;
	if (m->signature_len != MESSAGE_SIGNATURE_LEN)
		return 0;
	return find_signer(v, m, arn, out);
}

static int open_sealed(const struct verify *v, struct message *m)
{
	int rc = ERR_DENIED;

	if (buf_len(v->seal_key) == KEYS_LEN)
		rc = message_open(m, buf_data(v->seal_key));
	if (rc == ERR_DENIED && buf_len(v->former_key) == KEYS_LEN)
		rc = message_open(m, buf_data(v->former_key));
	return rc;
}

int verify_message(const struct verify *v, struct message *m, const char *arn,
    struct verdict *out)
{
	struct digest_part payload = {.data = m->payload};
	int rc;

	*out = (struct verdict){.trust = CREDIT_NO_SIGNATURE};
	rc = find_trust(v, m, arn, out);
	if (rc == 0 && out->claim.seal == CLAIM_SEAL_X25519)
		rc = open_sealed(v, m);
	if (rc != 0)
		return rc;
	payload.len = m->payload_len;
	return digest_sha256(out->digest, &payload, 1);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/verify.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/algorithms.h"
#include "crypto/digest.h"
#include "message/sign.h"

static int read_seal_keys(
    const struct verify *v, const char *path, struct err *err)
{
	struct err why = {.text = "out of memory"};
	struct seal_keys *keys;
	uint8_t *space;
	int rc = buf_extend(v->seal_keys, sizeof *keys, &space);

	keys = (struct seal_keys *)(void *)space;
	if (rc == 0)
		rc = seal_keys_read(keys, path, &why);
	return rc == 0 ? seal_keys_need(keys, err)
		       : err_set(err, rc, "seal-key: %s", why.text);
}

/* What every seal needs; of which kind a parameter's keys are shows when they
 * come. */
static int need_sealing(struct err *err)
{
	const struct seal_keys any = {.has = {[HPKE_X25519] = 1}};

	return seal_keys_need(&any, err);
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
	    .seal_keys = buf_new(LIMIT_SEAL_KEYS * sizeof(struct seal_keys))};
	if (v->seal_keys == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = start_openssl(err);
	if (rc == 0)
		rc = verify_read_trusted(
		    &v->trusted, trusted_directory, log_refused, NULL, err);
	if (rc == 0 && seal_key[0] != '\0')
		rc = is_file ? read_seal_keys(v, seal_key, err)
			     : need_sealing(err);
	if (rc != 0)
		verify_close(v);
	return rc;
}

void verify_close(struct verify *v)
{
	buf_free(v->seal_keys);
	v->seal_keys = NULL;
}

int verify_take_keys(
    const struct verify *v, const struct seal_keys *keys, size_t n)
{
	return buf_set(v->seal_keys, keys, n * sizeof *keys);
}

/* The keys at i of those that open messages; NULL: there are no more. */
static const struct seal_keys *keys_at(const struct verify *v, size_t i)
{
	const struct seal_keys *keys =
	    (const struct seal_keys *)(const void *)buf_data(v->seal_keys);

	return i < buf_len(v->seal_keys) / sizeof *keys ? &keys[i] : NULL;
}

bool verify_opens(const struct verify *v, enum hpke_kem kem)
{
	const struct seal_keys *keys;
	bool opens = false;

	for (size_t i = 0; (keys = keys_at(v, i)) != NULL; i++)
		opens = opens || keys->has[kem] != 0;
	return opens;
}

/* A sealing key has an id, too, by which people tell one from another. */
static void show_seal_key(
    const struct seal_keys *keys, size_t kem, const char *path, FILE *to)
{
	uint8_t public_key[HPKE_PUBLIC_MAX], id[KEYFILE_ID_LEN];

	if (hpke_public((enum hpke_kem)kem, public_key, keys->key[kem]) == 0 &&
	    keyfile_id_of(seal_kinds[kem].public_kind, public_key, id) == 0)
		keyfile_show("seal-key", seal_kinds[kem].name, id, path, to);
}

static void show_seal_keys(const struct verify *v, const char *path, FILE *to)
{
	const struct seal_keys *keys = keys_at(v, 0);

	for (size_t kem = 0; keys != NULL && kem < HPKE_KEMS; kem++)
		if (keys->has[kem] != 0)
			show_seal_key(keys, kem, path, to);
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
	else
		show_seal_keys(v, seal_key, to);
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

/* The KEM of a seal; HPKE_KEMS of none. */
static size_t find_kem(enum claim_seal seal)
{
	size_t kem = 0;

	while (kem < HPKE_KEMS && seal_kinds[kem].seal != seal)
		kem++;
	return kem;
}

const char *verify_explain(const struct verify *v, enum claim_seal seal)
{
	const bool any = keys_at(v, 0) != NULL;
	const size_t kem = find_kem(seal);

	if (kem < HPKE_KEMS && verify_opens(v, (enum hpke_kem)kem))
		return "does not open with this seal-key";
	if (seal == CLAIM_SEAL_X25519)
		return any ? "seal-key has no key for seal=x25519: add the "
			     "fleet's sqs-entropy-x25519-secret line"
			   : "no seal-key is configured";
	return any ? "seal-key has no key for seal=xwing: add the fleet's "
		     "sqs-entropy-xwing-secret line, which takes OpenSSL 3.5 "
		     "or later (Debian 13 has it)"
		   : "no seal-key is configured, and seal=xwing takes OpenSSL "
		     "3.5 or later as well (Debian 13 has it)";
}

static int open_sealed(
    const struct verify *v, enum claim_seal seal, struct message *m)
{
	const size_t kem = find_kem(seal);
	const struct seal_keys *keys;
	int rc = kem < HPKE_KEMS ? ERR_DENIED : 0;

	for (size_t i = 0; rc == ERR_DENIED && (keys = keys_at(v, i)) != NULL;
	     i++)
		if (keys->has[kem] != 0)
			rc =
			    message_open(m, (enum hpke_kem)kem, keys->key[kem]);
	return rc;
}

int verify_message(const struct verify *v, struct message *m, const char *arn,
    struct verdict *out)
{
	struct digest_part payload = {.data = m->payload};
	int rc;

	*out = (struct verdict){.trust = CREDIT_NO_SIGNATURE};
	rc = find_trust(v, m, arn, out);
	if (rc == 0)
		rc = open_sealed(v, out->claim.seal, m);
	if (rc != 0)
		return rc;
	payload.len = m->payload_len;
	return digest_sha256(out->digest, &payload, 1);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/verify.h"

#include <string.h>

#include "crypto/digest.h"
#include "crypto/hpke.h"

static int read_seal_key(const char *path, uint8_t *key, struct err *err)
{
	struct err why = {0};
	const int rc = keyfile_read(KEYFILE_SEAL_SECRET, path, key, &why);

	if (rc == 0)
		return 0;
	return err_set(err, rc, "seal-key: %.400s", why.text);
}

int verify_open(struct verify *v, const char *trusted_directory,
    const char *seal_key, struct err *err)
{
	uint8_t *space;
	int rc;

	*v = (struct verify){.seal_key = buf_new(KEYS_LEN)};
	if (v->seal_key == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = keyfile_read_trusted(trusted_directory, &v->trusted, err);
	if (rc == 0 && seal_key[0] != '\0') {
		rc = buf_extend(v->seal_key, KEYS_LEN, &space);
		if (rc == 0)
			rc = read_seal_key(seal_key, space, err);
	}
	if (rc != 0)
		verify_close(v);
	return rc;
}

void verify_close(struct verify *v)
{
	buf_free(v->seal_key);
	v->seal_key = NULL;
}

/* SHA-256 of what is signed: the same for every copy of a message, whatever a
 * stranger does to its signature. */
static int digest(const struct record_message *m, const char *path,
    uint8_t out[static REPLAY_DIGEST_LEN])
{
	struct buf *text = buf_new(MESSAGE_SIGNED_MAX);
	struct digest_part part;
	int rc = ERR_NOMEM;

	if (text == NULL)
		return rc;
	rc = message_signed_bytes(text, m->entropy, m->entropy_len, path,
	    strlen(path), m->payload, m->payload_len);
	part = (struct digest_part){buf_data(text), buf_len(text)};
	if (rc == 0)
		rc = digest_sha256(out, &part, 1);
	buf_free(text);
	return rc;
}

/* Ids are short: two trusted keys could share one. */
static int find_signer(const struct verify *v, const struct record_message *m,
    const char *path, struct verified *out)
{
	int rc;

	out->trust = CREDIT_UNKNOWN_KEY;
	for (size_t i = 0; i < v->trusted.n; i++) {
		if (memcmp(v->trusted.at[i].id, out->claim.key,
			KEYFILE_ID_LEN) != 0)
			continue;
		rc = message_verify(m->signature, v->trusted.at[i].key,
		    m->entropy, path, m->payload, m->payload_len);
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

static int judge(const struct verify *v, const struct record_message *m,
    const char *path, struct verified *out)
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
	return find_signer(v, m, path, out);
}

static int open_sealed(const struct verify *v, struct record_message *m)
{
	struct buf *clear;
	uint8_t *space;
	size_t len;
	int rc = ERR_DENIED;

	if (buf_len(v->seal_key) != KEYS_LEN ||
	    m->payload_len < HPKE_OVERHEAD + MESSAGE_PAYLOAD_MIN)
		return rc;
	len = m->payload_len - HPKE_OVERHEAD;
	clear = buf_new(len);
	if (clear == NULL || buf_extend(clear, len, &space) != 0) {
		buf_free(clear);
		return ERR_NOMEM;
	}
	rc = hpke_open(space, buf_data(v->seal_key), MESSAGE_DOMAIN,
	    strlen(MESSAGE_DOMAIN), m->entropy, m->entropy_len, m->payload,
	    m->payload_len);
	if (rc == 0) {
		memcpy(m->payload, space, len);
		m->payload_len = (uint32_t)len;
	}
	buf_free(clear);
	return rc;
}

int verify_message(const struct verify *v, struct record_message *m,
    const char *queue_path, struct verified *out)
{
	int rc;

	*out = (struct verified){.trust = CREDIT_NO_SIGNATURE};
	rc = digest(m, queue_path, out->digest);
	if (rc == 0)
		rc = judge(v, m, queue_path, out);
	if (rc == 0 && out->claim.seal == CLAIM_SEAL_HPKE)
		rc = open_sealed(v, m);
	return rc;
}

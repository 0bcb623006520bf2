/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/trial.h"

#include <string.h>

#include "crypto/keys.h"
#include "message/claim.h"
#include "message/keyfile.h"
#include "message/sign.h"

/* Agents give no credit to what was signed longer ago (agent/offline/credit.h).
 */
#define FRESH_MS 300000

static int refuse_message(const char *why, struct err *err)
{
	return err_set(
	    err, ERR_UNUSABLE, "an agent would not use the message: %s", why);
}

/* The key as agents get it: from the line that is printed for them. */
static int read_trusted_key(
    const struct signer *s, uint8_t key[static KEYS_LEN], struct err *err)
{
	uint8_t public_key[KEYS_LEN];
	char line[KEYFILE_LINE_MAX];

	if (s->key == NULL)
		return refuse_message("it is not signed", err);
	if (keys_signer_public(s->key, public_key) != 0)
		return refuse_message("the signing key is none", err);
	keyfile_format(KEYFILE_SIGN_PUBLIC, public_key, line);
	return keyfile_parse(
	    KEYFILE_SIGN_PUBLIC, line, strlen(line), "key", key, err);
}

static int judge_claim(const struct message *m, int64_t wall,
    const uint8_t key[static KEYS_LEN], struct err *err)
{
	uint8_t id[KEYFILE_ID_LEN];
	struct claim claim;

	if (claim_parse(m->entropy, m->entropy_len, &claim) != 0)
		return refuse_message("its claim is malformed", err);
	if (keyfile_id(key, id) != 0 || memcmp(id, claim.key, sizeof id) != 0)
		return refuse_message("it names another key", err);
	if (claim.time > wall + FRESH_MS || claim.time < wall - FRESH_MS)
		return refuse_message("its date is not now", err);
	return 0;
}

/* What a receiver gets out of the body that is sent. */
static int judge_body(const struct message *m, struct err *err)
{
	uint8_t *body, *got;
	struct buf *text = buf_new_zero(MESSAGE_BODY_MAX + 1, &body);
	struct buf *copy = buf_new_zero(sizeof *m, &got);
	struct message *other = (struct message *)(void *)got;
	int rc = ERR_NOMEM;

	if (text != NULL && copy != NULL)
		rc = message_to_body(m, (char *)body);
	if (rc == 0)
		rc = message_from_body(
		    other, (char *)body, strlen((char *)body));
	if (rc == 0 &&
	    (other->payload_len != m->payload_len ||
		memcmp(other->payload, m->payload, m->payload_len) != 0))
		rc = ERR_FORMAT;
	buf_free(text);
	buf_free(copy);
	if (rc == ERR_NOMEM)
		return err_set(err, rc, "out of memory");
	return rc == 0 ? 0 : refuse_message("its body does not decode", err);
}

int trial_verify(const struct signer *s, const struct message *m, int64_t wall,
    struct err *err)
{
	uint8_t key[KEYS_LEN];
	int rc;

	if (s->arn[0] == '\0')
		return refuse_message("the queue has no ARN to sign for", err);
	rc = read_trusted_key(s, key, err);
	if (rc == 0)
		rc = judge_body(m, err);
	if (rc == 0)
		rc = judge_claim(m, wall, key, err);
	if (rc == 0 && message_verify(m, s->arn, key) != 0)
		rc = refuse_message("its signature does not hold", err);
	return rc;
}

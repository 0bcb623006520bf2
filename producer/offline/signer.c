/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/offline/signer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "confine/confine.h"
#include "crypto/algorithms.h"
#include "message/claim.h"
#include "message/seal.h"
#include "producer/halves.h"

#define CANNOT_SEAL "seal-to: " ARN_MISSING
#define UNSIGNED    ARN_MISSING ": messages are not signed, and earn no credit"

/* The first queue from index i on that can have no ARN; the number of queues
 * when each may have one. */
static size_t find_without_arn(const struct conf *conf, size_t i)
{
	const size_t n = arn_count_queues(conf->common.queues);

	while (i < n && !arn_is_missing(conf->common.queues[i]))
		i++;
	return i;
}

static int load_signing_key(struct signer *s, const char *path, struct err *err)
{
	uint8_t public_key[KEYS_LEN], *secret;
	struct buf *space = buf_new_zero(KEYS_LEN, &secret);
	int rc;

	if (space == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = keyfile_read(KEYFILE_SIGN_SECRET, path, secret, err);
	if (rc == 0)
		rc = algorithms_need(ALGORITHM_ED25519, "signing-key",
		    "sign on another host, or remove it: messages earn no "
		    "credit then",
		    err);
	if (rc != 0)
		goto out;
	s->key = keys_signer_new(secret);
	rc = s->key != NULL ? keys_signer_public(s->key, public_key)
			    : ERR_INTERNAL;
	if (rc == 0)
		rc = keyfile_id(public_key, s->key_id);
	if (rc != 0)
		(void)err_set(err, rc, "%s: cannot be used as a key", path);
out:
	buf_free(space);
	return rc;
}

static const char *const remedies[HPKE_KEMS] = {
    [HPKE_X25519] = "seal on another host, or remove it: messages are readable "
		    "in the queue then",
    [HPKE_XWING] = "seal on another host, with OpenSSL 3.5 or later (Debian 13 "
		   "has it), or to an x25519 key, which a quantum computer "
		   "could break",
};

static int read_seal_key(struct signer *s, const char *path, struct err *err)
{
	struct keyfile_keys keys = {.several = false};
	int rc;

	for (size_t kem = 0; kem < HPKE_KEMS; kem++)
		keys.at[seal_kinds[kem].public_kind] = s->seal_to;
	rc = keyfile_read_keys(&keys, path, err);
	s->seals = rc == 0;
	s->kem = keys.found[KEYFILE_XWING_PUBLIC] ? HPKE_XWING : HPKE_X25519;
	return rc;
}

/* What is no key on its curve or in its ring would be found when the first
 * message is sealed, which is too late to be told at the start. */
static int try_seal_key(
    const struct signer *s, const char *path, struct err *err)
{
	uint8_t ephemeral[HPKE_EPHEMERAL_MAX], sealed[HPKE_OVERHEAD_MAX];
	int rc = keys_random(ephemeral, sizeof ephemeral);

	if (rc == 0)
		rc = hpke_seal(s->kem, sealed, s->seal_to, ephemeral, NULL, 0,
		    NULL, 0, NULL, 0);
	explicit_bzero(ephemeral, sizeof ephemeral);
	if (rc == ERR_DENIED)
		return err_set(err, ERR_CONFIG,
		    "seal-to: %s: nothing can be sealed to this key: take the "
		    "line that --genkey --seal printed",
		    path);
	return rc == 0 ? 0 : err_set(err, rc, "seal-to: %s", err_text(rc));
}

static int load_seal_key(
    struct signer *s, const struct conf *conf, struct err *err)
{
	int rc = read_seal_key(s, conf->seal_to, err);

	if (rc == 0)
		rc = algorithms_need(
		    seal_kinds[s->kem].algorithms | ALGORITHM_RANDOM, "seal-to",
		    remedies[s->kem], err);
	if (rc != 0)
		return rc;
	if ((size_t)conf->message_bytes + hpke_overhead(s->kem) >
	    MESSAGE_PAYLOAD_MAX)
		return err_set(err, ERR_CONFIG,
		    "%s: message-bytes: sealing adds %zu bytes, and %d are "
		    "allowed in all",
		    conf->common.file, hpke_overhead(s->kem),
		    MESSAGE_PAYLOAD_MAX);
	return try_seal_key(s, conf->seal_to, err);
}

static int load_keys(struct signer *s, const struct conf *conf, struct err *err)
{
	const char *caution;
	int rc;

	*s = (struct signer){.sequence = {.file = {.fd = -1}}};
	rc = algorithms_start(&caution, err);
	if (caution != NULL)
		log_warning("%s", caution);
	if (rc == 0 && conf->signing_key[0] != '\0')
		rc = load_signing_key(s, conf->signing_key, err);
	if (rc == 0 && conf->seal_to[0] != '\0')
		rc = load_seal_key(s, conf, err);
	if (rc == 0 && s->seals &&
	    find_without_arn(conf, 0) < arn_count_queues(conf->common.queues))
		rc = err_set(err, ERR_CONFIG, CANNOT_SEAL ": %s",
		    conf->common.queues[find_without_arn(conf, 0)]);
	return rc;
}

static int open_as(const char *user, struct sequence *sequence,
    const char *path, struct err *err)
{
	struct err why = {0};
	int rc = confine_as(user, err);

	if (rc == 0)
		rc = sequence_open(sequence, path, err);
	if (confine_as_root(&why) != 0) /* and no other try as root */
		return err_set(err, ERR_INTERNAL, "%s", why.text);
	return rc;
}

/* The file belongs to the user of this half.  In the unit root cannot reach
 * that user's directory; by hand root may have named one that the user cannot
 * reach. A directory that is not there is made for a program that was started
 * by hand; systemd's is there (tmpfiles.d(5)). */
static int open_sequence(struct signer *s, struct err *err)
{
	const char *directory =
	    file_directory("STATE_DIRECTORY", CONF_STATE_DIRECTORY);
	const bool was_there = access(directory, F_OK) == 0;
	char path[PATH_MAX];
	int rc = 0;

	(void)snprintf(path, sizeof path, "%s/sequence",
	    file_make_directory("STATE_DIRECTORY", CONF_STATE_DIRECTORY, 0700));
	if (!was_there && access(directory, F_OK) == 0)
		rc = confine_give(directory, PRODUCER_OFFLINE_USER, err);
	if (rc == 0)
		rc = open_as(PRODUCER_OFFLINE_USER, &s->sequence, path, err);
	if (rc != ERR_PERM || geteuid() != 0)
		return rc;
	*err = (struct err){.code = 0};
	return sequence_open(&s->sequence, path, err);
}

int signer_open(struct signer *s, const struct conf *conf, struct err *err)
{
	int rc = load_keys(s, conf, err);

	if (rc == 0 && conf->signing_key[0] != '\0')
		rc = open_sequence(s, err);
	if (rc != 0)
		signer_close(s);
	return rc;
}

int signer_check(struct signer *s, const struct conf *conf, struct err *err)
{
	const size_t n = arn_count_queues(conf->common.queues);
	const int rc = load_keys(s, conf, err);

	if (rc == 0 && conf->signing_key[0] != '\0')
		for (size_t i = find_without_arn(conf, 0); i < n;
		     i = find_without_arn(conf, i + 1))
			log_warning("%s: " UNSIGNED, conf->common.queues[i]);
	if (rc != 0)
		signer_close(s);
	return rc;
}

/* A sealing key has an id, too, by which people tell one from another. */
void signer_show(const struct signer *s, const struct conf *conf, FILE *to)
{
	uint8_t id[KEYFILE_ID_LEN];

	if (conf->signing_key[0] != '\0')
		keyfile_show(
		    "signing-key", "", s->key_id, conf->signing_key, to);
	if (s->seals &&
	    keyfile_id_of(seal_kinds[s->kem].public_kind, s->seal_to, id) == 0)
		keyfile_show(
		    "seal-to", seal_kinds[s->kem].name, id, conf->seal_to, to);
}

void signer_close(struct signer *s)
{
	keys_signer_free(s->key);
	s->key = NULL;
	sequence_close(&s->sequence);
}

void signer_set_queue(struct signer *s, const struct conf *conf, size_t entry,
    const struct arn *found)
{
	s->entry = entry;
	s->queue = conf->common.queues[entry];
	arn_make(s->arn, conf->common.queues[entry],
	    arn_set_region(conf->common.region, NULL), found);
}

/* A message that cannot be signed goes out unsigned, one that cannot be sealed
 * does not. */
static int go_unsigned(struct signer *s, struct err *err)
{
	if (s->seals)
		return err_set(err, ERR_CONFIG, CANNOT_SEAL);
	if (!s->told_no_arn[s->entry])
		log_warning("%s: " UNSIGNED, s->queue);
	s->told_no_arn[s->entry] = true;
	return 0;
}

static void set_claim(const struct signer *s, struct message *m, uint64_t seq,
    int64_t wall, uint32_t bits)
{
	struct claim claim = {.seq = seq,
	    .time = wall,
	    .bits = bits,
	    .seal = s->seals ? seal_kinds[s->kem].seal : CLAIM_SEAL_NONE};

	memcpy(claim.key, s->key_id, sizeof claim.key);
	claim_format(&claim, m->entropy);
	m->entropy_len = (uint32_t)strlen(m->entropy);
}

int signer_sign(struct signer *s, struct message *m, int64_t wall,
    uint32_t bits, struct err *err)
{
	uint64_t seq;
	int rc;

	if (s->key == NULL)
		return 0;
	if (s->arn[0] == '\0')
		return go_unsigned(s, err);
	rc = sequence_next(&s->sequence, &seq, err);
	if (rc != 0)
		return rc;
	set_claim(s, m, seq, wall, bits);
	if (s->seals)
		rc = message_seal(m, s->kem, s->seal_to);
	if (rc == 0)
		rc = message_sign(m, s->arn, s->key);
	if (rc != 0)
		return err_set(
		    err, rc, "cannot sign a message: %s", err_text(rc));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hpke.h"

#include <string.h>

/*
 * Names are those of RFC 9180.  Every hash, key and nonce of this suite is at
 * most one HMAC long, so that Expand (RFC 5869 section 2.3) is its first round.
 */
#define NH          DIGEST_SHA256_LEN
#define CONTEXT_LEN (1 + 2 * NH) /* mode, psk_id_hash, info_hash */
#define PART(x)     ((struct digest_part){(x), sizeof(x)})
#define LITERAL(x)  ((struct digest_part){(x), sizeof(x) - 1})
#define KEM_SUITE   LITERAL("KEM\x00\x20")
#define NOTHING     ((struct digest_part){"", 0})

struct sealing {
	uint8_t key[KEYS_LEN];
	uint8_t nonce[AEAD_NONCE_LEN];
};

/* Section 4, LabeledExtract. */
static int extract(uint8_t out[static NH], struct digest_part salt,
    struct digest_part suite, struct digest_part label, struct digest_part ikm)
{
	const struct digest_part parts[] = {
	    LITERAL("HPKE-v1"), suite, label, ikm};

	return digest_hmac_sha256(
	    out, salt.data, salt.len, parts, sizeof parts / sizeof parts[0]);
}

/* Section 4, LabeledExpand; len is at most NH. */
static int expand(uint8_t *out, size_t len, const uint8_t prk[static NH],
    struct digest_part suite, struct digest_part label,
    const struct digest_part info[static 2])
{
	const uint8_t length[] = {0, (uint8_t)len};
	const struct digest_part parts[] = {PART(length), LITERAL("HPKE-v1"),
	    suite, label, info[0], info[1], LITERAL("\x01")};
	uint8_t round[NH];
	int rc = digest_hmac_sha256(
	    round, prk, NH, parts, sizeof parts / sizeof parts[0]);

	if (rc == 0)
		memcpy(out, round, len);
	explicit_bzero(round, sizeof round);
	return rc;
}

/* Section 4.1: the shared secret of DHKEM's Encap() and Decap(), from either
 * side's secret key and the other's public one. */
static int agree(uint8_t shared[static NH], const uint8_t *secret,
    const uint8_t *peer, const uint8_t *enc, const uint8_t *recipient)
{
	const struct digest_part context[] = {
	    {enc, KEYS_LEN}, {recipient, KEYS_LEN}};
	uint8_t dh[KEYS_LEN], prk[NH];
	int rc = keys_x25519(dh, secret, peer);

	if (rc == 0)
		rc = extract(
		    prk, NOTHING, KEM_SUITE, LITERAL("eae_prk"), PART(dh));
	if (rc == 0)
		rc = expand(shared, NH, prk, KEM_SUITE,
		    LITERAL("shared_secret"), context);
	explicit_bzero(dh, sizeof dh);
	explicit_bzero(prk, sizeof prk);
	return rc;
}

static int encapsulate_x25519(uint8_t *shared, uint8_t *enc,
    const uint8_t *recipient, const uint8_t *ephemeral)
{
	const int rc = keys_x25519_public(enc, ephemeral);

	return rc != 0 ? rc
		       : agree(shared, ephemeral, recipient, enc, recipient);
}

static int decapsulate_x25519(
    uint8_t *shared, const uint8_t *secret, const uint8_t *enc)
{
	uint8_t recipient[KEYS_LEN];
	const int rc = keys_x25519_public(recipient, secret);

	return rc != 0 ? rc : agree(shared, secret, enc, enc, recipient);
}

static const struct kem {
	struct digest_part suite;
	size_t ephemeral_len, enc_len;
	int (*make_public)(uint8_t *public_key, const uint8_t *secret);
	int (*encapsulate)(uint8_t *shared, uint8_t *enc,
	    const uint8_t *recipient, const uint8_t *ephemeral);
	int (*decapsulate)(
	    uint8_t *shared, const uint8_t *secret, const uint8_t *enc);
} kems[HPKE_KEMS] = {
    [HPKE_X25519] = {{"HPKE\x00\x20\x00\x01\x00\x03", 10}, KEYS_LEN, KEYS_LEN,
	keys_x25519_public, encapsulate_x25519, decapsulate_x25519},
    [HPKE_XWING] = {{"HPKE\x64\x7a\x00\x01\x00\x03", 10}, XWING_RANDOM_LEN,
	XWING_TEXT_LEN, xwing_public, xwing_encapsulate, xwing_decapsulate},
};

_Static_assert(XWING_SHARED_LEN == NH, "each KEM's shared secret has NH bytes");

size_t hpke_ephemeral_len(enum hpke_kem kem)
{
	return kems[kem].ephemeral_len;
}

size_t hpke_overhead(enum hpke_kem kem)
{
	return kems[kem].enc_len + AEAD_TAG_LEN;
}

int hpke_public(enum hpke_kem kem, uint8_t *public_key,
    const uint8_t secret[static KEYS_LEN])
{
	return kems[kem].make_public(public_key, secret);
}

/* Section 5.1, KeySchedule in base mode: no psk, no psk_id. */
static int schedule(struct sealing *out, struct digest_part suite,
    const uint8_t shared[static NH], struct digest_part info)
{
	uint8_t hashes[CONTEXT_LEN] = {0x00}, secret[NH];
	const struct digest_part context[] = {PART(hashes), NOTHING};
	int rc = extract(
	    hashes + 1, NOTHING, suite, LITERAL("psk_id_hash"), NOTHING);

	if (rc == 0)
		rc = extract(hashes + 1 + NH, NOTHING, suite,
		    LITERAL("info_hash"), info);
	if (rc == 0)
		rc = extract(secret, (struct digest_part){shared, NH}, suite,
		    LITERAL("secret"), NOTHING);
	if (rc == 0)
		rc = expand(out->key, sizeof out->key, secret, suite,
		    LITERAL("key"), context);
	if (rc == 0)
		rc = expand(out->nonce, sizeof out->nonce, secret, suite,
		    LITERAL("base_nonce"), context);
	explicit_bzero(secret, sizeof secret);
	return rc;
}

int hpke_seal(enum hpke_kem kem, uint8_t *out, const uint8_t *recipient,
    const uint8_t *ephemeral, const void *info, size_t info_len,
    const void *aad, size_t aad_len, const void *data, size_t len)
{
	const struct kem *k = &kems[kem];
	uint8_t shared[NH];
	struct sealing s;
	int rc = k->encapsulate(shared, out, recipient, ephemeral);

	if (rc == 0)
		rc = schedule(
		    &s, k->suite, shared, (struct digest_part){info, info_len});
	/* Sequence number 0: the nonce is base_nonce (section 5.2). */
	if (rc == 0)
		rc = aead_seal(
		    out + k->enc_len, s.key, s.nonce, aad, aad_len, data, len);
	if (rc != 0)
		explicit_bzero(out, len + hpke_overhead(kem));
	explicit_bzero(shared, sizeof shared);
	explicit_bzero(&s, sizeof s);
	return rc;
}

int hpke_open(enum hpke_kem kem, uint8_t *out,
    const uint8_t secret[static KEYS_LEN], const void *info, size_t info_len,
    const void *aad, size_t aad_len, const void *data, size_t len)
{
	const struct kem *k = &kems[kem];
	const uint8_t *enc = data;
	uint8_t shared[NH];
	struct sealing s;
	int rc;

	if (len < hpke_overhead(kem))
		return ERR_FORMAT;
	rc = k->decapsulate(shared, secret, enc);
	if (rc == 0)
		rc = schedule(
		    &s, k->suite, shared, (struct digest_part){info, info_len});
	if (rc == 0)
		rc = aead_open(out, s.key, s.nonce, aad, aad_len,
		    enc + k->enc_len, len - k->enc_len);
	if (rc != 0)
		explicit_bzero(out, len - hpke_overhead(kem));
	explicit_bzero(shared, sizeof shared);
	explicit_bzero(&s, sizeof s);
	return rc;
}

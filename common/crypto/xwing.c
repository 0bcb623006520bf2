/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/xwing.h"

#include <string.h>

#include "crypto/digest.h"

/* What a secret key is expanded to (section 5.2). */
struct expanded {
	uint8_t mlkem[MLKEM_SEED_LEN];
	uint8_t x25519[KEYS_LEN];
};

_Static_assert(sizeof(struct expanded) == 96, "no padding between them");

/* The shared secrets of both halves. */
struct halves {
	uint8_t mlkem[MLKEM_SHARED_LEN];
	uint8_t x25519[KEYS_LEN];
};

static int expand_secret(struct expanded *out, const uint8_t *secret)
{
	const struct digest_part part = {secret, KEYS_LEN};

	return digest_shake256((uint8_t *)out, sizeof *out, &part, 1);
}

/* Combiner (section 5.3); text and key are X25519's halves of both. */
static int combine(uint8_t *shared, const struct halves *halves,
    const uint8_t *text, const uint8_t *key)
{
	static const char label[6] = {'\\', '.', '/', '/', '^', '\\'};
	const struct digest_part parts[] = {{halves->mlkem, MLKEM_SHARED_LEN},
	    {halves->x25519, KEYS_LEN}, {text, KEYS_LEN}, {key, KEYS_LEN},
	    {label, sizeof label}};

	return digest_sha3_256(shared, parts, sizeof parts / sizeof parts[0]);
}

int xwing_public(
    uint8_t out[static XWING_PUBLIC_LEN], const uint8_t secret[static KEYS_LEN])
{
	struct expanded both;
	int rc = expand_secret(&both, secret);

	if (rc == 0)
		rc = mlkem_public(out, both.mlkem);
	if (rc == 0)
		rc = keys_x25519_public(out + MLKEM_PUBLIC_LEN, both.x25519);
	explicit_bzero(&both, sizeof both);
	return rc;
}

int xwing_encapsulate(uint8_t shared[static XWING_SHARED_LEN],
    uint8_t text[static XWING_TEXT_LEN],
    const uint8_t public_key[static XWING_PUBLIC_LEN],
    const uint8_t random[static XWING_RANDOM_LEN])
{
	const uint8_t *ephemeral = random + MLKEM_RANDOM_LEN;
	const uint8_t *peer = public_key + MLKEM_PUBLIC_LEN;
	struct halves halves;
	int rc = mlkem_encapsulate(halves.mlkem, text, public_key, random);

	if (rc == 0)
		rc = keys_x25519_public(text + MLKEM_TEXT_LEN, ephemeral);
	if (rc == 0)
		rc = keys_x25519(halves.x25519, ephemeral, peer);
	if (rc == 0)
		rc = combine(shared, &halves, text + MLKEM_TEXT_LEN, peer);
	explicit_bzero(&halves, sizeof halves);
	return rc;
}

int xwing_decapsulate(uint8_t shared[static XWING_SHARED_LEN],
    const uint8_t secret[static KEYS_LEN],
    const uint8_t text[static XWING_TEXT_LEN])
{
	const uint8_t *peer = text + MLKEM_TEXT_LEN;
	uint8_t public_key[KEYS_LEN];
	struct expanded both;
	struct halves halves;
	int rc = expand_secret(&both, secret);

	if (rc == 0)
		rc = mlkem_decapsulate(halves.mlkem, both.mlkem, text);
	if (rc == 0)
		rc = keys_x25519(halves.x25519, both.x25519, peer);
	if (rc == 0)
		rc = keys_x25519_public(public_key, both.x25519);
	if (rc == 0)
		rc = combine(shared, &halves, peer, public_key);
	explicit_bzero(&both, sizeof both);
	explicit_bzero(&halves, sizeof halves);
	return rc;
}

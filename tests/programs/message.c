/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign, verify, seal and open for test_crypto.py and test_vectors.py, and ARNs
 * for test_arn.py: a line of words in, a line out, until the end of standard
 * input.  Words are hexadecimal, "-" stands for no bytes, and text holds no
 *NUL.
 *
 *	public SECRET				Ed25519's
 *	bytes ENTROPY PATH PAYLOAD		what is signed
 *	sign SECRET ENTROPY PATH PAYLOAD
 *	verify SIGNATURE PUBLIC ENTROPY PATH PAYLOAD
 *	agree SECRET PEER			X25519, with our public key
 *	seal RECIPIENT EPHEMERAL INFO AAD TEXT
 *	open SECRET INFO AAD SEALED
 *	xwing-seal, xwing-open			the same by X-Wing
 *	xwing-public SECRET
 *	claim TEXT				read and written again
 *	partition REGION			its id and both domains
 *	region HOST				that the host names
 *	arn QUEUE REGION			with that region configured
 *	check SIGNATURE PUBLIC TEXT		Ed25519 of just that
 *	hmac KEY TEXT
 *	hkdf SALT IKM INFO SIZE			SIZE: two bytes
 *	encrypt KEY NONCE AAD TEXT
 *	decrypt KEY NONCE AAD TEXT
 *	context SECRET ENC INFO			HPKE's key and base nonce
 *	xwing-context SECRET ENC INFO
 *	mlkem-public SEED			ML-KEM-768's
 *	mlkem-encapsulate PUBLIC RANDOM		ciphertext and shared secret
 *	mlkem-decapsulate SEED CIPHERTEXT
 *	openssl					its version
 *	cost					CPU of either seal
 *
 * The answer is "ok" with the result, if any, or "error" with err_text().
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "base/arn.h"
#include "base/err.h"
#include "crypto/digest.h"
/* The key schedule is nobody else's to see. */
#include "crypto/hpke.c"
#include "message/claim.h"
#include "message/seal.h"
#include "message/sign.h"

#define WORDS_MAX   6
#define BYTES_MAX   20000
#define COST_ROUNDS 1000

/* Bytes of a word, with a NUL added. */
struct word {
	uint8_t data[BYTES_MAX + 1];
	size_t len;
};

struct call {
	struct word word[WORDS_MAX];
	size_t n; /* words after the verb */
	uint8_t out[BYTES_MAX];
	size_t out_len;
};

static int nibble(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

static int take_word(struct word *w, const char *text)
{
	w->len = 0;
	w->data[0] = 0;
	if (strcmp(text, "-") == 0)
		return 0;
	for (; *text != '\0'; text += 2) {
		int high = nibble(text[0]);
		int low = high < 0 ? -1 : nibble(text[1]);

		if (low < 0)
			return ERR_FORMAT;
		if (w->len == BYTES_MAX)
			return ERR_LIMIT;
		w->data[w->len++] = (uint8_t)(high << 4 | low);
	}
	w->data[w->len] = 0;
	return 0;
}

static const char *str(const struct word *w)
{
	return (const char *)w->data;
}

static int do_public(struct call *c)
{
	c->out_len = KEYS_LEN;
	return keys_ed25519_public(c->out, c->word[0].data);
}

/* A message of ENTROPY and PAYLOAD; too long a word stays too long. */
static struct message *message_of(
    const struct word *entropy, const struct word *payload)
{
	static struct message m;

	memset(&m, 0, sizeof m);
	m.entropy_len = (uint32_t)entropy->len;
	m.payload_len = (uint32_t)payload->len;
	if (entropy->len <= MESSAGE_ENTROPY_MAX)
		memcpy(m.entropy, entropy->data, entropy->len);
	if (payload->len <= MESSAGE_PAYLOAD_MAX)
		memcpy(m.payload, payload->data, payload->len);
	return &m;
}

static int do_bytes(struct call *c)
{
	const struct word *w = c->word;
	struct buf *text;
	const int rc =
	    message_signed_bytes(message_of(&w[0], &w[2]), str(&w[1]), &text);

	if (rc == 0) {
		c->out_len = buf_len(text);
		memcpy(c->out, buf_data(text), c->out_len);
	}
	buf_free(text);
	return rc;
}

static int do_sign(struct call *c)
{
	const struct word *w = c->word;
	struct message *m = message_of(&w[1], &w[3]);
	struct keys_signer *by = keys_signer_new(w[0].data);
	const int rc =
	    by != NULL ? message_sign(m, str(&w[2]), by) : ERR_INTERNAL;

	keys_signer_free(by);
	c->out_len = MESSAGE_SIGNATURE_LEN;
	memcpy(c->out, m->signature, c->out_len);
	return rc;
}

static int do_verify(struct call *c)
{
	const struct word *w = c->word;
	struct message *m = message_of(&w[2], &w[4]);

	m->signature_len = MESSAGE_SIGNATURE_LEN;
	memcpy(m->signature, w[0].data, MESSAGE_SIGNATURE_LEN);
	return message_verify(m, str(&w[3]), w[1].data);
}

static int do_agree(struct call *c)
{
	int rc = keys_x25519(c->out, c->word[0].data, c->word[1].data);

	c->out_len = 2 * KEYS_LEN;
	if (rc == 0)
		rc = keys_x25519_public(c->out + KEYS_LEN, c->word[0].data);
	return rc;
}

static int seal_by(enum hpke_kem kem, struct call *c)
{
	const struct word *w = c->word;

	if (w[4].len > BYTES_MAX - hpke_overhead(kem))
		return ERR_LIMIT;
	c->out_len = w[4].len + hpke_overhead(kem);
	return hpke_seal(kem, c->out, w[0].data, w[1].data, w[2].data, w[2].len,
	    w[3].data, w[3].len, w[4].data, w[4].len);
}

static int open_by(enum hpke_kem kem, struct call *c)
{
	const struct word *w = c->word;
	int rc = hpke_open(kem, c->out, w[0].data, w[1].data, w[1].len,
	    w[2].data, w[2].len, w[3].data, w[3].len);

	if (rc == 0)
		c->out_len = w[3].len - hpke_overhead(kem);
	return rc;
}

static int do_seal(struct call *c)
{
	return seal_by(HPKE_X25519, c);
}

static int do_open(struct call *c)
{
	return open_by(HPKE_X25519, c);
}

static int do_xwing_seal(struct call *c)
{
	return seal_by(HPKE_XWING, c);
}

static int do_xwing_open(struct call *c)
{
	return open_by(HPKE_XWING, c);
}

static int do_xwing_public(struct call *c)
{
	c->out_len = XWING_PUBLIC_LEN;
	return xwing_public(c->out, c->word[0].data);
}

static int do_mlkem_public(struct call *c)
{
	c->out_len = MLKEM_PUBLIC_LEN;
	return mlkem_public(c->out, c->word[0].data);
}

static int do_mlkem_encapsulate(struct call *c)
{
	c->out_len = MLKEM_TEXT_LEN + MLKEM_SHARED_LEN;
	return mlkem_encapsulate(
	    c->out + MLKEM_TEXT_LEN, c->out, c->word[0].data, c->word[1].data);
}

static int do_mlkem_decapsulate(struct call *c)
{
	c->out_len = MLKEM_SHARED_LEN;
	return mlkem_decapsulate(c->out, c->word[0].data, c->word[1].data);
}

static int put_text(struct call *c, const char *text)
{
	c->out_len = strlen(text);
	memcpy(c->out, text, c->out_len);
	return 0;
}

static int do_openssl(struct call *c)
{
	return put_text(c, OpenSSL_version(OPENSSL_VERSION_STRING));
}

/* Seal, or open, m again and again.  Returns microseconds of CPU for each time,
 * or an error. */
static long cost_of(enum hpke_kem kem, bool opens, struct message *m)
{
	static const uint8_t secret[KEYS_LEN] = {1};
	const struct message before = *m;
	uint8_t public_key[HPKE_PUBLIC_MAX];
	int rc = hpke_public(kem, public_key, secret);
	clock_t began;

	began = clock();
	for (int i = 0; rc == 0 && i < COST_ROUNDS; i++) {
		*m = before;
		rc = opens ? message_open(m, kem, secret)
			   : message_seal(m, kem, public_key);
	}
	return rc != 0 ? rc
		       : (long)((clock() - began) /
				(CLOCKS_PER_SEC / 1000000 * COST_ROUNDS));
}

static int do_cost(struct call *c)
{
	long us[HPKE_KEMS][2];
	char text[128];

	for (int kem = 0; kem < HPKE_KEMS; kem++) {
		static struct message m;

		m.payload_len = 512;
		us[kem][0] = cost_of((enum hpke_kem)kem, false, &m);
		us[kem][1] = cost_of((enum hpke_kem)kem, true, &m);
	}
	(void)snprintf(text, sizeof text,
	    "us of CPU to seal and to open: x25519 %ld %ld, xwing %ld %ld",
	    us[HPKE_X25519][0], us[HPKE_X25519][1], us[HPKE_XWING][0],
	    us[HPKE_XWING][1]);
	return put_text(c, text);
}

static int do_claim(struct call *c)
{
	char text[MESSAGE_ENTROPY_MAX + 1];
	struct claim claim;
	int rc = claim_parse(str(&c->word[0]), c->word[0].len, &claim);

	if (rc != 0)
		return rc;
	claim_format(&claim, text);
	return put_text(c, text);
}

static int do_partition(struct call *c)
{
	const struct arn_partition *p = arn_partition(str(&c->word[0]));
	char text[256];

	(void)snprintf(
	    text, sizeof text, "%s %s %s", p->id, p->suffix, p->dual);
	return put_text(c, text);
}

static int do_region(struct call *c)
{
	char region[LIMIT_REGION];

	if (!arn_region_of(str(&c->word[0]), str(&c->word[1]), region))
		return ERR_FORMAT;
	return put_text(c, region);
}

static int do_arn(struct call *c)
{
	char arn[ARN_TEXT_MAX];

	arn_make(arn, str(&c->word[0]), str(&c->word[1]), NULL);
	return put_text(c, arn);
}

static int do_check(struct call *c)
{
	const struct word *w = c->word;

	return keys_ed25519_verify(w[0].data, w[1].data, w[2].data, w[2].len);
}

static int do_hmac(struct call *c)
{
	const struct digest_part part = {c->word[1].data, c->word[1].len};

	c->out_len = DIGEST_SHA256_LEN;
	return digest_hmac_sha256(
	    c->out, c->word[0].data, c->word[0].len, &part, 1);
}

/* RFC 5869, of which the product needs one round. */
static int do_hkdf(struct call *c)
{
	const struct word *w = c->word;
	const struct digest_part ikm = {w[1].data, w[1].len};
	const size_t size = (size_t)w[3].data[0] << 8 | w[3].data[1];
	uint8_t prk[DIGEST_SHA256_LEN], number = 0;
	int rc = digest_hmac_sha256(prk, w[0].data, w[0].len, &ikm, 1);

	if (size > 255 * sizeof prk)
		return ERR_LIMIT;
	while (rc == 0 && c->out_len < size) {
		const size_t before = number > 0 ? sizeof prk : 0;
		const struct digest_part parts[] = {
		    {c->out + c->out_len - before, before},
		    {w[2].data, w[2].len}, {&number, 1}};

		number++;
		rc = digest_hmac_sha256(
		    c->out + c->out_len, prk, sizeof prk, parts, 3);
		c->out_len += sizeof prk;
	}
	c->out_len = size;
	return rc;
}

static int do_encrypt(struct call *c)
{
	const struct word *w = c->word;

	if (w[3].len > BYTES_MAX - AEAD_TAG_LEN)
		return ERR_LIMIT;
	c->out_len = w[3].len + AEAD_TAG_LEN;
	return aead_seal(c->out, w[0].data, w[1].data, w[2].data, w[2].len,
	    w[3].data, w[3].len);
}

static int do_decrypt(struct call *c)
{
	const struct word *w = c->word;

	if (w[3].len < AEAD_TAG_LEN)
		return ERR_FORMAT;
	c->out_len = w[3].len - AEAD_TAG_LEN;
	return aead_open(c->out, w[0].data, w[1].data, w[2].data, w[2].len,
	    w[3].data, w[3].len);
}

static int context_by(enum hpke_kem kem, struct call *c)
{
	const struct word *w = c->word;
	uint8_t shared[NH];
	struct sealing s = {{0}, {0}};
	int rc = kems[kem].decapsulate(shared, w[0].data, w[1].data);

	if (rc == 0)
		rc = schedule(&s, kems[kem].suite, shared,
		    (struct digest_part){w[2].data, w[2].len});
	memcpy(c->out, s.key, sizeof s.key);
	memcpy(c->out + sizeof s.key, s.nonce, sizeof s.nonce);
	c->out_len = sizeof s.key + sizeof s.nonce;
	return rc;
}

static int do_context(struct call *c)
{
	return context_by(HPKE_X25519, c);
}

static int do_xwing_context(struct call *c)
{
	return context_by(HPKE_XWING, c);
}

static const struct {
	const char *verb;
	int (*run)(struct call *c);
	size_t words;
	size_t first[2]; /* lengths that the first words must have, or 0 */
} verbs[] = {{"public", do_public, 1, {KEYS_LEN, 0}},
    {"bytes", do_bytes, 3, {0, 0}}, {"sign", do_sign, 4, {KEYS_LEN, 0}},
    {"verify", do_verify, 5, {MESSAGE_SIGNATURE_LEN, KEYS_LEN}},
    {"agree", do_agree, 2, {KEYS_LEN, KEYS_LEN}},
    {"seal", do_seal, 5, {KEYS_LEN, KEYS_LEN}},
    {"open", do_open, 4, {KEYS_LEN, 0}}, {"claim", do_claim, 1, {0, 0}},
    {"partition", do_partition, 1, {0, 0}}, {"region", do_region, 2, {0, 0}},
    {"arn", do_arn, 2, {0, 0}},
    {"check", do_check, 3, {MESSAGE_SIGNATURE_LEN, KEYS_LEN}},
    {"hmac", do_hmac, 2, {0, 0}}, {"hkdf", do_hkdf, 4, {0, 0}},
    {"encrypt", do_encrypt, 4, {KEYS_LEN, AEAD_NONCE_LEN}},
    {"decrypt", do_decrypt, 4, {KEYS_LEN, AEAD_NONCE_LEN}},
    {"context", do_context, 3, {KEYS_LEN, KEYS_LEN}},
    {"xwing-seal", do_xwing_seal, 5, {XWING_PUBLIC_LEN, XWING_RANDOM_LEN}},
    {"xwing-open", do_xwing_open, 4, {KEYS_LEN, 0}},
    {"xwing-public", do_xwing_public, 1, {KEYS_LEN, 0}},
    {"xwing-context", do_xwing_context, 3, {KEYS_LEN, XWING_TEXT_LEN}},
    {"mlkem-public", do_mlkem_public, 1, {MLKEM_SEED_LEN, 0}},
    {"mlkem-encapsulate", do_mlkem_encapsulate, 2,
	{MLKEM_PUBLIC_LEN, MLKEM_RANDOM_LEN}},
    {"mlkem-decapsulate", do_mlkem_decapsulate, 2,
	{MLKEM_SEED_LEN, MLKEM_TEXT_LEN}},
    {"openssl", do_openssl, 0, {0, 0}}, {"cost", do_cost, 0, {0, 0}}};

static int run(struct call *c, const char *verb)
{
	size_t i, j;

	for (i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verb, verbs[i].verb) != 0)
			continue;
		if (c->n != verbs[i].words)
			return ERR_USAGE;
		for (j = 0; j < 2; j++)
			if (verbs[i].first[j] != 0 &&
			    c->word[j].len != verbs[i].first[j])
				return ERR_USAGE;
		c->out_len = 0;
		return verbs[i].run(c);
	}
	return ERR_USAGE;
}

static int take_line(struct call *c, char *line)
{
	const char *verb = strtok(line, " \n");
	const char *text;
	int rc = verb != NULL ? 0 : ERR_USAGE;

	c->n = 0;
	while (rc == 0 && (text = strtok(NULL, " \n")) != NULL)
		rc = c->n < WORDS_MAX ? take_word(&c->word[c->n++], text)
				      : ERR_USAGE;
	return rc != 0 ? rc : run(c, verb);
}

static void answer(const struct call *c, int rc)
{
	size_t i;

	if (rc != 0) {
		printf("error %s\n", err_text(rc));
		return;
	}
	printf("ok ");
	for (i = 0; i < c->out_len; i++)
		printf("%02x", c->out[i]);
	printf("\n");
}

int main(void)
{
	struct call *c = calloc(1, sizeof *c);
	char *line = NULL;
	size_t room = 0;

	if (c == NULL)
		return EXIT_FAILURE;
	while (getline(&line, &room, stdin) > 0)
		answer(c, take_line(c, line));
	free(line);
	free(c);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

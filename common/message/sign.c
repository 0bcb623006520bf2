/* SPDX-License-Identifier: Apache-2.0 */
#include "message/sign.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

/* ---- the attribute "Entropy" */

static const char *const seals[] = {
    [MESSAGE_SEAL_NONE] = "none", [MESSAGE_SEAL_HPKE] = "hpke"};

void message_claim_format(const struct message_claim *claim,
    char text[static MESSAGE_ENTROPY_MAX + 1])
{
	char key[TEXT_HEX_LEN(MESSAGE_KEY_ID_LEN)];

	text_hex(key, claim->key, sizeof claim->key);
	(void)snprintf(text, MESSAGE_ENTROPY_MAX + 1,
	    "v=1;key=%s;seq=%" PRIu64 ";time=%" PRId64 ";bits=%" PRIu32
	    ";seal=%s",
	    key, claim->seq, claim->time, claim->bits, seals[claim->seal]);
}

/* What is still to be read. */
struct rest {
	const char *at;
	size_t len;
};

static bool literal(struct rest *r, const char *expected)
{
	size_t len = strlen(expected);

	if (r->len < len || memcmp(r->at, expected, len) != 0)
		return false;
	r->at += len;
	r->len -= len;
	return true;
}

static bool nibble(struct rest *r, uint8_t *out)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit;

	if (r->len == 0)
		return false;
	digit = memchr(digits, *r->at, sizeof digits - 1);
	if (digit == NULL)
		return false;
	*out = (uint8_t)(digit - digits);
	r->at++;
	r->len--;
	return true;
}

static bool hex(struct rest *r, uint8_t *out, size_t len)
{
	uint8_t high, low;

	for (; len > 0; len--) {
		if (!nibble(r, &high) || !nibble(r, &low))
			return false;
		*out++ = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* At least one digit, and no zero before another. */
static bool decimal(struct rest *r, uint64_t max, uint64_t *out)
{
	const size_t before = r->len;
	uint64_t value = 0;

	while (r->len > 0 && *r->at >= '0' && *r->at <= '9') {
		uint64_t digit = (uint64_t)(*r->at - '0');

		if ((r->len < before && value == 0) ||
		    value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
		r->at++;
		r->len--;
	}
	*out = value;
	return r->len < before;
}

static bool seal(struct rest *r, enum message_seal *out)
{
	size_t i;

	for (i = 0; i < sizeof seals / sizeof seals[0]; i++)
		if (literal(r, seals[i])) {
			*out = (enum message_seal)i;
			return true;
		}
	return false;
}

int message_claim_parse(
    const char *text, size_t len, struct message_claim *claim)
{
	struct rest r = {text, len};
	struct message_claim c = {.seq = 0};
	uint64_t time, bits;

	if (!literal(&r, "v=1;key=") || !hex(&r, c.key, sizeof c.key) ||
	    !literal(&r, ";seq=") || !decimal(&r, UINT64_MAX, &c.seq) ||
	    !literal(&r, ";time=") || !decimal(&r, INT64_MAX, &time) ||
	    !literal(&r, ";bits=") || !decimal(&r, UINT32_MAX, &bits) ||
	    !literal(&r, ";seal=") || !seal(&r, &c.seal) || r.len != 0)
		return ERR_FORMAT;
	c.time = (int64_t)time;
	c.bits = (uint32_t)bits;
	*claim = c;
	return 0;
}

/* ---- what is signed */

static int add_field(struct buf *out, const void *data, size_t len)
{
	const uint8_t length[] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16),
	    (uint8_t)(len >> 8), (uint8_t)len};
	int rc = buf_add(out, length, sizeof length);

	return rc != 0 ? rc : buf_add(out, data, len);
}

int message_signed_bytes(struct buf *out, const char *entropy,
    size_t entropy_len, const char *queue_path, size_t path_len,
    const uint8_t *payload, size_t payload_len)
{
	const size_t before = buf_len(out);
	int rc;

	if (entropy_len > MESSAGE_ENTROPY_MAX || path_len > MESSAGE_PATH_MAX ||
	    payload_len > MESSAGE_PAYLOAD_MAX)
		return ERR_LIMIT;
	rc = buf_add(out, MESSAGE_DOMAIN, sizeof MESSAGE_DOMAIN);
	if (rc == 0)
		rc = add_field(out, entropy, entropy_len);
	if (rc == 0)
		rc = add_field(out, queue_path, path_len);
	if (rc == 0)
		rc = add_field(out, payload, payload_len);
	if (rc != 0)
		buf_truncate(out, before);
	return rc;
}

/* ---- signatures */

/* A new buffer with what is signed, which the caller frees. */
static int signed_bytes(struct buf **out, const char *entropy,
    const char *queue_path, const uint8_t *payload, size_t len)
{
	*out = buf_new(MESSAGE_SIGNED_MAX);
	if (*out == NULL)
		return ERR_NOMEM;
	return message_signed_bytes(*out, entropy, strlen(entropy), queue_path,
	    strlen(queue_path), payload, len);
}

int message_sign(uint8_t signature[static MESSAGE_SIGNATURE_LEN],
    const uint8_t secret[static KEYS_LEN], const char *entropy,
    const char *queue_path, const uint8_t *payload, size_t len)
{
	struct buf *text;
	int rc = signed_bytes(&text, entropy, queue_path, payload, len);

	if (rc == 0)
		rc = keys_ed25519_sign(
		    signature, secret, buf_data(text), buf_len(text));
	buf_free(text);
	return rc;
}

int message_verify(const uint8_t signature[static MESSAGE_SIGNATURE_LEN],
    const uint8_t public_key[static KEYS_LEN], const char *entropy,
    const char *queue_path, const uint8_t *payload, size_t len)
{
	struct buf *text;
	int rc = signed_bytes(&text, entropy, queue_path, payload, len);

	if (rc == 0)
		rc = keys_ed25519_verify(
		    signature, public_key, buf_data(text), buf_len(text));
	else if (rc == ERR_LIMIT)
		rc = ERR_DENIED; /* nobody can have signed that */
	buf_free(text);
	return rc;
}

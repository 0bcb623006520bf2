/* SPDX-License-Identifier: Apache-2.0 */
#include "message/claim.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *const seals[] = {[CLAIM_SEAL_NONE] = "none",
    [CLAIM_SEAL_X25519] = "x25519",
    [CLAIM_SEAL_XWING] = "xwing"};

void claim_format(
    const struct claim *claim, char text[static MESSAGE_ENTROPY_MAX + 1])
{
	char key[TEXT_HEX_LEN(KEYFILE_ID_LEN)];

	text_hex(key, claim->key, sizeof claim->key);
	(void)snprintf(text, MESSAGE_ENTROPY_MAX + 1,
	    "v=1;key=%s;seq=%" PRIu64 ";time=%" PRId64 ";bits=%" PRIu32
	    ";seal=%s",
	    key, claim->seq, claim->time, claim->bits, seals[claim->seal]);
}

/* The part of the text that is still to be read. */
struct rest {
	const char *at;
	size_t len;
};

static bool skip_literal(struct rest *r, const char *expected)
{
	size_t len = strlen(expected);

	if (r->len < len || memcmp(r->at, expected, len) != 0)
		return false;
	r->at += len;
	r->len -= len;
	return true;
}

static bool take_hex(struct rest *r, uint8_t *out, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	if (r->len < 2 * len)
		return false;
	for (size_t i = 0; i < 2 * len; i++, r->at++, r->len--) {
		const char *digit = memchr(digits, *r->at, sizeof digits - 1);

		if (digit == NULL)
			return false;
		out[i / 2] = (uint8_t)(out[i / 2] << 4 | (digit - digits));
	}
	return true;
}

/* At least one digit, and no zero before another. */
static bool take_decimal(struct rest *r, uint64_t max, uint64_t *out)
{
	size_t digits = 0;

	while (digits < r->len && r->at[digits] >= '0' && r->at[digits] <= '9')
		digits++;
	if (!text_read_number(r->at, digits, max, out) ||
	    (digits > 1 && r->at[0] == '0'))
		return false;
	r->at += digits;
	r->len -= digits;
	return true;
}

static bool take_seal(struct rest *r, enum claim_seal *out)
{
	size_t i;

	for (i = 0; i < sizeof seals / sizeof seals[0]; i++)
		if (skip_literal(r, seals[i])) {
			*out = (enum claim_seal)i;
			return true;
		}
	return false;
}

int claim_parse(const char *text, size_t len, struct claim *claim)
{
	struct rest r = {text, len};
	struct claim c = {.seq = 0};
	uint64_t time, bits;

	if (!skip_literal(&r, "v=1;key=") ||
	    !take_hex(&r, c.key, sizeof c.key) || !skip_literal(&r, ";seq=") ||
	    !take_decimal(&r, UINT64_MAX, &c.seq) ||
	    !skip_literal(&r, ";time=") ||
	    !take_decimal(&r, INT64_MAX, &time) ||
	    !skip_literal(&r, ";bits=") ||
	    !take_decimal(&r, UINT32_MAX, &bits) ||
	    !skip_literal(&r, ";seal=") || !take_seal(&r, &c.seal) ||
	    r.len != 0)
		return ERR_FORMAT;
	c.time = (int64_t)time;
	c.bits = (uint32_t)bits;
	*claim = c;
	return 0;
}

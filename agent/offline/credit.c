/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/credit.h"

#include <stdio.h>
#include <string.h>

static unsigned judge_trust(enum credit_trust trust)
{
	switch (trust) {
	case CREDIT_SIGNED:
		return 0;
	case CREDIT_NO_SIGNATURE:
		return CREDIT_NOT_SIGNED;
	case CREDIT_BAD_CLAIM:
		return CREDIT_CLAIM_MALFORMED;
	case CREDIT_UNKNOWN_KEY:
		return CREDIT_KEY_UNKNOWN;
	case CREDIT_BAD_SIGNATURE:
		break;
	}
	return CREDIT_SIGNATURE_BAD;
}

static unsigned judge_time(int64_t sent, int64_t at)
{
	if (sent <= 0)
		return CREDIT_SENT_UNKNOWN;
	/* Neither is negative, so the difference cannot overflow. */
	if (sent - at > CREDIT_FRESH_MS)
		return CREDIT_STALE;
	return at - sent > CREDIT_FRESH_MS ? CREDIT_FUTURE : 0;
}

static unsigned clamp_bits(double bits, size_t len)
{
	const double most = 8.0 * (double)len;

	return (unsigned)(bits < most ? bits : most);
}

void credit_judge(const struct credit_policy *policy, const struct message *m,
    struct verdict *v)
{
	const bool by_policy = v->trust == CREDIT_NO_SIGNATURE &&
			       policy->unsigned_messages == CREDIT_CREDIT;
	const double bits =
	    by_policy ? policy->bits_per_byte * m->payload_len : v->claim.bits;

	v->withheld = by_policy ? 0 : judge_trust(v->trust);
	if (v->trust != CREDIT_SIGNED &&
	    policy->unsigned_messages == CREDIT_REFUSE)
		v->withheld |= CREDIT_REFUSED;
	if (v->trust == CREDIT_SIGNED)
		v->withheld |= judge_time(m->sent, v->claim.time);
	if (m->receive_count != 1)
		v->withheld |= CREDIT_REDELIVERED;
	if (v->seen)
		v->withheld |= CREDIT_SEEN;
	if (!v->remembered)
		v->withheld |= CREDIT_NOT_REMEMBERED;
	v->bits = v->withheld == 0 ? clamp_bits(bits, m->payload_len) : 0;
}

unsigned credit_total(unsigned long sum)
{
	return sum >= CREDIT_BITS ? CREDIT_BITS : 0;
}

const char *credit_reason(enum credit_withheld reason)
{
	switch (reason) {
	case CREDIT_NOT_SIGNED:
		return "not signed";
	case CREDIT_CLAIM_MALFORMED:
		return "malformed claim";
	case CREDIT_KEY_UNKNOWN:
		return "producer not trusted";
	case CREDIT_SIGNATURE_BAD:
		return "bad signature";
	case CREDIT_STALE:
		return "sent too long after signing";
	case CREDIT_FUTURE:
		return "signed with a date in the future";
	case CREDIT_SENT_UNKNOWN:
		return "time of sending unknown";
	case CREDIT_REDELIVERED:
		return "delivered before";
	case CREDIT_SEEN:
		return "used before";
	case CREDIT_NOT_REMEMBERED:
		return "use cannot be remembered";
	case CREDIT_REFUSED:
		return "refused";
	}
	return "unknown";
}

void credit_explain(unsigned withheld, char *text, size_t size)
{
	size_t len = 0;

	(void)snprintf(text, size, "credited");
	for (unsigned k = 0; k < CREDIT_REASONS; k++) {
		if ((withheld & 1U << k) == 0)
			continue;
		(void)snprintf(text + len, size - len, "%s%s",
		    len > 0 ? ", " : "",
		    credit_reason((enum credit_withheld)(1U << k)));
		len = strlen(text);
	}
}

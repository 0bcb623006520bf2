/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/offline/credit.h"

#include <stdio.h>
#include <string.h>

static unsigned judge_trust(enum credit_trust trust)
{
	static const unsigned withheld[] = {
	    [CREDIT_NO_SIGNATURE] = CREDIT_NOT_SIGNED,
	    [CREDIT_BAD_CLAIM] = CREDIT_CLAIM_MALFORMED,
	    [CREDIT_UNKNOWN_KEY] = CREDIT_KEY_UNKNOWN,
	    [CREDIT_BAD_SIGNATURE] = CREDIT_SIGNATURE_BAD,
	    [CREDIT_SIGNED] = 0,
	};

	return trust <= CREDIT_SIGNED ? withheld[trust] : CREDIT_SIGNATURE_BAD;
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

const char *credit_reason(unsigned number)
{
	/* In the order of enum credit_withheld. */
	static const char *const reasons[CREDIT_REASONS] = {"not signed",
	    "malformed claim", "producer not trusted", "bad signature",
	    "sent too long after signing", "signed with a date in the future",
	    "time of sending unknown", "delivered before", "used before",
	    "use cannot be remembered", "refused"};

	return number < CREDIT_REASONS ? reasons[number] : "unknown";
}

void credit_explain(unsigned withheld, char *text, size_t size)
{
	size_t len = 0;

	(void)snprintf(text, size, "credited");
	for (unsigned k = 0; k < CREDIT_REASONS; k++) {
		if ((withheld & 1U << k) == 0)
			continue;
		(void)snprintf(text + len, size - len, "%s%s",
		    len > 0 ? ", " : "", credit_reason(k));
		len = strlen(text);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "credit.h"

enum credit_verdict credit_judge(const struct credit_policy *policy,
    const struct credit_message *message, unsigned *bits)
{
	*bits = 0;
	switch (policy->unsigned_messages) {
	case CREDIT_REFUSE:
		return CREDIT_REFUSED;
	case CREDIT_MIX:
		return CREDIT_NOT_SIGNED;
	case CREDIT_CREDIT:
		break;
	}
	if (message->receive_count != 1)
		return CREDIT_REDELIVERED;
	*bits =
	    (unsigned)(policy->bits_per_byte * (double)message->payload_len);
	return CREDIT_GIVEN;
}

unsigned credit_total(unsigned long sum)
{
	return sum >= CREDIT_BITS ? CREDIT_BITS : 0;
}

const char *credit_text(enum credit_verdict verdict)
{
	switch (verdict) {
	case CREDIT_GIVEN:
		return "credited";
	case CREDIT_NOT_SIGNED:
		return "not signed: mixed without credit";
	case CREDIT_REDELIVERED:
		return "delivered before: mixed without credit";
	case CREDIT_REFUSED:
		return "not signed: refused";
	}
	return "unknown";
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_OFFLINE_CREDIT_H
#define SQS_ENTROPY_AGENT_OFFLINE_CREDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/conf.h"
#include "crypto/digest.h"
#include "message/claim.h"
#include "message/message.h"

/*
 * How many bits of entropy the kernel is told that the messages hold.  Pure.
 * One run credits CREDIT_BITS or nothing: less than what makes the kernel's
 * generator ready would let an attacker search the small remainder.
 */
#define CREDIT_BITS     256
#define CREDIT_FRESH_MS 300000 /* between signing and sending */

/* What the signature is worth. */
enum credit_trust {
	CREDIT_NO_SIGNATURE,
	CREDIT_BAD_CLAIM,     /* the Entropy attribute is malformed */
	CREDIT_UNKNOWN_KEY,   /* signed by nobody who is trusted */
	CREDIT_BAD_SIGNATURE, /* a trusted key is named, but did not sign it */
	CREDIT_SIGNED
};

/* What withheld credit; several may hold. */
enum credit_withheld {
	CREDIT_NOT_SIGNED = 1 << 0,
	CREDIT_CLAIM_MALFORMED = 1 << 1,
	CREDIT_KEY_UNKNOWN = 1 << 2,
	CREDIT_SIGNATURE_BAD = 1 << 3,
	CREDIT_STALE = 1 << 4,  /* sent over CREDIT_FRESH_MS after signing */
	CREDIT_FUTURE = 1 << 5, /* signed over CREDIT_FRESH_MS after sending */
	CREDIT_SENT_UNKNOWN = 1 << 6,
	CREDIT_REDELIVERED = 1 << 7, /* not surely the first receipt */
	CREDIT_SEEN = 1 << 8,
	CREDIT_NOT_REMEMBERED = 1 << 9,
	CREDIT_REFUSED = 1 << 10 /* not to be mixed either */
};
#define CREDIT_REASONS 11

/* What is known of one message, and how it was judged. */
struct verdict {
	/* Known before credit_judge(): */
	enum credit_trust trust;
	struct claim claim;   /* zero unless the claim is well-formed */
	const char *producer; /* the trusted key's name, or NULL */
	uint8_t digest[DIGEST_SHA256_LEN]; /* of the payload in the clear */
	bool seen;       /* this machine has used the payload before */
	bool remembered; /* its use can be, or was, stored */
	/* Set by credit_judge(): */
	unsigned withheld; /* what withheld credit, enum credit_withheld */
	unsigned bits;     /* earned: whole ones, at most 8 a byte */
	/* Set when the message was used or discarded: */
	bool counts;           /* its payload is counted by this message */
	size_t bytes;          /* used, in the clear; 0: discarded */
	const char *discarded; /* why, or NULL */
};

/* Judge the message, which is in the clear by now. */
void credit_judge(const struct credit_policy *policy, const struct message *m,
    struct verdict *v);

/* What is injected for a sum of bits: CREDIT_BITS, or 0 below that. */
unsigned credit_total(unsigned long sum);

/* The name of the reason 1 << number, as in the status file; never NULL. */
const char *credit_reason(unsigned number);

/* All reasons, with commas, for people: "credited" for none. */
void credit_explain(unsigned withheld, char *text, size_t size);

#endif

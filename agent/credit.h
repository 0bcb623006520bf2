/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AGENT_CREDIT_H
#define SQS_ENTROPY_AGENT_CREDIT_H

#include <stddef.h>
#include <stdint.h>

/*
 * How many bits of entropy the kernel is told that the messages hold.  Pure.
 * One run credits CREDIT_BITS or nothing: less than what makes the kernel's
 * generator ready would let an attacker search the small remainder.
 */
#define CREDIT_BITS 256

/* What becomes of messages that no trusted producer signed. */
enum credit_unsigned {
	CREDIT_MIX,    /* mixed, credit 0 */
	CREDIT_CREDIT, /* credited with bits_per_byte */
	CREDIT_REFUSE  /* not used at all */
};

struct credit_policy {
	enum credit_unsigned unsigned_messages;
	double bits_per_byte; /* of unsigned messages, 0..8 */
};

/* Why a message got what it got. */
enum credit_verdict {
	CREDIT_GIVEN,
	CREDIT_NOT_SIGNED,  /* mixed without credit */
	CREDIT_REDELIVERED, /* mixed without credit: somebody may have it */
	CREDIT_REFUSED      /* not to be used */
};

struct credit_message {
	size_t payload_len;
	uint32_t receive_count; /* 0: unknown, which earns nothing */
};

/* *bits, whole ones, is 0 unless the verdict is CREDIT_GIVEN. */
enum credit_verdict credit_judge(const struct credit_policy *policy,
    const struct credit_message *message, unsigned *bits);

/* What is injected for a sum of bits: CREDIT_BITS, or 0 below that. */
unsigned credit_total(unsigned long sum);

/* A few words for people, never NULL. */
const char *credit_text(enum credit_verdict verdict);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "agent/offline/credit.h"

#define COUNT(a)  (sizeof(a) / sizeof(a)[0])
#define SIGNED_AT INT64_C(1795000000000)
#define LEN       512

/* A message, and what is known of it. */
struct facts {
	struct message m;
	struct verdict v;
};

static unsigned judge_facts(const struct credit_policy *policy,
    const struct facts *facts, unsigned *bits)
{
	struct verdict v = facts->v;

	v.bits = 12345;
	credit_judge(policy, &facts->m, &v);
	*bits = v.bits;
	return v.withheld;
}

/*
 * The policy once more, in other words: what a message fails to be, as the
 * names that the status shows, in their order.  The truth table below compares
 * it with credit_judge() for every combination.
 */
static const char *const trust_names[] = {
    [CREDIT_NO_SIGNATURE] = "not signed",
    [CREDIT_BAD_CLAIM] = "malformed claim",
    [CREDIT_UNKNOWN_KEY] = "producer not trusted",
    [CREDIT_BAD_SIGNATURE] = "bad signature",
};

static void name(char *text, size_t size, const char *reason)
{
	const size_t len = strlen(text);

	if (reason != NULL)
		(void)snprintf(text + len, size - len, "%s%s",
		    len > 0 ? ", " : "", reason);
}

static const char *time_name(int64_t sent, int64_t at)
{
	if (sent < 1)
		return "time of sending unknown";
	if (sent > at && (uint64_t)sent - (uint64_t)at > 300000)
		return "sent too long after signing";
	if (at > sent && (uint64_t)at - (uint64_t)sent > 300000)
		return "signed with a date in the future";
	return NULL;
}

static void expected_names(
    enum credit_unsigned policy, const struct facts *m, char *text, size_t size)
{
	const bool good = m->v.trust == CREDIT_SIGNED;
	const bool spared =
	    m->v.trust == CREDIT_NO_SIGNATURE && policy == CREDIT_CREDIT;

	text[0] = '\0';
	name(text, size, good || spared ? NULL : trust_names[m->v.trust]);
	name(text, size, good ? time_name(m->m.sent, m->v.claim.time) : NULL);
	name(text, size, m->m.receive_count == 1 ? NULL : "delivered before");
	name(text, size, m->v.seen ? "used before" : NULL);
	name(text, size, m->v.remembered ? NULL : "use cannot be remembered");
	name(text, size, !good && policy == CREDIT_REFUSE ? "refused" : NULL);
	name(text, size, text[0] == '\0' ? "credited" : NULL);
}

static unsigned expected_bits(
    const struct credit_policy *policy, const struct facts *m)
{
	double bits = m->v.trust == CREDIT_SIGNED
			  ? m->v.claim.bits
			  : policy->bits_per_byte * (double)m->m.payload_len;

	if (bits > (double)m->m.payload_len * 8)
		bits = (double)m->m.payload_len * 8;
	return (unsigned)bits;
}

static unsigned long combinations;
static unsigned long credited;

static void check(const struct credit_policy *policy, const struct facts *m)
{
	char names[256], got[256];
	unsigned bits;
	const unsigned withheld = judge_facts(policy, m, &bits);

	combinations++;
	expected_names(policy->unsigned_messages, m, names, sizeof names);
	credit_explain(withheld, got, sizeof got);
	if (strcmp(names, got) != 0)
		fail_msg("policy %d, trust %d, sent %lld, at %lld, count %u, "
			 "seen %d, remembered %d: \"%s\" instead of \"%s\"",
		    policy->unsigned_messages, m->v.trust, (long long)m->m.sent,
		    (long long)m->v.claim.time, m->m.receive_count, m->v.seen,
		    m->v.remembered, got, names);
	if (strcmp(names, "credited") == 0) {
		credited++;
		assert_int_equal(withheld, 0);
		assert_int_equal(bits, expected_bits(policy, m));
	} else {
		assert_int_not_equal(withheld, 0);
		assert_int_equal(bits, 0);
	}
}

/* Two of the table's dimensions: what the message's times are. */
static const int64_t sent_at[] = {INT64_MIN, -1, 0, 1, SIGNED_AT - 300001,
    SIGNED_AT - 300000, SIGNED_AT - 1, SIGNED_AT, SIGNED_AT + 1,
    SIGNED_AT + 300000, SIGNED_AT + 300001, INT64_MAX};
static const int64_t signed_at[] = {0, 1, SIGNED_AT, INT64_MAX};

static void check_times(const struct credit_policy *policy, struct facts *m)
{
	for (size_t i = 0; i < COUNT(sent_at); i++)
		for (size_t j = 0; j < COUNT(signed_at); j++) {
			m->m.sent = sent_at[i];
			m->v.claim.time = signed_at[j];
			check(policy, m);
		}
}

static void check_receipts(const struct credit_policy *policy, struct facts *m)
{
	static const uint32_t counts[] = {0, 1, 2, 3, UINT32_MAX};

	for (size_t i = 0; i < COUNT(counts); i++)
		for (int flags = 0; flags < 4; flags++) {
			m->m.receive_count = counts[i];
			m->v.seen = (flags & 1) != 0;
			m->v.remembered = (flags & 2) != 0;
			check_times(policy, m);
		}
}

static void check_claims(
    const struct credit_policy *policy, enum credit_trust trust)
{
	static const uint32_t claims[] = {
	    0, 1, 255, 256, 8 * LEN, 8 * LEN + 1, UINT32_MAX};

	for (size_t i = 0; i < COUNT(claims); i++) {
		struct facts m = {.m = {.payload_len = LEN},
		    .v = {.trust = trust, .claim = {.bits = claims[i]}}};

		check_receipts(policy, &m);
	}
}

static void credit_is_right_for_every_combination_of_conditions(void **state)
{
	static const double per_byte[] = {0, 0.3, 1, 8};

	(void)state;
	for (int policy = CREDIT_MIX; policy <= CREDIT_REFUSE; policy++)
		for (size_t i = 0; i < COUNT(per_byte); i++)
			for (int trust = CREDIT_NO_SIGNATURE;
			     trust <= CREDIT_SIGNED; trust++) {
				const struct credit_policy p = {
				    (enum credit_unsigned)policy, per_byte[i]};

				check_claims(&p, (enum credit_trust)trust);
			}
	assert_int_equal(combinations, 3 * COUNT(per_byte) * 5 * 7 * 5 * 4 *
					   COUNT(sent_at) * COUNT(signed_at));
	/* Of a signed message's times, those up to 300 s apart: 1 with 0 and
	 * 1, five around SIGNED_AT, and INT64_MAX; or the policy for what is
	 * not signed, at any time. */
	assert_int_equal(
	    credited, (3 * (2 + 5 + 1) + COUNT(sent_at) * COUNT(signed_at)) *
			  7 * COUNT(per_byte));
}

/* By the rule's own words, each alone. */
static const struct facts good = {
    .m = {.payload_len = LEN, .sent = SIGNED_AT + 1000, .receive_count = 1},
    .v = {.trust = CREDIT_SIGNED,
	.claim = {.bits = 512, .time = SIGNED_AT},
	.seen = false,
	.remembered = true}};
static const struct credit_policy mix = {CREDIT_MIX, 1};

static void each_condition_alone_withholds(void **state)
{
	struct facts m = good;
	unsigned bits;

	(void)state;
	assert_int_equal(judge_facts(&mix, &m, &bits), 0);
	assert_int_equal(bits, 512);
	m.v.trust = CREDIT_BAD_SIGNATURE;
	assert_int_equal(judge_facts(&mix, &m, &bits), CREDIT_SIGNATURE_BAD);
	m = good;
	m.m.sent = m.v.claim.time + CREDIT_FRESH_MS + 1;
	assert_int_equal(judge_facts(&mix, &m, &bits), CREDIT_STALE);
	m = good;
	m.m.receive_count = 2;
	assert_int_equal(judge_facts(&mix, &m, &bits), CREDIT_REDELIVERED);
	m = good;
	m.v.seen = true;
	assert_int_equal(judge_facts(&mix, &m, &bits), CREDIT_SEEN);
	m = good;
	m.v.remembered = false;
	assert_int_equal(judge_facts(&mix, &m, &bits), CREDIT_NOT_REMEMBERED);
	assert_int_equal(bits, 0);
}

/* A value that no version of the halves sends trusts nobody. */
static void a_trust_out_of_range_is_none(void **state)
{
	static const int odd[] = {-1, CREDIT_SIGNED + 1, INT_MAX};
	unsigned bits;

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		struct facts m = good;

		m.v.trust = (enum credit_trust)odd[i];
		assert_int_equal(
		    judge_facts(&mix, &m, &bits), CREDIT_SIGNATURE_BAD);
		assert_int_equal(bits, 0);
	}
}

static unsigned judge(enum credit_unsigned policy, double per_byte, size_t len,
    uint32_t receive_count, unsigned *bits)
{
	const struct credit_policy p = {policy, per_byte};
	const struct facts m = {
	    .m = {.payload_len = (uint32_t)len, .receive_count = receive_count},
	    .v = {.trust = CREDIT_NO_SIGNATURE, .remembered = true}};

	return judge_facts(&p, &m, bits);
}

static void unsigned_messages_follow_the_policy(void **state)
{
	unsigned bits;

	(void)state;
	assert_int_equal(
	    judge(CREDIT_MIX, 8, 512, 1, &bits), CREDIT_NOT_SIGNED);
	assert_int_equal(bits, 0);
	assert_int_equal(judge(CREDIT_REFUSE, 8, 512, 1, &bits),
	    CREDIT_NOT_SIGNED | CREDIT_REFUSED);
	assert_int_equal(bits, 0);
	assert_int_equal(judge(CREDIT_CREDIT, 1, 512, 1, &bits), 0);
	assert_int_equal(bits, 512);
	assert_int_equal(judge(CREDIT_CREDIT, 0.3, 512, 1, &bits), 0);
	assert_int_equal(bits, 153);
	assert_int_equal(judge(CREDIT_CREDIT, 0, 512, 1, &bits), 0);
	assert_int_equal(bits, 0);
}

static void a_redelivered_message_earns_nothing(void **state)
{
	static const uint32_t counts[] = {0, 2, 3, UINT32_MAX};
	unsigned bits;

	(void)state;
	for (size_t i = 0; i < COUNT(counts); i++) {
		assert_int_equal(judge(CREDIT_CREDIT, 8, 512, counts[i], &bits),
		    CREDIT_REDELIVERED);
		assert_int_equal(bits, 0);
	}
}

static void a_run_earns_256_bits_of_credit_or_none(void **state)
{
	(void)state;
	assert_int_equal(credit_total(0), 0);
	assert_int_equal(credit_total(255), 0);
	assert_int_equal(credit_total(256), 256);
	assert_int_equal(credit_total(257), 256);
	assert_int_equal(credit_total(ULONG_MAX), 256);
}

static void every_reason_has_a_name_of_its_own(void **state)
{
	char all[512], one[512];

	(void)state;
	credit_explain((1U << CREDIT_REASONS) - 1, all, sizeof all);
	for (unsigned i = 0; i < CREDIT_REASONS; i++) {
		credit_explain(1U << i, one, sizeof one);
		assert_string_equal(one, credit_reason(i));
		assert_string_not_equal(one, "unknown");
		assert_non_null(strstr(all, one));
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(one, credit_reason(k));
	}
	assert_string_equal(credit_reason(CREDIT_REASONS), "unknown");
}

static void a_short_room_cuts_the_explanation(void **state)
{
	char text[300];

	(void)state;
	for (size_t size = 1; size < sizeof text; size++) {
		memset(text, '#', sizeof text);
		credit_explain((1U << CREDIT_REASONS) - 1, text, size);
		assert_non_null(memchr(text, '\0', size));
		for (size_t i = size; i < sizeof text; i++)
			assert_int_equal(text[i], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		credit_is_right_for_every_combination_of_conditions),
	    cmocka_unit_test(each_condition_alone_withholds),
	    cmocka_unit_test(a_trust_out_of_range_is_none),
	    cmocka_unit_test(unsigned_messages_follow_the_policy),
	    cmocka_unit_test(a_redelivered_message_earns_nothing),
	    cmocka_unit_test(a_run_earns_256_bits_of_credit_or_none),
	    cmocka_unit_test(every_reason_has_a_name_of_its_own),
	    cmocka_unit_test(a_short_room_cuts_the_explanation),
	};

	return cmocka_run_group_tests_name("agent credit", tests, NULL, NULL);
}

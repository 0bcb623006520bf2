/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aid/confine.h"
#include "aid/hex.h"
#include "aid/memory.h"
#include "aid/sign_once.h"
#include "base/err.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#define KEY      "v=1;key=0123456789abcdef"
#define GOOD     KEY ";seq=7;time=1700000000000;bits=512;seal=none"

/* ---- what is signed */

static struct message *make_message(
    const char *entropy, const void *payload, size_t len)
{
	struct message *m = calloc(1, sizeof *m);

	assert_non_null(m);
	m->entropy_len = (uint32_t)strlen(entropy);
	memcpy(m->entropy, entropy, m->entropy_len);
	m->payload_len = (uint32_t)len;
	memcpy(m->payload, payload, len);
	return m;
}

static struct buf *signed_bytes(
    const char *entropy, const char *arn, const void *payload, size_t len)
{
	struct buf *out;
	struct message *m = make_message(entropy, payload, len);

	assert_int_equal(message_signed_bytes(m, arn, &out), 0);
	free(m);
	return out;
}

static void the_domain_and_each_field_with_its_length_are_signed(void **state)
{
	static const uint8_t expected[] =
	    "sqs-entropy message v1\0"
	    "\0\0\0\003v=1\0\0\0\004/1/q\0\0\0\003\001\0\377";
	struct buf *out = signed_bytes("v=1", "/1/q", "\001\0\377", 3);

	(void)state;
	assert_int_equal(buf_len(out), sizeof expected - 1);
	assert_memory_equal(buf_data(out), expected, sizeof expected - 1);
	buf_free(out);
}

/* The same characters with the borders elsewhere are other bytes. */
static void a_border_between_fields_cannot_be_moved(void **state)
{
	static const struct {
		const char *entropy, *arn, *payload;
	} cases[] = {{"abc", "/d/e", "fgh"}, {"abc/", "d/e", "fgh"},
	    {"ab", "c/d/e", "fgh"}, {"abc", "/d/ef", "gh"},
	    {"abc", "/d/", "efgh"}, {"abc/d/efgh", "", ""},
	    {"", "abc/d/efgh", ""}, {"", "", "abc/d/efgh"},
	    {"abc", "/d/efgh", ""}, {"abc/d/e", "", "fgh"}};
	struct buf *out[COUNT(cases)];
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		out[i] = signed_bytes(cases[i].entropy, cases[i].arn,
		    cases[i].payload, strlen(cases[i].payload));
	for (i = 0; i < COUNT(cases); i++)
		for (j = 0; j < i; j++) {
			assert_int_equal(buf_len(out[i]), buf_len(out[j]));
			assert_memory_not_equal(buf_data(out[i]),
			    buf_data(out[j]), buf_len(out[i]));
		}
	for (i = 0; i < COUNT(cases); i++)
		buf_free(out[i]);
}

/* A field that holds what looks like the next one's length. */
static void a_length_inside_a_field_is_not_taken_for_one(void **state)
{
	static const char inside[] = "v\0\0\0\002/q\0\0\0\002xy";
	struct buf *out;
	struct buf *other = signed_bytes("v", "/q", "xy", 2);
	struct message *m = make_message("", "", 0);

	(void)state;
	memcpy(m->entropy, inside, sizeof inside - 1);
	m->entropy_len = sizeof inside - 1;
	assert_int_equal(message_signed_bytes(m, "", &out), 0);
	assert_int_not_equal(buf_len(out), buf_len(other));
	free(m);
	buf_free(out);
	buf_free(other);
}

static int try_signed_bytes(const struct message *m, const char *arn)
{
	struct buf *out;
	const int rc = message_signed_bytes(m, arn, &out);

	assert_int_equal(rc == 0, out != NULL);
	buf_free(out);
	return rc;
}

static void fields_too_long_to_be_signed_are_refused(void **state)
{
	char arn[ARN_TEXT_MAX + 1] = "";
	struct message *m = make_message("", "", 0);

	(void)state;
	memset(arn, 'x', ARN_TEXT_MAX - 1);
	m->entropy_len = MESSAGE_ENTROPY_MAX;
	m->payload_len = MESSAGE_PAYLOAD_MAX;
	assert_int_equal(try_signed_bytes(m, arn), 0);
	m->entropy_len++;
	assert_int_equal(try_signed_bytes(m, arn), ERR_LIMIT);
	m->entropy_len = 1;
	m->payload_len++;
	assert_int_equal(try_signed_bytes(m, arn), ERR_LIMIT);
	m->payload_len = UINT32_MAX;
	assert_int_equal(try_signed_bytes(m, arn), ERR_LIMIT);
	m->payload_len = 1;
	arn[ARN_TEXT_MAX - 1] = 'x';
	assert_int_equal(try_signed_bytes(m, arn), ERR_LIMIT);
	free(m);
}

/* ---- signatures */

struct signed_message {
	uint8_t secret[KEYS_LEN], key[KEYS_LEN];
	char arn[sizeof "arn:aws:sqs:eu-west-1:123456789012:q.fifo"];
	struct message m;
};

static struct signed_message make_signed(void)
{
	struct signed_message s = {
	    .arn = "arn:aws:sqs:eu-west-1:123456789012:q.fifo",
	    .m = {.payload_len = 64}};

	message_set_claim(&s.m, GOOD);
	for (size_t i = 0; i < s.m.payload_len; i++)
		s.m.payload[i] = (uint8_t)(251 * i);
	assert_int_equal(keys_random(s.secret, sizeof s.secret), 0);
	assert_int_equal(keys_ed25519_public(s.key, s.secret), 0);
	assert_int_equal(sign_once(&s.m, s.arn, s.secret), 0);
	assert_int_equal(s.m.signature_len, MESSAGE_SIGNATURE_LEN);
	return s;
}

static int verify(const struct signed_message *s)
{
	return message_verify(&s->m, s->arn, s->key);
}

/* Both put all of it into one text. */
static void what_was_signed_or_verified_is_wiped(void **state)
{
	struct signed_message s;
	struct buf *text, *copy;

	(void)state;
	SKIP_IF(confine_aid_valgrind(), "valgrind's memory is looked at, too");
	s = make_signed();
	copy = buf_new(256);
	assert_non_null(copy);
	assert_int_equal(verify(&s), 0);
	text = signed_bytes(s.m.entropy, s.arn, s.m.payload, 64);
	assert_int_equal(
	    memory_count(getpid(), buf_data(text), buf_len(text)), 0);
	/* The look would see it. */
	assert_int_equal(buf_add(copy, buf_data(text), buf_len(text)), 0);
	assert_int_equal(
	    memory_count(getpid(), buf_data(text), buf_len(text)), 1);
	buf_free(copy);
	buf_free(text);
}

static void refuse_each_bit(struct signed_message *s, void *at, size_t len)
{
	size_t bit;

	for (bit = 0; bit < 8 * len; bit++) {
		hex_flip(at, bit);
		assert_int_equal(verify(s), ERR_DENIED);
		hex_flip(at, bit);
	}
	assert_int_equal(verify(s), 0);
}

static void a_signature_fails_with_any_bit_flipped(void **state)
{
	struct signed_message s = make_signed();

	(void)state;
	refuse_each_bit(&s, s.m.signature, sizeof s.m.signature);
	refuse_each_bit(&s, s.key, sizeof s.key);
	refuse_each_bit(&s, s.m.entropy, s.m.entropy_len);
	refuse_each_bit(&s, s.arn, strlen(s.arn));
	refuse_each_bit(&s, s.m.payload, s.m.payload_len);
}

static void a_signature_fails_for_a_cut_or_swapped_part(void **state)
{
	struct signed_message s = make_signed(), other = make_signed();

	(void)state;
	s.m.payload_len--;
	assert_int_equal(verify(&s), ERR_DENIED);
	s.m.payload_len = 0;
	assert_int_equal(verify(&s), ERR_DENIED);
	s.m.payload_len = 64;
	s.arn[strlen(s.arn) - 1] = '\0';
	assert_int_equal(verify(&s), ERR_DENIED);
	memcpy(s.arn, other.arn, sizeof s.arn);
	assert_int_equal(verify(&s), 0);
	memcpy(s.key, other.key, sizeof s.key);
	assert_int_equal(verify(&s), ERR_DENIED);
	memcpy(s.m.signature, other.m.signature, sizeof s.m.signature);
	assert_int_equal(verify(&s), 0);
	s.m.signature_len = 0;
	assert_int_equal(verify(&s), ERR_DENIED);
}

/* Ed25519 of the payload alone, or without the domain, is none. */
static void a_signature_without_the_domain_is_none(void **state)
{
	struct signed_message s = make_signed();
	struct buf *text =
	    signed_bytes(s.m.entropy, s.arn, s.m.payload, s.m.payload_len);
	const size_t domain = sizeof MESSAGE_DOMAIN;

	(void)state;
	assert_int_equal(keys_ed25519_sign(s.m.signature, s.secret,
			     buf_data(text), buf_len(text)),
	    0);
	assert_int_equal(verify(&s), 0);
	assert_int_equal(keys_ed25519_sign(s.m.signature, s.secret,
			     buf_data(text) + domain, buf_len(text) - domain),
	    0);
	assert_int_equal(verify(&s), ERR_DENIED);
	assert_int_equal(keys_ed25519_sign(s.m.signature, s.secret, s.m.payload,
			     s.m.payload_len),
	    0);
	assert_int_equal(verify(&s), ERR_DENIED);
	buf_free(text);
}

/* Too long to have been signed: refused as forged, not as a failure of ours
 * that might end the run. */
static void what_is_too_long_to_be_signed_is_refused_as_forged(void **state)
{
	struct signed_message s = make_signed();
	char text[ARN_TEXT_MAX + 1] = "";

	(void)state;
	memset(text, 'x', sizeof text - 1);
	assert_int_equal(message_verify(&s.m, text, s.key), ERR_DENIED);
	s.m.entropy_len = MESSAGE_ENTROPY_MAX + 1;
	assert_int_equal(verify(&s), ERR_DENIED);
	s.m.entropy_len = 5;
	s.m.payload_len = MESSAGE_PAYLOAD_MAX + 1;
	assert_int_equal(verify(&s), ERR_DENIED);
	assert_int_equal(sign_once(&s.m, s.arn, s.secret), ERR_LIMIT);
	assert_int_equal(s.m.signature_len, 0);
	s.m.payload_len = MESSAGE_PAYLOAD_MAX;
	assert_int_equal(sign_once(&s.m, s.arn, s.secret), 0);
	assert_int_equal(verify(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_domain_and_each_field_with_its_length_are_signed),
	    cmocka_unit_test(a_border_between_fields_cannot_be_moved),
	    cmocka_unit_test(a_length_inside_a_field_is_not_taken_for_one),
	    cmocka_unit_test(fields_too_long_to_be_signed_are_refused),
	    cmocka_unit_test(what_was_signed_or_verified_is_wiped),
	    cmocka_unit_test(a_signature_fails_with_any_bit_flipped),
	    cmocka_unit_test(a_signature_fails_for_a_cut_or_swapped_part),
	    cmocka_unit_test(a_signature_without_the_domain_is_none),
	    cmocka_unit_test(
		what_is_too_long_to_be_signed_is_refused_as_forged)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

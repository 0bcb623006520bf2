/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aid/hex.h"
#include "base/err.h"
#include "message/sign.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#define KEY      "v=1;key=0123456789abcdef"
#define GOOD     KEY ";seq=7;time=1700000000000;bits=512;seal=none"

/* ---- what is signed */

static struct buf *signed_bytes(
    const char *entropy, const char *path, const void *payload, size_t len)
{
	struct buf *out = buf_new(MESSAGE_SIGNED_MAX);

	assert_non_null(out);
	assert_int_equal(message_signed_bytes(out, entropy, strlen(entropy),
			     path, strlen(path), payload, len),
	    0);
	return out;
}

static void test_signed_bytes(void **state)
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
static void test_borders(void **state)
{
	static const struct {
		const char *entropy, *path, *payload;
	} cases[] = {{"abc", "/d/e", "fgh"}, {"abc/", "d/e", "fgh"},
	    {"ab", "c/d/e", "fgh"}, {"abc", "/d/ef", "gh"},
	    {"abc", "/d/", "efgh"}, {"abc/d/efgh", "", ""},
	    {"", "abc/d/efgh", ""}, {"", "", "abc/d/efgh"},
	    {"abc", "/d/efgh", ""}, {"abc/d/e", "", "fgh"}};
	struct buf *out[COUNT(cases)];
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		out[i] = signed_bytes(cases[i].entropy, cases[i].path,
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
static void test_length_inside(void **state)
{
	static const char inside[] = "v\0\0\0\002/q\0\0\0\002xy";
	struct buf *out = buf_new(MESSAGE_SIGNED_MAX);
	struct buf *other = signed_bytes("v", "/q", "xy", 2);

	(void)state;
	assert_non_null(out);
	assert_int_equal(message_signed_bytes(out, inside, sizeof inside - 1,
			     "", 0, (const uint8_t *)"", 0),
	    0);
	assert_int_not_equal(buf_len(out), buf_len(other));
	buf_free(out);
	buf_free(other);
}

static void test_signed_limits(void **state)
{
	static char text[MESSAGE_PAYLOAD_MAX + 1];
	const uint8_t *payload = (const uint8_t *)text;
	struct buf *out = buf_new(MESSAGE_SIGNED_MAX);
	struct buf *small = buf_new(60);

	(void)state;
	assert_non_null(out);
	assert_non_null(small);
	assert_int_equal(
	    message_signed_bytes(out, text, MESSAGE_ENTROPY_MAX, text,
		MESSAGE_PATH_MAX, payload, MESSAGE_PAYLOAD_MAX),
	    0);
	buf_reset(out);
	assert_int_equal(message_signed_bytes(out, text,
			     MESSAGE_ENTROPY_MAX + 1, text, 1, payload, 1),
	    ERR_LIMIT);
	assert_int_equal(message_signed_bytes(out, text, 1, text,
			     MESSAGE_PATH_MAX + 1, payload, 1),
	    ERR_LIMIT);
	assert_int_equal(message_signed_bytes(out, text, 1, text, 1, payload,
			     MESSAGE_PAYLOAD_MAX + 1),
	    ERR_LIMIT);
	assert_int_equal(message_signed_bytes(
			     out, text, 1, text, 1, payload, SIZE_MAX / 2 + 2),
	    ERR_LIMIT);
	assert_int_equal(buf_len(out), 0);
	assert_int_equal(buf_add(small, "kept", 4), 0);
	assert_int_equal(
	    message_signed_bytes(small, text, 9, text, 9, payload, 9),
	    ERR_LIMIT);
	assert_true(buf_equals(small, "kept"));
	buf_free(small);
	buf_free(out);
}

/* ---- signatures */

struct signed_message {
	uint8_t secret[KEYS_LEN], key[KEYS_LEN];
	uint8_t signature[MESSAGE_SIGNATURE_LEN];
	char entropy[sizeof GOOD], path[sizeof "/123456789012/q.fifo"];
	uint8_t payload[64];
	size_t len;
};

static struct signed_message make_message(void)
{
	struct signed_message m = {.entropy = GOOD,
	    .path = "/123456789012/q.fifo",
	    .len = sizeof m.payload};
	size_t i;

	for (i = 0; i < sizeof m.payload; i++)
		m.payload[i] = (uint8_t)(251 * i);
	assert_int_equal(keys_random(m.secret, sizeof m.secret), 0);
	assert_int_equal(keys_ed25519_public(m.key, m.secret), 0);
	assert_int_equal(message_sign(m.signature, m.secret, m.entropy, m.path,
			     m.payload, m.len),
	    0);
	return m;
}

static int verify(const struct signed_message *m)
{
	return message_verify(
	    m->signature, m->key, m->entropy, m->path, m->payload, m->len);
}

static void refuse_each_bit(struct signed_message *m, void *at, size_t len)
{
	size_t bit;

	for (bit = 0; bit < 8 * len; bit++) {
		hex_flip(at, bit);
		assert_int_equal(verify(m), ERR_DENIED);
		hex_flip(at, bit);
	}
	assert_int_equal(verify(m), 0);
}

static void test_flipped_bits(void **state)
{
	struct signed_message m = make_message();

	(void)state;
	refuse_each_bit(&m, m.signature, sizeof m.signature);
	refuse_each_bit(&m, m.key, sizeof m.key);
	refuse_each_bit(&m, m.entropy, strlen(m.entropy));
	refuse_each_bit(&m, m.path, strlen(m.path));
	refuse_each_bit(&m, m.payload, m.len);
}

static void test_cut_and_swapped(void **state)
{
	struct signed_message m = make_message(), other = make_message();

	(void)state;
	m.len--;
	assert_int_equal(verify(&m), ERR_DENIED);
	m.len = 0;
	assert_int_equal(verify(&m), ERR_DENIED);
	m.len = sizeof m.payload;
	m.path[strlen(m.path) - 1] = '\0';
	assert_int_equal(verify(&m), ERR_DENIED);
	memcpy(m.path, other.path, sizeof m.path);
	assert_int_equal(verify(&m), 0);
	memcpy(m.key, other.key, sizeof m.key);
	assert_int_equal(verify(&m), ERR_DENIED);
	memcpy(m.signature, other.signature, sizeof m.signature);
	assert_int_equal(verify(&m), 0);
}

/* Ed25519 of the payload alone, or without the domain, is none. */
static void test_domain(void **state)
{
	struct signed_message m = make_message();
	struct buf *text = signed_bytes(m.entropy, m.path, m.payload, m.len);
	const size_t domain = sizeof MESSAGE_DOMAIN;

	(void)state;
	assert_int_equal(keys_ed25519_sign(m.signature, m.secret,
			     buf_data(text), buf_len(text)),
	    0);
	assert_int_equal(verify(&m), 0);
	assert_int_equal(keys_ed25519_sign(m.signature, m.secret,
			     buf_data(text) + domain, buf_len(text) - domain),
	    0);
	assert_int_equal(verify(&m), ERR_DENIED);
	assert_int_equal(
	    keys_ed25519_sign(m.signature, m.secret, m.payload, m.len), 0);
	assert_int_equal(verify(&m), ERR_DENIED);
	buf_free(text);
}

/* Too long to have been signed: refused as forged, not as a failure of ours
 * that might end the run. */
static void test_too_long(void **state)
{
	struct signed_message m = make_message();
	static uint8_t large[MESSAGE_PAYLOAD_MAX + 1];
	char text[MESSAGE_PATH_MAX + 2] = "";

	(void)state;
	memset(text, 'x', sizeof text - 1);
	assert_int_equal(
	    message_verify(m.signature, m.key, text, m.path, m.payload, m.len),
	    ERR_DENIED);
	assert_int_equal(message_verify(m.signature, m.key, m.entropy, text,
			     m.payload, m.len),
	    ERR_DENIED);
	assert_int_equal(message_verify(m.signature, m.key, m.entropy, m.path,
			     large, sizeof large),
	    ERR_DENIED);
	assert_int_equal(message_sign(m.signature, m.secret, m.entropy, m.path,
			     large, sizeof large),
	    ERR_LIMIT);
	assert_int_equal(message_sign(m.signature, m.secret, m.entropy, m.path,
			     large, MESSAGE_PAYLOAD_MAX),
	    0);
	assert_int_equal(message_verify(m.signature, m.key, m.entropy, m.path,
			     large, MESSAGE_PAYLOAD_MAX),
	    0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_signed_bytes),
	    cmocka_unit_test(test_borders),
	    cmocka_unit_test(test_length_inside),
	    cmocka_unit_test(test_signed_limits),
	    cmocka_unit_test(test_flipped_bits),
	    cmocka_unit_test(test_cut_and_swapped),
	    cmocka_unit_test(test_domain), cmocka_unit_test(test_too_long)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

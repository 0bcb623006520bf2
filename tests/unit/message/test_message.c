/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "message/message.h"

struct fixture {
	uint8_t bytes[MESSAGE_PAYLOAD_MAX + 1];
	struct message m, back;
	char body[BASE64_LEN(MESSAGE_PAYLOAD_MAX + 1) + 3];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	size_t i;

	*state = f;
	if (f == NULL)
		return -1;
	for (i = 0; i < sizeof f->bytes; i++)
		f->bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	memcpy(f->m.payload, f->bytes, sizeof f->m.payload);
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static int encode(struct fixture *f, size_t len)
{
	f->m.payload_len = (uint32_t)len;
	return message_to_body(&f->m, f->body);
}

static int decode(struct fixture *f, size_t len)
{
	f->back.payload_len = 99;
	return message_from_body(&f->back, f->body, len);
}

static void a_payload_of_allowed_length_is_encoded_and_decoded(void **state)
{
	static const size_t lengths[] = {MESSAGE_PAYLOAD_MIN,
	    MESSAGE_PAYLOAD_MIN + 1, MESSAGE_PAYLOAD_MIN + 2, 512,
	    MESSAGE_PAYLOAD_MAX - 1, MESSAGE_PAYLOAD_MAX};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		size_t len = lengths[i];

		assert_int_equal(encode(f, len), 0);
		assert_int_equal(strlen(f->body), BASE64_LEN(len));
		assert_true(strlen(f->body) <= MESSAGE_BODY_MAX);
		assert_int_equal(decode(f, strlen(f->body)), 0);
		assert_int_equal(f->back.payload_len, len);
		assert_memory_equal(f->back.payload, f->bytes, len);
	}
}

static void a_payload_of_another_length_is_not_encoded(void **state)
{
	static const size_t lengths[] = {
	    0, 1, MESSAGE_PAYLOAD_MIN - 1, MESSAGE_PAYLOAD_MAX + 1, UINT32_MAX};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
		assert_int_equal(encode(f, lengths[i]), ERR_LIMIT);
	assert_int_equal(f->body[0], 0);
}

static void assert_wiped(const struct fixture *f)
{
	size_t i;

	for (i = 0; i < sizeof f->back.payload; i++)
		assert_int_equal(f->back.payload[i], 0);
}

static void a_payload_of_another_length_is_not_decoded(void **state)
{
	static const size_t lengths[] = {
	    0, 1, MESSAGE_PAYLOAD_MIN - 1, MESSAGE_PAYLOAD_MAX + 1};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		base64_encode(f->body, f->bytes, lengths[i]);
		assert_int_equal(decode(f, strlen(f->body)), ERR_LIMIT);
		assert_int_equal(f->back.payload_len, 0);
		assert_wiped(f);
	}
	assert_int_equal(message_from_body(&f->back, "\n", 1), ERR_LIMIT);
	assert_int_equal(decode(f, SIZE_MAX & ~(size_t)3), ERR_LIMIT);
}

/* Of the line ends only one final line feed is a shell's. */
static void one_final_line_feed_is_accepted_and_nothing_else(void **state)
{
	static const char *const bad[] = {"\n\n", "\r\n", "\r", " ", "\n "};
	struct fixture *f = *state;
	size_t i, len;

	assert_int_equal(encode(f, 512), 0);
	len = strlen(f->body);
	f->body[len] = '\n';
	assert_int_equal(decode(f, len + 1), 0);
	assert_int_equal(f->back.payload_len, 512);
	assert_memory_equal(f->back.payload, f->bytes, 512);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memcpy(f->body + len, bad[i], strlen(bad[i]) + 1);
		assert_int_equal(decode(f, len + strlen(bad[i])), ERR_FORMAT);
	}
	f->body[len] = '\0';
	memmove(f->body + 1, f->body, len + 1);
	f->body[0] = '\n';
	assert_int_equal(decode(f, len + 1), ERR_FORMAT);
}

/* A largest message with its line feed, as a shell sends it. */
static void the_largest_message_may_end_in_a_line_feed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(encode(f, MESSAGE_PAYLOAD_MAX), 0);
	f->body[MESSAGE_BODY_MAX] = '\n';
	assert_int_equal(decode(f, MESSAGE_BODY_MAX + 1), 0);
	assert_int_equal(f->back.payload_len, MESSAGE_PAYLOAD_MAX);
}

static void a_body_that_is_not_base64_is_refused(void **state)
{
	struct fixture *f = *state;
	size_t i, len;

	assert_int_equal(encode(f, 64), 0);
	len = strlen(f->body);
	for (i = 0; i < len; i++) {
		char was = f->body[i];

		f->body[i] = '!';
		assert_int_equal(decode(f, len), ERR_FORMAT);
		assert_int_equal(f->back.payload_len, 0);
		assert_wiped(f);
		f->body[i] = was;
	}
	for (i = 1; i < 4; i++)
		assert_int_equal(decode(f, len - i), ERR_FORMAT);
	assert_int_equal(
	    message_from_body(&f->back, "{\"not\":\"base64\"}", 16),
	    ERR_FORMAT);
}

/* ---- records */

static int take(struct fixture *f, size_t len)
{
	return message_take_record(&f->m, len);
}

static void a_record_is_taken_when_its_lengths_add_up(void **state)
{
	struct fixture *f = *state;
	const size_t head = offsetof(struct message, payload);
	static const struct {
		uint32_t entropy, signature, payload;
		size_t sent;
		int rc;
	} cases[] = {{0, 0, 512, 512, 0}, {255, 64, 16384, 16384, 0},
	    {1, 0, 32, 32, 0}, {0, 64, 32, 32, 0}, {0, 0, 512, 511, ERR_FORMAT},
	    {0, 0, 512, 513, ERR_FORMAT}, {0, 0, 31, 31, ERR_FORMAT},
	    {0, 0, 0, 0, ERR_FORMAT}, {0, 0, 16385, 16385, ERR_FORMAT},
	    {0, 0, UINT32_MAX, 64, ERR_FORMAT}, {256, 0, 64, 64, ERR_FORMAT},
	    {UINT32_MAX, 0, 64, 64, ERR_FORMAT}, {0, 65, 64, 64, ERR_FORMAT},
	    {0, 63, 64, 64, ERR_FORMAT}, {0, 1, 64, 64, ERR_FORMAT},
	    {0, UINT32_MAX, 64, 64, ERR_FORMAT}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		f->m.entropy_len = cases[i].entropy;
		f->m.signature_len = cases[i].signature;
		f->m.payload_len = cases[i].payload;
		memset(f->m.entropy, 'x', sizeof f->m.entropy);
		assert_int_equal(take(f, head + cases[i].sent), cases[i].rc);
		if (cases[i].rc == 0)
			assert_int_equal(
			    strlen(f->m.entropy), cases[i].entropy);
	}
	f->m.payload_len = 64;
	for (size_t len = 0; len < head; len++)
		assert_int_equal(take(f, len), ERR_FORMAT);
}

static void a_claim_that_is_too_long_is_none_and_not_absent(void **state)
{
	struct fixture *f = *state;
	char text[MESSAGE_ENTROPY_MAX + 2];

	memset(text, 'v', sizeof text);
	text[MESSAGE_ENTROPY_MAX + 1] = '\0';
	message_set_claim(&f->m, text);
	assert_int_equal(f->m.entropy_len, 1);
	assert_string_equal(f->m.entropy, "v");
	text[MESSAGE_ENTROPY_MAX] = '\0';
	message_set_claim(&f->m, text);
	assert_int_equal(f->m.entropy_len, MESSAGE_ENTROPY_MAX);
	assert_string_equal(f->m.entropy, text);
	message_set_claim(&f->m, "");
	assert_int_equal(f->m.entropy_len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_payload_of_allowed_length_is_encoded_and_decoded, setup,
		teardown),
	    cmocka_unit_test_setup_teardown(
		a_payload_of_another_length_is_not_encoded, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_payload_of_another_length_is_not_decoded, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		one_final_line_feed_is_accepted_and_nothing_else, setup,
		teardown),
	    cmocka_unit_test_setup_teardown(
		the_largest_message_may_end_in_a_line_feed, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_body_that_is_not_base64_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_record_is_taken_when_its_lengths_add_up, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_claim_that_is_too_long_is_none_and_not_absent, setup,
		teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

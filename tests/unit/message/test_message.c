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
	uint8_t payload[MESSAGE_PAYLOAD_MAX + 1];
	uint8_t back[MESSAGE_PAYLOAD_MAX];
	char body[BASE64_LEN(MESSAGE_PAYLOAD_MAX + 1) + 3];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	size_t i;

	*state = f;
	if (f == NULL)
		return -1;
	for (i = 0; i < sizeof f->payload; i++)
		f->payload[i] = (uint8_t)(i * 7 + (i >> 8));
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void test_lengths_allowed(void **state)
{
	static const size_t lengths[] = {MESSAGE_PAYLOAD_MIN,
	    MESSAGE_PAYLOAD_MIN + 1, MESSAGE_PAYLOAD_MIN + 2,
	    MESSAGE_PAYLOAD_DEFAULT, MESSAGE_PAYLOAD_MAX - 1,
	    MESSAGE_PAYLOAD_MAX};
	struct fixture *f = *state;
	size_t i, got;

	for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		size_t len = lengths[i];

		assert_int_equal(message_encode(f->body, f->payload, len), 0);
		assert_int_equal(strlen(f->body), BASE64_LEN(len));
		assert_true(strlen(f->body) <= MESSAGE_BODY_MAX);
		assert_int_equal(
		    message_decode(f->back, &got, f->body, strlen(f->body)), 0);
		assert_int_equal(got, len);
		assert_memory_equal(f->back, f->payload, len);
	}
}

static void test_encode_refuses_lengths(void **state)
{
	static const size_t lengths[] = {
	    0, 1, MESSAGE_PAYLOAD_MIN - 1, MESSAGE_PAYLOAD_MAX + 1, SIZE_MAX};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
		assert_int_equal(
		    message_encode(f->body, f->payload, lengths[i]), ERR_LIMIT);
	assert_int_equal(f->body[0], 0);
}

static void assert_wiped(const struct fixture *f)
{
	size_t i;

	for (i = 0; i < sizeof f->back; i++)
		assert_int_equal(f->back[i], 0);
}

static void test_decode_refuses_lengths(void **state)
{
	static const size_t lengths[] = {
	    0, 1, MESSAGE_PAYLOAD_MIN - 1, MESSAGE_PAYLOAD_MAX + 1};
	struct fixture *f = *state;
	size_t i, got;

	for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		got = 99;
		base64_encode(f->body, f->payload, lengths[i]);
		assert_int_equal(
		    message_decode(f->back, &got, f->body, strlen(f->body)),
		    ERR_LIMIT);
		assert_int_equal(got, 0);
		assert_wiped(f);
	}
	assert_int_equal(message_decode(f->back, &got, "\n", 1), ERR_LIMIT);
	assert_int_equal(
	    message_decode(f->back, &got, f->body, SIZE_MAX & ~(size_t)3),
	    ERR_LIMIT);
}

/* Of the line ends only one final line feed is a shell's. */
static void test_final_line_feed(void **state)
{
	static const char *const bad[] = {"\n\n", "\r\n", "\r", " ", "\n "};
	struct fixture *f = *state;
	size_t i, got, len;

	assert_int_equal(message_encode(f->body, f->payload, 512), 0);
	len = strlen(f->body);
	f->body[len] = '\n';
	assert_int_equal(message_decode(f->back, &got, f->body, len + 1), 0);
	assert_int_equal(got, 512);
	assert_memory_equal(f->back, f->payload, 512);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memcpy(f->body + len, bad[i], strlen(bad[i]) + 1);
		assert_int_equal(message_decode(f->back, &got, f->body,
				     len + strlen(bad[i])),
		    ERR_FORMAT);
	}
	f->body[len] = '\0';
	memmove(f->body + 1, f->body, len + 1);
	f->body[0] = '\n';
	assert_int_equal(
	    message_decode(f->back, &got, f->body, len + 1), ERR_FORMAT);
}

/* A largest message with its line feed, as a shell sends it. */
static void test_largest_with_line_feed(void **state)
{
	struct fixture *f = *state;
	size_t got;

	assert_int_equal(
	    message_encode(f->body, f->payload, MESSAGE_PAYLOAD_MAX), 0);
	f->body[MESSAGE_BODY_MAX] = '\n';
	assert_int_equal(
	    message_decode(f->back, &got, f->body, MESSAGE_BODY_MAX + 1), 0);
	assert_int_equal(got, MESSAGE_PAYLOAD_MAX);
}

static void test_malformed(void **state)
{
	struct fixture *f = *state;
	size_t i, got, len;

	assert_int_equal(message_encode(f->body, f->payload, 64), 0);
	len = strlen(f->body);
	for (i = 0; i < len; i++) {
		char was = f->body[i];

		f->body[i] = '!';
		assert_int_equal(
		    message_decode(f->back, &got, f->body, len), ERR_FORMAT);
		assert_int_equal(got, 0);
		assert_wiped(f);
		f->body[i] = was;
	}
	for (i = 1; i < 4; i++)
		assert_int_equal(
		    message_decode(f->back, &got, f->body, len - i),
		    ERR_FORMAT);
	assert_int_equal(
	    message_decode(f->back, &got, "{\"not\":\"base64\"}", 16),
	    ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_lengths_allowed, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_encode_refuses_lengths, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_decode_refuses_lengths, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_final_line_feed, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_largest_with_line_feed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_malformed, setup, teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

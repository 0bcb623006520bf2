/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/random.h>
#include <string.h>
#include <sys/ioctl.h>

#include "agent/offline/deliver.h"
#include "aid/logged.h"
#include "aid/offline_bench.h"

#define INSTANCE "i-0123456789abcdef0"

/* What the pool was given last by RNDADDENTROPY, and what had been written to
 * it then. */
static struct {
	off_t at; /* -1: it was given nothing */
	int bits; /* of credit */
	size_t len;
	uint8_t bytes[1024];
} injected;

static int take(int fd, unsigned long request, const void *argument)
{
	const struct rand_pool_info *given = argument;

	if (request != RNDADDENTROPY)
		return 0;
	injected.at = lseek(fd, 0, SEEK_END);
	injected.bits = given->entropy_count;
	injected.len = (size_t)given->buf_size;
	assert_in_range(injected.len, 1, sizeof injected.bytes);
	memcpy(injected.bytes, given->buf, injected.len);
	return 0;
}

/* The linker calls ours (--wrap in tests/rules.mk), on 32 bits by the second
 * name. */
int __wrap_ioctl(int fd, unsigned long request, const void *argument);
int __wrap_ioctl(int fd, unsigned long request, const void *argument)
{
	return take(fd, request, argument);
}

int __wrap___ioctl_time64(int fd, unsigned long request, const void *argument);
int __wrap___ioctl_time64(int fd, unsigned long request, const void *argument)
{
	return take(fd, request, argument);
}

static void open_pool(struct bench *b)
{
	sink_close(&b->offline.sink);
	b->offline.sink = (struct sink){.kernel = true,
	    .name = "pool",
	    .fd = open(
		keys_path(b->keys, "pool"), O_RDWR | O_CREAT | O_TRUNC, 0600)};
	assert_true(b->offline.sink.fd >= 0);
	injected.at = -1;
}

static void send_instance(const struct bench *b)
{
	struct record_identity id = {.len = strlen(INSTANCE)};

	memcpy(id.text, INSTANCE, strlen(INSTANCE));
	send_raw(b, RECORD_IDENTITY, &id, sizeof id);
}

static int64_t to_ns(struct timespec t)
{
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Two clones of a machine differ in what is mixed first, and nothing else. */
static void check_mixed(const struct bench *b, const struct timespec before[2])
{
	static const char *const files[] = {"/proc/sys/kernel/random/boot_id",
	    "/etc/machine-id", "/sys/class/dmi/id/board_asset_tag"};
	uint8_t mixed[1024], one[256];
	struct timespec now[2], after;
	size_t len, one_len;

	assert_int_equal(
	    file_read(keys_path(b->keys, "pool"), mixed, sizeof mixed, &len),
	    0);
	/* The first of them is everywhere. */
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (file_read(files[i], one, sizeof one, &one_len) == 0)
			assert_non_null(memmem(mixed, len, one, one_len));
		else
			assert_true(i > 0);
	assert_non_null(memmem(mixed, len, INSTANCE, strlen(INSTANCE)));
	assert_true(len > sizeof now);
	memcpy(now, mixed + len - sizeof now, sizeof now);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	assert_in_range(to_ns(now[0]), to_ns(before[0]), to_ns(after));
	(void)clock_gettime(CLOCK_REALTIME, &after);
	assert_in_range(to_ns(now[1]), to_ns(before[1]), to_ns(after));
}

static void a_machine_is_told_from_its_clone_before_it_is_seeded(void **state)
{
	struct bench *b = *state;
	struct timespec before[2];

	(void)clock_gettime(CLOCK_MONOTONIC, &before[0]);
	(void)clock_gettime(CLOCK_REALTIME, &before[1]);
	open_pool(b);
	send_instance(b);
	send_message(b, 7, 512);
	send_end(b, 0, 1);
	assert_int_equal(run(b), 0);
	assert_int_equal(injected.at, lseek(b->offline.sink.fd, 0, SEEK_END));
	check_mixed(b, before);
	/* Also when no message came. */
	open_pool(b);
	send_instance(b);
	send_end(b, 0, 0);
	assert_int_equal(run(b), ERR_EMPTY);
	assert_int_equal(injected.at, -1);
	check_mixed(b, before);
}

/* Whatever the policy is: whoever is in the online half may have chosen it. */
static void what_comes_in_place_of_a_message_earns_no_credit(void **state)
{
	struct bench *b = *state;
	struct record_fallback fallback;

	memset(fallback.bytes, 7, sizeof fallback.bytes);
	b->conf.fallback = CONF_KMS;
	b->conf.policy.unsigned_messages = CREDIT_CREDIT;
	b->conf.policy.bits_per_byte = 8;
	open_pool(b);
	send_raw(b, RECORD_FALLBACK, &fallback, sizeof fallback);
	send_end(b, ERR_EMPTY, 0);
	assert_int_equal(run(b), ERR_EMPTY);
	assert_true(injected.at >= 0);
	assert_int_equal(injected.bits, 0);
	assert_int_equal(injected.len, sizeof fallback.bytes);
	assert_memory_equal(
	    injected.bytes, fallback.bytes, sizeof fallback.bytes);
	assert_int_equal(b->offline.credit, 0);
	/* The same bytes as a message earn what the policy says. */
	open_pool(b);
	send_message(b, 7, sizeof fallback.bytes);
	send_end(b, 0, 1);
	assert_int_equal(run(b), 0);
	assert_int_equal(injected.bits, 256);
}

/* What the log says behind "credit 0 bits". */
static void why_there_is_no_credit_is_told(void **state)
{
	static const struct {
		unsigned withheld[3]; /* of each message */
		unsigned long bits;   /* that they earned together */
		const char *said;
	} cases[] = {{{CREDIT_NOT_SIGNED}, 0, "not signed"},
	    {{CREDIT_NOT_SIGNED, CREDIT_SEEN, CREDIT_NOT_SIGNED}, 0,
		"not signed, used before"},
	    {{0}, 0, "none is claimed"},
	    {{0}, 100, "less than 256 bits are none"},
	    {{0, CREDIT_STALE}, 255,
		"less than 256 bits are none, sent too long after signing"},
	    /* They would have been enough. */
	    {{CREDIT_NOT_REMEMBERED}, 512, "use cannot be remembered"}};
	char text[DELIVER_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		static struct taken taken;

		taken = (struct taken){.n = 3, .bits = cases[i].bits};
		for (size_t k = 0; k < 3; k++)
			taken.at[k].withheld = cases[i].withheld[k];
		deliver_explain(&taken, text, sizeof text);
		assert_string_equal(text, cases[i].said);
	}
}

static void all_reasons_have_room(void **state)
{
	static struct taken taken = {.n = 1, .bits = 1};
	char text[DELIVER_WHY_MAX];

	(void)state;
	taken.at[0].withheld = (1U << CREDIT_REASONS) - 1;
	deliver_explain(&taken, text, sizeof text);
	assert_true(strlen(text) < DELIVER_WHY_MAX - 1);
	assert_non_null(strstr(text, credit_reason(CREDIT_REASONS - 1)));
}

/* How long runs have waited, as the next one reads it: an empty queue leaves it
 * the time for another look. */
static void what_was_waited_is_noted(void **state)
{
	static const struct {
		long timeout; /* s */
		int64_t left; /* ms */
		int code;     /* of the end */
		int64_t least, most;
	} cases[] = {{60, 500, 0, 60000 - CONF_REST_MS, 60000 - CONF_REST_MS},
	    {1, 500, 0, 0, 0}, {60, 40000, 0, 20000, 59000},
	    {60, 40000, ERR_NET, 20000, 59000},
	    {60, 500, ERR_NET, 59500, 120000}};
	struct bench *b = *state;

	open_pool(b);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		b->conf.timeout = cases[i].timeout;
		b->offline.deadline = in_ms(cases[i].left);
		send_end(b, cases[i].code, 0);
		assert_int_equal(
		    run(b), cases[i].code == 0 ? ERR_EMPTY : cases[i].code);
		assert_in_range(
		    b->offline.last_seed.waited, cases[i].least, cases[i].most);
	}
}

/* After so many messages of 512 bytes. */
static void assert_logged(struct bench *b, uint32_t n, const char *expected)
{
	static uint8_t fill;
	char text[1024];

	for (uint32_t i = 0; i < n; i++)
		send_message(b, ++fill, 512);
	send_end(b, 0, n);
	(void)run(b);
	logged_take(text, sizeof text);
	assert_string_equal(text, expected);
}

static void what_was_done_with_the_messages_is_logged(void **state)
{
	struct bench *b = *state;
	char expected[256];

	logged_begin(LOG_LEVEL_INFO);
	(void)snprintf(expected, sizeof expected,
	    "message of 512 bytes: not signed\n"
	    "wrote 512 bytes from 1 message to %s\n",
	    b->path);
	assert_logged(b, 1, expected);
	open_pool(b);
	assert_logged(b, 2,
	    "message of 512 bytes: not signed\n"
	    "message of 512 bytes: not signed\n"
	    "injected 1024 bytes from 2 messages into the kernel, "
	    "credit 0 bits: not signed\n");
	b->conf.policy.unsigned_messages = CREDIT_CREDIT;
	b->conf.policy.bits_per_byte = 1;
	assert_logged(b, 1,
	    "message of 512 bytes: credited\n"
	    "injected 512 bytes from 1 message into the kernel, "
	    "credit 256 bits\n");
	/* No reason to keep the bytes from the kernel. */
	(void)close(b->offline.sink.fd);
	b->offline.sink.fd = open(keys_path(b->keys, "pool"), O_RDONLY);
	b->conf.policy.unsigned_messages = CREDIT_MIX;
	assert_logged(b, 1,
	    "message of 512 bytes: not signed\n"
	    "could not mix this machine's identity\n"
	    "injected 512 bytes from 1 message into the kernel, "
	    "credit 0 bits: not signed\n");
	logged_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(why_there_is_no_credit_is_told),
	    cmocka_unit_test(all_reasons_have_room),
	    cmocka_unit_test_setup_teardown(
		a_machine_is_told_from_its_clone_before_it_is_seeded, setup,
		teardown),
	    cmocka_unit_test_setup_teardown(
		what_comes_in_place_of_a_message_earns_no_credit, setup,
		teardown),
	    cmocka_unit_test_setup_teardown(
		what_was_waited_is_noted, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		what_was_done_with_the_messages_is_logged, setup, teardown),
	};

	return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/random.h>
#include <string.h>
#include <sys/ioctl.h>

#include "agent/offline/deliver.h"
#include "aid/offline_bench.h"

#define INSTANCE "i-0123456789abcdef0"

/* What had been written to the pool when it was given bytes with credit. */
static off_t injected_at;

static int take(int fd, unsigned long request)
{
	if (request == RNDADDENTROPY)
		injected_at = lseek(fd, 0, SEEK_END);
	return 0;
}

/* The linker calls ours (--wrap in tests/rules.mk), on 32 bits by the second
 * name. */
int __wrap_ioctl(int fd, unsigned long request, const void *argument);
int __wrap_ioctl(int fd, unsigned long request, const void *argument)
{
	(void)argument;
	return take(fd, request);
}

int __wrap___ioctl_time64(int fd, unsigned long request, const void *argument);
int __wrap___ioctl_time64(int fd, unsigned long request, const void *argument)
{
	(void)argument;
	return take(fd, request);
}

static void open_pool(struct bench *b)
{
	sink_close(&b->offline.sink);
	b->offline.sink = (struct sink){.kernel = true,
	    .name = "pool",
	    .fd = open(
		keys_path(b->keys, "pool"), O_RDWR | O_CREAT | O_TRUNC, 0600)};
	assert_true(b->offline.sink.fd >= 0);
	injected_at = -1;
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
	uint8_t mixed[1024], boot[64];
	struct timespec now[2], after;
	size_t len, boot_len;

	assert_int_equal(
	    file_read(keys_path(b->keys, "pool"), mixed, sizeof mixed, &len),
	    0);
	assert_int_equal(file_read("/proc/sys/kernel/random/boot_id", boot,
			     sizeof boot, &boot_len),
	    0);
	assert_non_null(memmem(mixed, len, boot, boot_len));
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
	assert_int_equal(injected_at, lseek(b->offline.sink.fd, 0, SEEK_END));
	check_mixed(b, before);
	/* Also when no message came. */
	open_pool(b);
	send_instance(b);
	send_end(b, 0, 0);
	assert_int_equal(run(b), ERR_EMPTY);
	assert_int_equal(injected_at, -1);
	check_mixed(b, before);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(why_there_is_no_credit_is_told),
	    cmocka_unit_test(all_reasons_have_room),
	    cmocka_unit_test_setup_teardown(
		a_machine_is_told_from_its_clone_before_it_is_seeded, setup,
		teardown),
	};

	return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}

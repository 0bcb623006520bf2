/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/offline/last_seed.h"
#include "agent/offline/status.h"
#include "aid/keys.h"
#include "base/clock.h"
#include "base/file.h"

#define HOUR 3600000

static struct last_seed seeded;
static char boot[CLOCK_BOOT_MAX];

static int setup(void **state)
{
	size_t len = 0;
	int rc = keys_setup(state);

	if (rc == 0)
		rc = file_read("/proc/sys/kernel/random/boot_id", boot,
		    sizeof boot - 1, &len);
	boot[len > 0 ? len - 1 : 0] = '\0';
	if (rc == 0)
		rc = setenv(
		    "RUNTIME_DIRECTORY", ((struct keys *)*state)->dir, 1);
	return rc;
}

static int teardown(void **state)
{
	(void)unsetenv("RUNTIME_DIRECTORY");
	return keys_teardown(state);
}

/* What the file holds, as agent/offline/last_seed.c has it. */
static struct {
	char magic[8];
	struct last_seed seed;
} file;

static const char *put(struct keys *k, const void *data, size_t len)
{
	const char *path = keys_put(k, LAST_SEED_NAME, "", 0644);
	const int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	(void)close(fd);
	return path;
}

static const char *put_times(
    struct keys *k, const char *id, int64_t injected, int64_t credited)
{
	memset(&file, 0, sizeof file);
	memcpy(file.magic, "SQSESEED", sizeof file.magic);
	(void)snprintf(file.seed.boot, sizeof file.seed.boot, "%s", id);
	file.seed.injected = injected;
	file.seed.credited = credited;
	return put(k, &file, sizeof file);
}

/* Nothing is known of this boot but its id. */
static void assert_nothing(void)
{
	memset(&seeded, 0x55, sizeof seeded);
	last_seed_read(&seeded);
	assert_int_equal(seeded.injected, 0);
	assert_int_equal(seeded.credited, 0);
	assert_string_equal(seeded.boot, boot);
	assert_int_equal(
	    last_seed_age(&seeded, false, clock_read(CLOCK_BOOTTIME)), -1);
	assert_int_equal(
	    last_seed_age(&seeded, true, clock_read(CLOCK_BOOTTIME)), -1);
}

static void what_was_written_is_read(void **state)
{
	const int64_t now = clock_read(CLOCK_BOOTTIME);

	put_times(*state, boot, now, 7);
	last_seed_read(&seeded);
	assert_int_equal(seeded.injected, now);
	assert_int_equal(seeded.credited, 7);
	assert_string_equal(seeded.boot, boot);
}

static void what_others_noted_since_is_read_again(void **state)
{
	const char *path = put_times(*state, boot, 5, 0);
	const int fd = open(path, O_RDWR);

	assert_true(fd >= 0);
	last_seed_read(&seeded);
	file.seed.injected = 7;
	file.seed.credited = 6;
	assert_int_equal(pwrite(fd, &file, sizeof file, 0), sizeof file);
	last_seed_read_again(&seeded, fd);
	assert_int_equal(seeded.injected, 7);
	assert_int_equal(seeded.credited, 6);
	/* A file that is not believed takes nothing away. */
	assert_int_equal(ftruncate(fd, 1), 0);
	last_seed_read_again(&seeded, fd);
	assert_int_equal(seeded.injected, 7);
	assert_string_equal(seeded.boot, boot);
	(void)close(fd);
}

static void without_a_file_there_was_no_seed(void **state)
{
	(void)state;
	assert_nothing();
}

static void a_malformed_file_counts_as_no_seed(void **state)
{
	static char text[] = "{\"injected\":5,\"credited\":5}";
	static char longer[sizeof file + 1];

	put(*state, "", 0);
	assert_nothing();
	put(*state, text, sizeof text - 1);
	assert_nothing();
	put_times(*state, boot, 5, 5);
	for (size_t len = 0; len < sizeof file; len++) {
		put(*state, &file, len);
		assert_nothing();
	}
	memcpy(longer, &file, sizeof file);
	put(*state, longer, sizeof longer);
	assert_nothing();
	for (size_t i = 0; i < sizeof file.magic; i++) {
		put_times(*state, boot, 5, 5);
		file.magic[i] ^= 1;
		put(*state, &file, sizeof file);
		assert_nothing();
	}
}

static void times_that_cannot_be_count_as_no_seed(void **state)
{
	const int64_t later = clock_read(CLOCK_BOOTTIME) + HOUR;
	const int64_t bad[] = {0, -1, INT64_MIN, INT64_MAX, later};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		put_times(*state, boot, bad[i], bad[i]);
		assert_nothing();
	}
	/* One of the two may be good. */
	put_times(*state, boot, 5, later);
	last_seed_read(&seeded);
	assert_int_equal(seeded.injected, 5);
	assert_int_equal(seeded.credited, 0);
}

static void a_seed_of_another_boot_does_not_count(void **state)
{
	put_times(*state, "00000000-0000-0000-0000-000000000000", 5, 5);
	assert_nothing();
	put_times(*state, "", 5, 5);
	assert_nothing();
}

/* A machine that does not say which boot this is believes no file, not even one
 * that says as little. */
static void without_the_id_of_a_boot_no_seed_counts(void **state)
{
	const char *path = put_times(*state, "", 5, 5);
	const int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	seeded = (struct last_seed){.injected = 0};
	last_seed_read_again(&seeded, fd);
	assert_int_equal(seeded.injected, 0);
	assert_int_equal(seeded.credited, 0);
	(void)close(fd);
}

static void a_file_that_others_could_write_does_not_count(void **state)
{
	const char *path = put_times(*state, boot, 5, 5);
	char target[128];

	assert_int_equal(chmod(path, 0664), 0);
	assert_nothing();
	assert_int_equal(chmod(path, 0646), 0);
	assert_nothing();
	assert_int_equal(chmod(path, 0644), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 12345, 12345), 0);
		assert_nothing();
		assert_int_equal(chown(path, 0, 0), 0);
	}
	last_seed_read(&seeded);
	assert_int_equal(seeded.injected, 5);
	/* Nor one elsewhere. */
	(void)snprintf(target, sizeof target, "%s.other", path);
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_nothing();
}

static void a_fifo_does_not_hang(void **state)
{
	assert_int_equal(mkfifo(keys_path(*state, LAST_SEED_NAME), 0600), 0);
	assert_nothing();
}

static void an_age_counts_from_the_last_run_of_that_kind(void **state)
{
	struct last_seed s = {.injected = 0};

	(void)state;
	assert_int_equal(last_seed_age(&s, false, 1000), -1);
	last_seed_note(&s, 1000, false);
	assert_int_equal(last_seed_age(&s, false, 1500), 500);
	assert_int_equal(last_seed_age(&s, true, 1500), -1);
	last_seed_note(&s, 2000, true);
	assert_int_equal(last_seed_age(&s, true, 2000), 0);
	last_seed_note(&s, 3000, false);
	assert_int_equal(last_seed_age(&s, true, 3000), 1000);
	assert_int_equal(last_seed_age(&s, false, 3000), 0);
	/* From the future. */
	assert_int_equal(last_seed_age(&s, false, 2999), -1);
}

static void a_failure_shortens_the_next_wait_for_a_minute(void **state)
{
	struct last_seed s = {.injected = 0};

	(void)state;
	assert_int_equal(last_seed_waited(&s, 1000), 0);
	last_seed_note_failure(&s, 1000, 700);
	assert_int_equal(last_seed_waited(&s, 1000), 700);
	assert_int_equal(
	    last_seed_waited(&s, 1000 + LAST_SEED_AGAIN_MS - 1), 700);
	assert_int_equal(last_seed_waited(&s, 1000 + LAST_SEED_AGAIN_MS), 0);
	/* From the future. */
	assert_int_equal(last_seed_waited(&s, 999), 0);
	assert_int_equal(last_seed_age(&s, false, 2000), -1);
	last_seed_note(&s, 2000, false);
	assert_int_equal(last_seed_waited(&s, 2000), 0);
}

static void what_is_written_is_read_by_the_next(void **state)
{
	const int64_t now = clock_read(CLOCK_BOOTTIME);
	struct last_seed written;
	int fd;

	(void)state;
	last_seed_read(&written);
	last_seed_note(&written, now, true);
	last_seed_note_failure(&written, now, 9000);
	fd = status_open(LAST_SEED_NAME);
	assert_true(fd >= 0);
	assert_int_equal(last_seed_write(&written, fd), 0);
	assert_int_equal(last_seed_write(&written, fd), 0);
	(void)close(fd);
	last_seed_read(&seeded);
	assert_memory_equal(&seeded, &written, sizeof seeded);
	assert_int_equal(seeded.credited, now);
}

static void what_was_before_a_fork_is_forgotten(void **state)
{
	const int64_t now = clock_read(CLOCK_BOOTTIME);
	struct last_seed s;
	int fd;

	(void)state;
	last_seed_read(&s);
	last_seed_note(&s, now, true);
	fd = status_open(LAST_SEED_NAME);
	assert_true(fd >= 0);
	assert_int_equal(last_seed_write(&s, fd), 0);
	assert_int_equal(last_seed_forget(), 0);
	/* Also by a run that had read it before. */
	last_seed_read_again(&s, fd);
	(void)close(fd);
	last_seed_read(&seeded);
	assert_memory_equal(&seeded, &s, sizeof seeded);
	assert_string_equal(seeded.boot, boot);
	assert_int_equal(last_seed_age(&seeded, false, now + HOUR), -1);
	assert_int_equal(last_seed_age(&seeded, true, now + HOUR), -1);
	assert_in_range(seeded.forked, now, now + HOUR);
}

static void what_cannot_be_forgotten_is_told(void **state)
{
	(void)state;
	assert_int_equal(
	    setenv("RUNTIME_DIRECTORY", "/proc/nothing/there", 1), 0);
	assert_int_equal(last_seed_forget(), ERR_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_was_written_is_read),
	    TEST(what_others_noted_since_is_read_again),
	    TEST(without_a_file_there_was_no_seed),
	    TEST(a_malformed_file_counts_as_no_seed),
	    TEST(times_that_cannot_be_count_as_no_seed),
	    TEST(a_seed_of_another_boot_does_not_count),
	    TEST(without_the_id_of_a_boot_no_seed_counts),
	    TEST(a_file_that_others_could_write_does_not_count),
	    TEST(a_fifo_does_not_hang),
	    TEST(an_age_counts_from_the_last_run_of_that_kind),
	    TEST(a_failure_shortens_the_next_wait_for_a_minute),
	    TEST(what_is_written_is_read_by_the_next),
	    TEST(what_was_before_a_fork_is_forgotten),
	    TEST(what_cannot_be_forgotten_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../producer/source.h"

static char path[64];

/* A clock that moves only by sleeping, and does something at each sleep. */
static int64_t simulated;
static int feed_fd = -1;
static int cancel_after;

static int64_t simulated_now(void *ctx)
{
	(void)ctx;
	return simulated;
}

static int simulated_sleep(void *ctx, int64_t ms)
{
	(void)ctx;
	simulated += ms;
	if (feed_fd >= 0)
		assert_int_equal(write(feed_fd, "x", 1), 1);
	if (cancel_after > 0 && --cancel_after == 0)
		return ERR_CANCELED;
	return 0;
}

static const struct clock clock_simulated = {
    .mono = simulated_now, .wall = simulated_now, .sleep = simulated_sleep};

static int setup(void **state)
{
	(void)state;
	simulated = 1000;
	feed_fd = -1;
	cancel_after = 0;
	(void)snprintf(path, sizeof path, "/tmp/test_source.%d", (int)getpid());
	(void)unlink(path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

static void the_kernels_own_generator_is_refused(void **state)
{
	static const char *const names[] = {"/dev/random", "/dev/urandom"};
	struct err err = {0};
	struct source s;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(source_open(&s, names[i], &err), ERR_CONFIG);
		assert_non_null(strstr(err.text, "kernel's own generator"));
		assert_int_equal(s.fd, -1);
		assert_int_equal(symlink(names[i], path), 0);
		assert_int_equal(source_open(&s, path, &err), ERR_CONFIG);
		assert_int_equal(unlink(path), 0);
	}
}

static void under_another_name_too(void **state)
{
	struct err err = {0};
	struct source s;

	(void)state;
	if (mknod(path, S_IFCHR | 0600, makedev(1, 9)) != 0) {
		print_message("mknod needs root: skipped\n");
		skip();
	}
	assert_int_equal(source_open(&s, path, &err), ERR_CONFIG);
}

static void what_is_no_source_is_refused(void **state)
{
	struct err err = {0};
	struct source s;

	(void)state;
	assert_int_equal(source_open(&s, path, &err), ERR_CONFIG);
	assert_non_null(strstr(err.text, "is not there"));
	assert_int_equal(source_open(&s, "/tmp", &err), ERR_CONFIG);
}

static void a_slow_source_is_gathered(void **state)
{
	uint8_t data[100] = {0};
	struct err err = {0};
	struct source s;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(source_open(&s, path, &err), 0);
	feed_fd = open(path, O_WRONLY);
	assert_true(feed_fd >= 0);
	/* One byte now, the others one at each pause. */
	assert_int_equal(write(feed_fd, "x", 1), 1);
	assert_int_equal(
	    source_read(&s, &clock_simulated, data, sizeof data, &err), 0);
	for (size_t i = 0; i < sizeof data; i++)
		assert_int_equal(data[i], 'x');
	(void)close(feed_fd);
	source_close(&s);
}

static void a_dead_source_is_given_up(void **state)
{
	uint8_t data[100];
	struct err err = {0};
	struct source s;
	int writer;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(source_open(&s, path, &err), 0);
	writer = open(path, O_WRONLY);
	assert_int_equal(write(writer, "abc", 3), 3);
	memset(data, 1, sizeof data);
	assert_int_equal(
	    source_read(&s, &clock_simulated, data, sizeof data, &err),
	    ERR_TIMEOUT);
	assert_in_range(simulated, 1000 + SOURCE_SILENCE_MS,
	    1000 + SOURCE_SILENCE_MS + 100);
	/* What had come is not left behind. */
	for (size_t i = 0; i < sizeof data; i++)
		assert_int_equal(data[i], 0);
	(void)close(writer);
	source_close(&s);
}

static void a_file_ends(void **state)
{
	uint8_t data[10];
	struct err err = {0};
	struct source s;
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	(void)state;
	assert_int_equal(write(fd, "0123456789abc", 13), 13);
	(void)close(fd);
	assert_int_equal(source_open(&s, path, &err), 0);
	assert_true(s.regular);
	assert_int_equal(source_read(&s, &clock_simulated, data, 10, &err), 0);
	assert_memory_equal(data, "0123456789", 10);
	assert_int_equal(
	    source_read(&s, &clock_simulated, data, 10, &err), ERR_EOF);
	source_close(&s);
}

static void a_stop_ends_the_wait(void **state)
{
	uint8_t data[10];
	struct err err = {0};
	struct source s;
	int writer;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(source_open(&s, path, &err), 0);
	writer = open(path, O_WRONLY);
	cancel_after = 3;
	assert_int_equal(
	    source_read(&s, &clock_simulated, data, 10, &err), ERR_CANCELED);
	(void)close(writer);
	source_close(&s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_kernels_own_generator_is_refused),
	    T(under_another_name_too),
	    T(what_is_no_source_is_refused),
	    T(a_slow_source_is_gathered),
	    T(a_dead_source_is_given_up),
	    T(a_file_ends),
	    T(a_stop_ends_the_wait),
	};

	return cmocka_run_group_tests_name(
	    "producer source", tests, NULL, NULL);
}

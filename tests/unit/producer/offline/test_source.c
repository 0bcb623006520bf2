/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "producer/offline/source.h"

static char path[64];
static struct source s;
static struct err err;

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
static const struct pace pace_simulated = {
    .clock = &clock_simulated, .wait = simulated_sleep};

static int errors;   /* so many reads of the source fail */
static int sleeping; /* so many have a driver that does not heed O_NONBLOCK */

#define SLEEP_MS 60000 /* until it gives up by itself */

static ssize_t sleep_in_driver(void)
{
	assert_int_equal(poll(NULL, 0, SLEEP_MS), -1);
	return -1;
}

ssize_t __real_read(int fd, void *data, size_t len);
ssize_t __wrap_read(int fd, void *data, size_t len);

ssize_t __wrap_read(int fd, void *data, size_t len)
{
	if (fd == s.fd && sleeping > 0) {
		sleeping--;
		return sleep_in_driver();
	}
	if (fd != s.fd || errors == 0)
		return __real_read(fd, data, len);
	errors--;
	errno = EIO;
	return -1;
}

static int setup(void **state)
{
	(void)state;
	simulated = 1000;
	feed_fd = -1;
	cancel_after = 0;
	errors = sleeping = 0;
	err = (struct err){0};
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

/* What is written to path comes from s. */
static void open_fifo(void)
{
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(source_open(&s, path, &err), 0);
}

static int take(uint8_t *data, size_t len)
{
	return source_read(&s, &pace_simulated, data, len, &err);
}

/* What is said about path. */
#define EXPECT_SAID(format)                                                    \
	do {                                                                   \
		char said[sizeof err.text];                                    \
                                                                               \
		(void)snprintf(said, sizeof said, format, path);               \
		assert_string_equal(err.text, said);                           \
	} while (0)

static void the_kernels_own_generator_is_refused(void **state)
{
	static const char *const names[] = {"/dev/random", "/dev/urandom"};

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

static void the_generator_is_refused_under_another_name_too(void **state)
{
	(void)state;
	if (mknod(path, S_IFCHR | 0600, makedev(1, 9)) != 0) {
		print_message("mknod needs root: skipped\n");
		skip();
	}
	assert_int_equal(source_open(&s, path, &err), ERR_CONFIG);
}

static void what_is_no_source_is_refused(void **state)
{
	(void)state;
	assert_int_equal(source_open(&s, "/tmp", &err), ERR_CONFIG);
	assert_non_null(strstr(err.text, "not a device"));
	assert_int_equal(s.fd, -1);
}

/* It may come: no reason to stop for good. */
static void what_is_not_there_is_absent(void **state)
{
	(void)state;
	assert_int_equal(source_open(&s, path, &err), ERR_ABSENT);
	assert_non_null(strstr(err.text, "is not there"));
	assert_int_equal(s.fd, -1);
	assert_int_equal(
	    source_open(&s, "/dev/null/generator", &err), ERR_ABSENT);
	assert_non_null(strstr(err.text, "is not there"));
}

/* ENXIO, as of a node whose driver has no device. */
static void nothing_behind_it_is_absent(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	(void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(source_open(&s, path, &err), ERR_ABSENT);
	assert_non_null(strstr(err.text, "no generator behind it"));
	(void)close(fd);
}

static void a_slow_source_is_gathered(void **state)
{
	uint8_t data[100] = {0};

	(void)state;
	open_fifo();
	feed_fd = open(path, O_WRONLY);
	assert_true(feed_fd >= 0);
	/* One byte now, the others one at each pause. */
	assert_int_equal(write(feed_fd, "x", 1), 1);
	assert_int_equal(take(data, sizeof data), 0);
	for (size_t i = 0; i < sizeof data; i++)
		assert_int_equal(data[i], 'x');
	(void)close(feed_fd);
	source_close(&s);
}

static void a_dead_source_is_given_up(void **state)
{
	uint8_t data[100];
	int writer;

	(void)state;
	open_fifo();
	writer = open(path, O_WRONLY);
	assert_int_equal(write(writer, "abc", 3), 3);
	memset(data, 1, sizeof data);
	assert_int_equal(take(data, sizeof data), ERR_TIMEOUT);
	assert_in_range(simulated, 1000 + SOURCE_SILENCE_MS,
	    1000 + SOURCE_SILENCE_MS + 100);
	EXPECT_SAID("%s gave no byte for 30 s: is the hardware alive?");
	/* What had come is not left behind. */
	for (size_t i = 0; i < sizeof data; i++)
		assert_int_equal(data[i], 0);
	(void)close(writer);
	source_close(&s);
}

static void a_file_ends(void **state)
{
	uint8_t data[10];
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	(void)state;
	assert_int_equal(write(fd, "0123456789abc", 13), 13);
	(void)close(fd);
	assert_int_equal(source_open(&s, path, &err), 0);
	assert_true(s.regular);
	assert_int_equal(take(data, 10), 0);
	assert_memory_equal(data, "0123456789", 10);
	assert_int_equal(take(data, 10), ERR_EOF);
	assert_int_equal(take(data, 10), ERR_EOF);
	/* Another file is no repetition. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(take(data, 10), ERR_ABSENT);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "bcdefghijklmn", 13), 13);
	(void)close(fd);
	assert_int_equal(take(data, 10), 0);
	assert_memory_equal(data, "bcdefghijk", 10);
	source_close(&s);
}

static void a_stop_ends_the_wait(void **state)
{
	uint8_t data[10];
	int writer;

	(void)state;
	open_fifo();
	writer = open(path, O_WRONLY);
	cancel_after = 3;
	assert_int_equal(take(data, 10), ERR_CANCELED);
	(void)close(writer);
	source_close(&s);
}

/* ---- unplugged, and back */

/* Root opened it, and this process may not: the descriptor is all there is. */
static void an_error_that_passes_needs_no_opening(void **state)
{
	uint8_t data[4];
	int writer, first;

	(void)state;
	open_fifo();
	first = s.fd;
	writer = open(path, O_RDWR);
	assert_int_equal(unlink(path), 0);
	for (int i = 0; i < 3; i++) {
		errors = 1;
		assert_int_equal(take(data, 4), ERR_IO);
		EXPECT_SAID("cannot read %s (unplugged?): Input/output error");
		assert_int_equal(write(writer, "abcd", 4), 4);
		assert_int_equal(take(data, 4), 0);
		assert_memory_equal(data, "abcd", 4);
		assert_int_equal(s.fd, first);
	}
	(void)close(writer);
	source_close(&s);
}

static void what_this_process_may_not_open_again_is_lost(void **state)
{
	uint8_t data[4];

	(void)state;
	open_fifo();
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(seteuid(geteuid() == 0 ? 65534 : geteuid()), 0);
	errors = 2;
	assert_int_equal(take(data, 4), ERR_IO);
	assert_false(s.lost);
	assert_int_equal(take(data, 4), ERR_ABSENT);
	assert_int_equal(seteuid(getuid()), 0);
	assert_true(s.lost);
	EXPECT_SAID("%s can be opened only at the start: start this program "
		    "anew");
	source_close(&s);
}

/* The controlling end of a new terminal, whose other end path names. */
static int make_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	assert_true(master >= 0);
	assert_int_equal(grantpt(master) | unlockpt(master), 0);
	(void)unlink(path);
	assert_int_equal(symlink(ptsname(master), path), 0);
	return master;
}

/* A terminal that comes there is set to raw mode. */
static void a_device_of_another_kind_is_opened_as_one(void **state)
{
	uint8_t data[4];
	int master;

	(void)state;
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(source_open(&s, path, &err), 0);
	assert_int_equal(take(data, 4), ERR_EOF);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(take(data, 4), ERR_ABSENT);
	/* Its driver has the number back. */
	assert_int_equal(s.fd, -1);
	master = make_terminal();
	assert_int_equal(take(data, 4), ERR_TIMEOUT);
	assert_true(s.tty);
	assert_int_equal(write(master, "\4\r\3\n", 4), 4);
	assert_int_equal(take(data, 4), 0);
	assert_memory_equal(data, "\4\r\3\n", 4);
	source_close(&s);
	(void)close(master);
}

static void what_was_unplugged_is_opened_again(void **state)
{
	uint8_t data[4];
	int writer;

	(void)state;
	open_fifo();
	assert_int_equal(unlink(path), 0);
	errors = 5;
	assert_int_equal(take(data, 4), ERR_IO);
	for (int i = 0; i < 3; i++)
		assert_int_equal(take(data, 4), ERR_ABSENT);
	assert_false(s.lost);
	assert_int_equal(mkfifo(path, 0600), 0);
	writer = open(path, O_RDWR);
	assert_int_equal(write(writer, "abcd", 4), 4);
	assert_int_equal(take(data, 4), 0);
	assert_memory_equal(data, "abcd", 4);
	(void)close(writer);
	source_close(&s);
}

static void a_terminal_gives_every_byte(void **state)
{
	uint8_t all[256], data[256], back;
	int master = make_terminal();

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	assert_int_equal(write(master, "before\n", 7), 7);
	assert_int_equal(source_open(&s, path, &err), 0);
	assert_true(s.tty);
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(write(master, all, 256), 256);
		assert_int_equal(take(data, 256), 0);
		assert_memory_equal(data, all, 256);
	}
	/* "Not yet" is no end. */
	assert_int_equal(take(data, 1), ERR_TIMEOUT);
	/* Nothing is sent back; what came before the open may have been. */
	assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 8 && read(master, &back, 1) == 1; i++)
		assert_non_null(memchr("before\r\n", back, 8));
	assert_int_equal(read(master, &back, 1), -1);
	source_close(&s);
	(void)close(master);
}

static void a_terminal_that_hung_up_is_opened_again(void **state)
{
	uint8_t data[4];
	int master = make_terminal();

	(void)state;
	assert_int_equal(source_open(&s, path, &err), 0);
	(void)close(master);
	assert_int_equal(take(data, 4), ERR_IO);
	EXPECT_SAID("%s has hung up (unplugged?)");
	assert_int_equal(take(data, 4), ERR_ABSENT);
	/* Nothing keeps this process from setting it up again. */
	master = make_terminal();
	assert_int_equal(take(data, 4), ERR_TIMEOUT);
	assert_int_equal(write(master, "\4\r\3\n", 4), 4);
	assert_int_equal(take(data, 4), 0);
	assert_memory_equal(data, "\4\r\3\n", 4);
	source_close(&s);
	(void)close(master);
}

/* ---- what does not come */

/* The others get their turn, and a stop is seen: without the timer this would
 * take a minute for each read. */
static void a_read_that_sleeps_is_ended(void **state)
{
	uint8_t data[4];
	int writer;

	(void)state;
	open_fifo();
	writer = open(path, O_WRONLY);
	sleeping = 100;
	cancel_after = 3;
	assert_int_equal(take(data, 4), ERR_CANCELED);
	assert_int_equal(sleeping, 97);
	/* It gives bytes after all. */
	sleeping = 1;
	assert_int_equal(write(writer, "abcd", 4), 4);
	assert_int_equal(take(data, 4), 0);
	assert_false(s.slept);
	(void)close(writer);
	source_close(&s);
}

static void a_fifo_without_a_writer_is_waited_for(void **state)
{
	uint8_t data[4];
	int writer;

	(void)state;
	open_fifo();
	s.awaited = true;
	assert_int_equal(take(data, 4), ERR_TIMEOUT);
	EXPECT_SAID("%s had no writer for 30 s: start what writes to it");
	writer = open(path, O_WRONLY);
	assert_int_equal(write(writer, "ab", 2), 2);
	feed_fd = writer;
	assert_int_equal(take(data, 4), 0);
	assert_memory_equal(data, "abxx", 4);
	(void)close(writer);
	source_close(&s);
}

/* No bytes of two writers are in one message. */
static void a_fifo_is_anew_after_its_writer(void **state)
{
	struct gathering g;
	uint8_t data[4];
	size_t got;
	int writer;

	(void)state;
	open_fifo();
	s.awaited = true;
	source_begin(&g, &clock_simulated, data, 4);
	for (int i = 0; i < 3; i++) {
		writer = open(path, O_WRONLY);
		assert_int_equal(write(writer, "ab", 2), 2);
		assert_int_equal(
		    source_go_on(&s, &g, &clock_simulated, &got, &err), 0);
		assert_int_equal(g.have, 2);
		assert_int_equal(g.anew, i > 0);
		(void)close(writer);
		assert_int_equal(
		    source_go_on(&s, &g, &clock_simulated, &got, &err), 0);
		assert_int_equal(g.have, 0);
		assert_true(g.anew);
		assert_memory_equal(data, "\0\0", 2);
	}
	/* Another one of that name is not waited for by the old one. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(take(data, 4), ERR_EOF);
	assert_int_equal(mkfifo(path, 0600), 0);
	writer = open(path, O_RDWR);
	assert_int_equal(write(writer, "abcd", 4), 4);
	assert_int_equal(take(data, 4), 0);
	assert_true(s.awaited);
	(void)close(writer);
	source_close(&s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_kernels_own_generator_is_refused),
	    T(the_generator_is_refused_under_another_name_too),
	    T(what_is_no_source_is_refused),
	    T(what_is_not_there_is_absent),
	    T(nothing_behind_it_is_absent),
	    T(a_slow_source_is_gathered),
	    T(a_dead_source_is_given_up),
	    T(a_file_ends),
	    T(a_stop_ends_the_wait),
	    T(an_error_that_passes_needs_no_opening),
	    T(what_this_process_may_not_open_again_is_lost),
	    T(a_device_of_another_kind_is_opened_as_one),
	    T(what_was_unplugged_is_opened_again),
	    T(a_terminal_gives_every_byte),
	    T(a_read_that_sleeps_is_ended),
	    T(a_fifo_without_a_writer_is_waited_for),
	    T(a_fifo_is_anew_after_its_writer),
	    T(a_terminal_that_hung_up_is_opened_again),
	};

	return cmocka_run_group_tests_name(
	    "producer source", tests, NULL, NULL);
}

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

#include "agent/offline/sink.h"
#include "aid/confine.h"
#include "aid/failing.h"
#include "base/clock.h"
#include "base/file.h"

static char path[64];

static int setup(void **state)
{
	(void)state;
	(void)snprintf(path, sizeof path, "/tmp/test_sink.%d", (int)getpid());
	(void)unlink(path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

static struct buf *bytes(const char *s)
{
	struct buf *b = buf_new(100);

	assert_non_null(b);
	assert_int_equal(buf_addstr(b, s), 0);
	return b;
}

static int64_t soon(void)
{
	return clock_read(CLOCK_MONOTONIC) + 60000;
}

static void assert_content(const char *expected)
{
	char data[200];
	size_t len;

	assert_int_equal(file_read(path, data, sizeof data, &len), 0);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(data, expected, len);
}

static void files_are_private_and_replaced(void **state)
{
	struct buf *first = bytes("a long first content");
	struct buf *second = bytes("second");
	struct err err = {0};
	struct stat st;
	struct sink s;

	(void)state;
	assert_int_equal(sink_open(&s, path, 1000, soon(), &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(sink_put(&s, first, 256, &err), 0);
	sink_close(&s);
	assert_content("a long first content");
	assert_int_equal(sink_open(&s, path, 1000, soon(), &err), 0);
	/* Nothing has come: the old content stands. */
	assert_content("a long first content");
	assert_int_equal(sink_put(&s, second, 0, &err), 0);
	sink_close(&s);
	assert_content("second");
	buf_free(first);
	buf_free(second);
}

static void what_cannot_be_written_is_found_out_first(void **state)
{
	int fds[2], saved = dup(STDOUT_FILENO);
	struct err err = {0};
	struct sink s;

	(void)state;
	assert_int_equal(
	    sink_open(&s, "/nonexistent/file", 1000, soon(), &err), ERR_IO);
	assert_int_equal(sink_open(&s, "/tmp", 1000, soon(), &err), ERR_IO);
	assert_int_equal(pipe(fds), 0);
	(void)close(fds[0]);
	assert_true(dup2(fds[1], STDOUT_FILENO) >= 0);
	assert_int_equal(sink_open(&s, "-", 1000, soon(), &err), ERR_IO);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	assert_non_null(strstr(err.text, "nobody reads"));
	(void)close(fds[1]);
	(void)close(saved);
}

/* More than any file system has, in a file of the shell's and in one of ours.
 */
static void what_has_no_room_is_found_out_first(void **state)
{
	const size_t most = SIZE_MAX / 4;
	struct err err = {0};
	struct sink s;
	int saved, file;

	(void)state;
	SKIP_IF(sizeof most < 8, "a disk may have as much room");
	saved = dup(STDOUT_FILENO);
	file = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
	assert_int_equal(sink_open(&s, "-", 1000, soon(), &err), 0);
	sink_close(&s);
	assert_int_equal(sink_open(&s, "-", most, soon(), &err), ERR_IO);
	assert_int_equal(s.fd, -1);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	assert_non_null(strstr(err.text, "bytes in standard output"));
	assert_int_equal(sink_open(&s, path, most, soon(), &err), ERR_IO);
	assert_non_null(strstr(err.text, "no room for "));
	(void)close(file);
	(void)close(saved);
}

static void what_cannot_be_examined_is_not_opened(void **state)
{
	struct err err = {0};
	struct sink s;

	(void)state;
#ifdef __x86_64__
	failing_next("fstat64");
	assert_int_equal(sink_open(&s, path, 1000, soon(), &err), ERR_IO);
	assert_non_null(strstr(err.text, "cannot examine /tmp/test_sink."));
	assert_int_equal(s.fd, -1);
#else
	(void)err;
	(void)s;
	print_message("skipped: no call fails on this processor\n");
	skip();
#endif
}

static void a_full_device_is_an_error(void **state)
{
	struct buf *b = bytes("x");
	struct err err = {0};
	struct sink s;

	(void)state;
	assert_int_equal(sink_open(&s, "/dev/full", 1000, soon(), &err), 0);
	assert_int_equal(sink_put(&s, b, 0, &err), ERR_IO);
	assert_non_null(strstr(err.text, "No space"));
	sink_close(&s);
	buf_free(b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(files_are_private_and_replaced),
	    T(what_cannot_be_written_is_found_out_first),
	    T(what_has_no_room_is_found_out_first),
	    T(what_cannot_be_examined_is_not_opened),
	    T(a_full_device_is_an_error),
	};

	return cmocka_run_group_tests_name("agent sink", tests, NULL, NULL);
}

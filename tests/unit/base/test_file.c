/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

static void whole_files_only(void **state)
{
	char path[] = "/tmp/test_io.XXXXXX";
	char data[8];
	size_t len;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(file_write(fd, "12345678", 8), 0);
	assert_int_equal(file_read(path, data, 8, &len), 0);
	assert_int_equal(len, 8);
	assert_memory_equal(data, "12345678", 8);
	assert_int_equal(file_read(path, data, 7, &len), ERR_LIMIT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(file_read(path, data, 8, &len), ERR_ABSENT);
	assert_int_equal(file_read("/", data, 8, &len), ERR_IO);
	assert_int_equal(errno, EISDIR);
	(void)close(fd);
}

static void writing_to_a_full_device_fails(void **state)
{
	int fd = open("/dev/full", O_WRONLY);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(file_write(fd, "x", 1), ERR_IO);
	assert_int_equal(errno, ENOSPC);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_files_only),
	    cmocka_unit_test(writing_to_a_full_device_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

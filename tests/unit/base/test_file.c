/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

static void a_file_is_read_whole_or_not_at_all(void **state)
{
	char path[] = "/tmp/test_file.XXXXXX";
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

static void an_open_file_is_read_from_its_position_on(void **state)
{
	char path[] = "/tmp/test_file.XXXXXX";
	int fd = mkstemp(path);
	char data[8];
	size_t len;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(file_write(fd, "12345678", 8), 0);
	assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
	assert_int_equal(file_read_open(fd, data, 6, &len), 0);
	assert_int_equal(len, 6);
	assert_memory_equal(data, "345678", 6);
	assert_int_equal(file_read_open(fd, data, 0, &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
	assert_int_equal(file_read_open(fd, data, 5, &len), ERR_LIMIT);
	(void)close(fd);
	assert_int_equal(file_read_open(fd, data, 8, &len), ERR_IO);
}

static bool is_directory(int fd, const char *path)
{
	struct stat its, st;

	return fstat(fd, &its) == 0 && stat(path, &st) == 0 &&
	       its.st_ino == st.st_ino && its.st_dev == st.st_dev;
}

static void the_parent_of_a_path_is_opened_and_its_name_told(void **state)
{
	static const struct {
		const char *path, *directory, *name;
	} paths[] = {{"name", ".", "name"}, {"/name", "/", "name"},
	    {"/tmp/name", "/tmp", "name"}, {"/tmp//name", "/tmp", "name"},
	    {"./name", ".", "name"}, {"/tmp/", "/tmp", ""}, {"", ".", ""}};
	char far[PATH_MAX + 8];
	const char *name;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		fd = file_open_parent(paths[i].path, &name);
		assert_true(is_directory(fd, paths[i].directory));
		assert_string_equal(name, paths[i].name);
		(void)close(fd);
	}
	assert_int_equal(file_open_parent("/nonexistent/name", &name), -1);
	assert_int_equal(errno, ENOENT);
	memset(far, '/', sizeof far);
	far[sizeof far - 1] = '\0';
	assert_int_equal(file_open_parent(far, &name), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static void a_variable_names_the_directory(void **state)
{
	static const char variable[] = "STATE_DIRECTORY";

	(void)state;
	(void)unsetenv(variable);
	assert_string_equal(file_directory(variable, "/x"), "/x");
	(void)setenv(variable, "", 1);
	assert_string_equal(file_directory(variable, "/x"), "/x");
	(void)setenv(variable, "relative", 1);
	assert_string_equal(file_directory(variable, "/x"), "/x");
	(void)setenv(variable, "/given", 1);
	assert_string_equal(file_directory(variable, "/x"), "/given");
	(void)unsetenv(variable);
}

static void a_directory_is_made_when_it_is_not_there(void **state)
{
	char top[] = "/tmp/test_file.XXXXXX", path[64];
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(top));
	(void)snprintf(path, sizeof path, "%s/state", top);
	for (int i = 0; i < 2; i++) {
		assert_ptr_equal(
		    file_make_directory("NOT_SET", path, 0700), path);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode, S_IFDIR | 0700);
	}
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(top), 0);
}

static void files_of_root_and_of_this_user_are_ours(void **state)
{
	struct stat st = {.st_uid = 0};

	(void)state;
	assert_true(file_is_ours(&st));
	st.st_uid = geteuid();
	assert_true(file_is_ours(&st));
	st.st_uid = geteuid() + 1;
	assert_false(file_is_ours(&st));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file_is_read_whole_or_not_at_all),
	    cmocka_unit_test(an_open_file_is_read_from_its_position_on),
	    cmocka_unit_test(the_parent_of_a_path_is_opened_and_its_name_told),
	    cmocka_unit_test(a_variable_names_the_directory),
	    cmocka_unit_test(a_directory_is_made_when_it_is_not_there),
	    cmocka_unit_test(files_of_root_and_of_this_user_are_ours),
	    cmocka_unit_test(writing_to_a_full_device_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

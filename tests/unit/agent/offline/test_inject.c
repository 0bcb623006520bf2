/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/random.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/offline/inject.h"

#ifndef RNDRESEEDCRNG
#define RNDRESEEDCRNG _IO('R', 0x07)
#endif
#define NO_PRIVILEGE                                                           \
	"the kernel lets only CAP_SYS_ADMIN add entropy: run as root (not in " \
	"an unprivileged container), or use --output FILE"
#define NO_DEVICE "/dev/random is not the kernel's device (char 1:8)"

/* What a kernel answers, as errno or 0; the linker calls ours instead of these
 * (--wrap in tests/rules.mk). */
static struct kernel {
	int open, fstat, probe, add, reseed;
	mode_t mode;
	dev_t device;
} kernel;

static int opened = -1;
static char asked[64]; /* the requests: p, a, r */

static int answer(int error)
{
	errno = error;
	return error == 0 ? 0 : -1;
}

int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	assert_string_equal(path, "/dev/random");
	assert_int_equal(flags & O_ACCMODE, O_WRONLY);
	assert_true((flags & O_CLOEXEC) != 0);
	if (kernel.open != 0)
		return answer(kernel.open);
	opened = dup(STDERR_FILENO);
	return opened;
}

static int look(int fd, struct stat *st)
{
	assert_int_equal(fd, opened);
	st->st_mode = kernel.mode;
	st->st_rdev = kernel.device;
	return answer(kernel.fstat);
}

int __wrap_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st)
{
	return look(fd, st);
}

int __wrap___fstat64_time64(int fd, struct stat *st);
int __wrap___fstat64_time64(int fd, struct stat *st)
{
	return look(fd, st);
}

static int take(int fd, unsigned long request, const void *argument)
{
	assert_int_equal(fd, opened);
	if (request == RNDADDTOENTCNT) {
		assert_null(argument);
		strcat(asked, "p");
		return answer(kernel.probe);
	}
	if (request == RNDADDENTROPY) {
		assert_non_null(argument);
		strcat(asked, "a");
		return answer(kernel.add);
	}
	assert_int_equal(request, RNDRESEEDCRNG);
	strcat(asked, "r");
	return answer(kernel.reseed);
}

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

/* Only the kernel's own pool is opened, and only one that takes bytes. */
static void a_pool_that_is_none_is_not_opened(void **state)
{
	const dev_t pool = makedev(1, 8);
	const struct {
		struct kernel kernel;
		int code;
		const char *text;
	} cases[] = {
	    {{.probe = EFAULT, .mode = S_IFCHR, .device = pool}, 0, ""},
	    {{.probe = 0, .mode = S_IFCHR, .device = pool}, 0, ""},
	    {{.open = EACCES}, ERR_PERM, NO_PRIVILEGE},
	    {{.open = EPERM}, ERR_PERM, NO_PRIVILEGE},
	    {{.open = ENOENT}, ERR_IO,
		"cannot open /dev/random: No such file or directory"},
	    {{.fstat = EIO, .mode = S_IFCHR, .device = pool}, ERR_IO,
		NO_DEVICE},
	    {{.mode = S_IFREG, .device = pool}, ERR_IO, NO_DEVICE},
	    {{.mode = S_IFBLK, .device = pool}, ERR_IO, NO_DEVICE},
	    {{.mode = S_IFCHR, .device = makedev(1, 9)}, ERR_IO, NO_DEVICE},
	    {{.mode = S_IFCHR, .device = makedev(2, 8)}, ERR_IO, NO_DEVICE},
	    {{.probe = EPERM, .mode = S_IFCHR, .device = pool}, ERR_PERM,
		NO_PRIVILEGE},
	    {{.probe = EACCES, .mode = S_IFCHR, .device = pool}, ERR_PERM,
		NO_PRIVILEGE},
	    {{.probe = EINVAL, .mode = S_IFCHR, .device = pool}, ERR_IO,
		"/dev/random does not take entropy: Invalid argument"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {.text = ""};
		int fd = -2;

		kernel = cases[i].kernel;
		opened = -1;
		asked[0] = '\0';
		assert_int_equal(inject_open(&fd, &err), cases[i].code);
		assert_string_equal(err.text, cases[i].text);
		assert_int_equal(fd, cases[i].code == 0 ? opened : -1);
		/* What was no pool was not asked to take anything. */
		assert_string_equal(asked,
		    strcmp(err.text, NO_DEVICE) == 0 || opened < 0 ? "" : "p");
		/* A failure leaves no descriptor open. */
		assert_int_equal(close(opened), cases[i].code == 0 ? 0 : -1);
	}
}

/* As it is where standard input was closed. */
static void a_pool_may_be_descriptor_0(void **state)
{
	int fd = -2;

	(void)state;
	kernel = (struct kernel){.mode = S_IFCHR, .device = makedev(1, 8)};
	(void)close(STDIN_FILENO);
	errno = EACCES;
	assert_int_equal(inject_open(&fd, NULL), 0);
	assert_int_equal(fd, 0);
}

static const char not_at_once[] =
    "the bytes are mixed, but this kernel cannot reseed its generator at once, "
    "as --forked and --strict need it: use Linux 4.17 or later";

static void a_pool_that_refuses_bytes_is_an_error(void **state)
{
	static const struct {
		bool at_once;
		int add, reseed, code;
		const char *text, *asked;
	} cases[] = {{false, 0, 0, 0, "", "ar"}, {true, 0, 0, 0, "", "ar"},
	    {false, 0, ENODATA, 0, "", "ar"}, {true, 0, ENODATA, 0, "", "ar"},
	    {false, 0, EINVAL, 0, "", "ar"}, {false, 0, ENOTTY, 0, "", "ar"},
	    {true, 0, EINVAL, ERR_IO, not_at_once, "ar"},
	    {true, 0, ENOTTY, ERR_IO, not_at_once, "ar"},
	    {false, 0, EPERM, ERR_IO,
		"RNDRESEEDCRNG failed: Operation not permitted", "ar"},
	    {false, EPERM, 0, ERR_PERM, NO_PRIVILEGE, "a"},
	    {true, EINVAL, 0, ERR_IO, "RNDADDENTROPY failed: Invalid argument",
		"a"},
	    {false, ENOTTY, 0, ERR_IO,
		"RNDADDENTROPY failed: Inappropriate ioctl for device", "a"}};
	struct buf *bytes = buf_new(32);

	(void)state;
	assert_int_equal(buf_add(bytes, "0123456789abcdef", 16), 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {.text = ""};

		kernel = (struct kernel){
		    .add = cases[i].add, .reseed = cases[i].reseed};
		asked[0] = '\0';
		assert_int_equal(
		    inject(opened, bytes, 128, cases[i].at_once, &err),
		    cases[i].code);
		assert_string_equal(err.text, cases[i].text);
		assert_string_equal(asked, cases[i].asked);
	}
	/* Credit for what is not there never reaches the kernel. */
	asked[0] = '\0';
	assert_int_equal(inject(opened, bytes, 129, false, NULL), ERR_LIMIT);
	assert_string_equal(asked, "");
	buf_free(bytes);
}

static void the_argument_is_the_kernels(void **state)
{
	static const uint8_t data[512] = {1, 2, 3, [511] = 9};
	struct rand_pool_info head;
	struct buf *b;

	(void)state;
	assert_int_equal(inject_argument(data, sizeof data, 256, &b), 0);
	assert_int_equal(buf_len(b), sizeof head + sizeof data);
	memcpy(&head, buf_data(b), sizeof head);
	assert_int_equal(head.entropy_count, 256);
	assert_int_equal(head.buf_size, 512);
	assert_memory_equal(
	    buf_data(b) + offsetof(struct rand_pool_info, buf), data, 512);
	buf_free(b);
}

static void no_more_credit_is_given_than_there_are_bits(void **state)
{
	static const uint8_t data[32];
	struct buf *b;

	(void)state;
	assert_int_equal(inject_argument(data, 32, 257, &b), ERR_LIMIT);
	assert_null(b);
	assert_int_equal(
	    inject_argument(data, (size_t)INT_MAX, 0, &b), ERR_LIMIT);
	assert_null(b);
	assert_int_equal(
	    inject_argument(data, (size_t)INT_MAX / 8 + 1, 0, &b), ERR_LIMIT);
	assert_null(b);
	assert_int_equal(inject_argument(data, 32, 256, &b), 0);
	buf_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_argument_is_the_kernels),
	    cmocka_unit_test(a_pool_that_is_none_is_not_opened),
	    cmocka_unit_test(a_pool_may_be_descriptor_0),
	    cmocka_unit_test(a_pool_that_refuses_bytes_is_an_error),
	    cmocka_unit_test(no_more_credit_is_given_than_there_are_bits),
	};

	return cmocka_run_group_tests_name("agent inject", tests, NULL, NULL);
}

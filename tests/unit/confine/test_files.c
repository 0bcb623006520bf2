/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "aid/confine.h"
#include "confine/steps.h"

/* The working directory of all tests: in/text, in/deep/text, out/text, and
 * link, which names out/linked. */
static char place[] = "/tmp/test_confine.XXXXXX";

static int put(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	return fd < 0 || write(fd, "text", 4) != 4 ? -1 : close(fd);
}

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(place) == NULL || chdir(place) != 0 ||
	    mkdir("in", 0755) != 0 || mkdir("in/deep", 0755) != 0 ||
	    mkdir("out", 0755) != 0 || put("in/text") != 0 ||
	    put("in/deep/text") != 0 || put("out/text") != 0 ||
	    put("out/linked") != 0 || symlink("out/linked", "link") != 0)
		return -1;
	return 0;
}

static int teardown(void **state)
{
	static const char *const files[] = {
	    "in/text", "in/deep/text", "out/text", "out/linked", "link"};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		(void)unlink(files[i]);
	(void)rmdir("in/deep");
	(void)rmdir("in");
	(void)rmdir("out");
	return chdir("/") == 0 ? rmdir(place) : -1;
}

static bool can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	return fd >= 0 && close(fd) == 0;
}

#define DENIED(call) ((call) == -1 && errno == EACCES)

static bool refuses(const char *path, int flags)
{
	return !can_open(path, flags) && errno == EACCES;
}

static void enter(const char *const *readable)
{
	struct err err = {0};

	CHECK(confine_files(readable, false, &err) == 0);
}

static const char *const in_and_link[] = {
    "in", "link", "not/there", "in/text/no-directory", NULL};

static void child_only_the_given_paths_can_be_read(void)
{
	enter(in_and_link);
	CHECK(can_open("in/text", O_RDONLY));
	CHECK(can_open("in/deep/text", O_RDONLY));
	CHECK(can_open("in", O_RDONLY | O_DIRECTORY));
	/* By whatever name: it is the file that is allowed. */
	CHECK(can_open("link", O_RDONLY) && can_open("out/linked", O_RDONLY));
	CHECK(refuses("out/text", O_RDONLY));
	CHECK(refuses("in/../out/text", O_RDONLY));
	CHECK(refuses("out", O_RDONLY | O_DIRECTORY));
	CHECK(refuses("/etc/passwd", O_RDONLY));
}

/* Not even what can be read; it would end in failure. */
static void child_nothing_can_be_run(void)
{
	static const char *const everything[] = {"/", NULL};

	enter(everything);
	CHECK(can_open("/bin/false", O_RDONLY));
	CHECK(DENIED(execl("/bin/false", "false", NULL)));
}

static void child_nothing_can_be_written(void)
{
	enter(in_and_link);
	CHECK(refuses("in/text", O_WRONLY) && refuses("in/text", O_RDWR));
	CHECK(refuses("out/linked", O_WRONLY));
	CHECK(refuses("in/new", O_WRONLY | O_CREAT));
	CHECK(refuses("/tmp/test_confine.new", O_WRONLY | O_CREAT));
	CHECK(refuses("/dev/null", O_WRONLY));
	CHECK(DENIED(unlink("in/text")));
	CHECK(DENIED(mkdir("in/new", 0700)) && DENIED(rmdir("in/deep")));
	CHECK(DENIED(rename("in/text", "in/other")));
	CHECK(DENIED(symlink("text", "in/other")));
	CHECK(DENIED(mkfifo("in/other", 0600)));
	CHECK(DENIED(mknod("in/other", S_IFREG | 0600, 0)));
	CHECK(DENIED(mknod("in/other", S_IFSOCK | 0600, 0)));
	if (geteuid() == 0) {
		CHECK(DENIED(mknod("in/other", S_IFCHR, makedev(1, 3))));
		CHECK(DENIED(mknod("in/other", S_IFBLK, makedev(7, 0))));
	}
}

/* Which version of Landlock the kernel has. */
static long find_version(void)
{
#ifdef SYS_landlock_create_ruleset
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
#else
	return 0;
#endif
}

/* The rights that came with versions 3 and 5. */
static void child_what_later_kernels_can_refuse_is_refused(void)
{
	static const char *const readable[] = {"in", "/dev/null", NULL};
	const long version = find_version();
	struct termios t;
	int fd;

	enter(readable);
	CHECK(version < 3 || DENIED(truncate("in/text", 3)));
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(ioctl(fd, TCGETS, &t) == -1);
	CHECK(errno == (version < 5 ? ENOTTY : EACCES));
	CHECK(close(fd) == 0);
}

static void child_what_was_open_before_stays_open(void)
{
	char text[8];
	int fd = open("out/text", O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	enter(in_and_link);
	CHECK(pread(fd, text, sizeof text, 0) == 4);
	CHECK(pwrite(fd, "text", 4, 0) == 4);
	CHECK(ftruncate(fd, 4) == 0 && close(fd) == 0);
}

/* A parent can still end a child that is confined apart from it. */
static void child_a_parent_can_still_end_a_confined_child(void)
{
	static const char *const nothing[] = {NULL};
	int go[2], status = 0;
	char byte;
	pid_t child;

	CHECK(pipe(go) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		enter(nothing);
		CHECK(write(go[1], "", 1) == 1);
		(void)poll(NULL, 0, 30000);
		_exit(1);
	}
	enter(nothing);
	CHECK(read(go[0], &byte, 1) == 1);
	CHECK(kill(child, SIGTERM) == 0);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void child_a_child_inherits_the_confinement(void)
{
	static const char *const everything[] = {"/", NULL};
	int status = -1;
	pid_t child;

	enter(in_and_link);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		/* More cannot be had back. */
		enter(everything);
		CHECK(refuses("out/text", O_RDONLY));
		CHECK(can_open("in/text", O_RDONLY));
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* 0, or why a terminal of this name cannot be asked for its mode. */
static int try_terminal(const char *name)
{
	const int fd = open(name, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	struct termios mode;
	int why;

	CHECK(fd >= 0);
	why = tcgetattr(fd, &mode) == 0 ? 0 : errno;
	CHECK(close(fd) == 0);
	return why;
}

/* Landlock refuses that since its version 5, and other ioctls of files never.
 */
static void child_a_terminal_is_asked_only_where_it_is_said(void)
{
	static const char *const devices[] = {"/dev", NULL};
	const int master = posix_openpt(O_RDWR | O_NOCTTY);
	struct err err = {0};
	const char *name;
	int why;

	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	name = ptsname(master);
	CHECK(name != NULL);
	CHECK(confine_files(devices, true, &err) == 0);
	CHECK(try_terminal(name) == 0);
	CHECK(confine_files(devices, false, &err) == 0);
	why = try_terminal(name);
	CHECK(why == EACCES || why == 0);
}

#define TEST(name)                                                             \
	static void name(void **state)                                         \
	{                                                                      \
		(void)state;                                                   \
		SKIP_IF(confine_aid_valgrind(), "valgrind has no Landlock");   \
		SKIP_IF(!confine_has_files(), "no Landlock here");             \
		confine_aid_run(child_##name);                                 \
	}

TEST(only_the_given_paths_can_be_read)
TEST(nothing_can_be_run)
TEST(nothing_can_be_written)
TEST(what_later_kernels_can_refuse_is_refused)
TEST(what_was_open_before_stays_open)
TEST(a_parent_can_still_end_a_confined_child)
TEST(a_child_inherits_the_confinement)
TEST(a_terminal_is_asked_only_where_it_is_said)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_the_given_paths_can_be_read),
	    cmocka_unit_test(nothing_can_be_run),
	    cmocka_unit_test(nothing_can_be_written),
	    cmocka_unit_test(what_later_kernels_can_refuse_is_refused),
	    cmocka_unit_test(what_was_open_before_stays_open),
	    cmocka_unit_test(a_parent_can_still_end_a_confined_child),
	    cmocka_unit_test(a_child_inherits_the_confinement),
	    cmocka_unit_test(a_terminal_is_asked_only_where_it_is_said),
	};

	return cmocka_run_group_tests_name(
	    "confine files", tests, setup, teardown);
}

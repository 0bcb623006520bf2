/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of Landlock, by a kernel of each of its versions.  The kernel
 * is played (--wrap in tests/rules.mk): it refuses what that version would
 * refuse (landlock(7), landlock_create_ruleset(2) and the like). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "aid/confine.h"
#include "confine/steps.h"

#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>

#define NEWEST    8
#define RULESET   1000 /* a descriptor that is none */
#define FIRST     UINT64_C(0x1fff)
#define REFER     (UINT64_C(1) << 13)
#define TRUNCATE  (UINT64_C(1) << 14)
#define IOCTL_DEV (UINT64_C(1) << 15)
#define OF_A_FILE                                                              \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |          \
	    LANDLOCK_ACCESS_FS_READ_FILE | TRUNCATE | IOCTL_DEV)

/* The rights by the version that they came with. */
static const uint64_t known[NEWEST + 1] = {0, FIRST, FIRST | REFER,
    FIRST | REFER | TRUNCATE, FIRST | REFER | TRUNCATE,
    FIRST | REFER | TRUNCATE | IOCTL_DEV, FIRST | REFER | TRUNCATE | IOCTL_DEV,
    FIRST | REFER | TRUNCATE | IOCTL_DEV, FIRST | REFER | TRUNCATE | IOCTL_DEV};

static struct {
	long version; /* 0: none */
	bool lies;    /* says that it enforces, and does not */
	long fails;   /* the number of the call that it refuses; 0: none */
	uint64_t handled, of_folder, of_file; /* what it was asked for */
	unsigned rules;
	bool is_made, is_enforced;
} kernel;

static long refuse(int reason)
{
	errno = reason;
	return -1;
}

static long create_ruleset(
    const struct landlock_ruleset_attr *attr, size_t size, unsigned flags)
{
	if (flags == LANDLOCK_CREATE_RULESET_VERSION && attr == NULL &&
	    size == 0)
		return kernel.version;
	if (flags != 0 || attr == NULL || size < sizeof attr->handled_access_fs)
		return refuse(EINVAL);
	if (attr->handled_access_fs == 0 ||
	    (attr->handled_access_fs & ~known[kernel.version]) != 0)
		return refuse(EINVAL);
	kernel.handled = attr->handled_access_fs;
	kernel.is_made = true;
	return RULESET;
}

static long add_rule(int ruleset, int type,
    const struct landlock_path_beneath_attr *attr, unsigned flags)
{
	const uint64_t asked = attr->allowed_access;
	struct stat st;

	if (!kernel.is_made || ruleset != RULESET || flags != 0 ||
	    type != LANDLOCK_RULE_PATH_BENEATH)
		return refuse(EINVAL);
	if (fstat(attr->parent_fd, &st) != 0)
		return refuse(EBADF);
	if (asked == 0 || (asked & ~kernel.handled) != 0 ||
	    (!S_ISDIR(st.st_mode) && (asked & ~OF_A_FILE) != 0))
		return refuse(EINVAL);
	*(S_ISDIR(st.st_mode) ? &kernel.of_folder : &kernel.of_file) |= asked;
	kernel.rules++;
	return 0;
}

static long restrict_self(int ruleset, unsigned flags)
{
	if (!kernel.is_made || ruleset != RULESET || flags != 0)
		return refuse(EINVAL);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return refuse(EPERM);
	kernel.is_enforced = !kernel.lies;
	return 0;
}

long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	long args[4];
	va_list ap;

	va_start(ap, number);
	for (size_t i = 0; i < sizeof args / sizeof args[0]; i++)
		args[i] = va_arg(ap, long);
	va_end(ap);
	if (kernel.version == 0)
		return refuse(ENOSYS);
	if (number == kernel.fails && args[0] != 0)
		return refuse(E2BIG);
	if (number == SYS_landlock_create_ruleset)
		return create_ruleset(
		    (const void *)args[0], (size_t)args[1], (unsigned)args[2]);
	if (number == SYS_landlock_add_rule)
		return add_rule((int)args[0], (int)args[1],
		    (const void *)args[2], (unsigned)args[3]);
	assert_int_equal(number, SYS_landlock_restrict_self);
	return restrict_self((int)args[0], (unsigned)args[1]);
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	if (kernel.is_enforced && (flags & O_ACCMODE) != O_RDONLY)
		return (int)refuse(EACCES);
	return __real_open64(path, flags);
}

static const char *const readable[] = {
    "/", "/not/there", "/etc/passwd", "/etc", NULL};

static void play(long version)
{
	memset(&kernel, 0, sizeof kernel);
	kernel.version = version;
}

static long version;
static bool terminals;

/* All rights of the version are handled, and few of them given back. */
static void child_asks_for_what_the_version_has(void)
{
	const uint64_t all = known[version];
	const uint64_t reading =
	    LANDLOCK_ACCESS_FS_READ_FILE | (terminals ? all & IOCTL_DEV : 0);
	struct err err = {0};

	play(version);
	CHECK(confine_has_files() == (version > 0));
	CHECK(confine_files(readable, terminals, &err) == 0);
	CHECK(kernel.handled == all);
	if (version == 0)
		return;
	CHECK(kernel.is_enforced && kernel.rules == 3);
	CHECK(kernel.of_file == reading);
	CHECK(kernel.of_folder == (reading | LANDLOCK_ACCESS_FS_READ_DIR));
}

static void all_that_a_version_can_refuse_is_refused(void **state)
{
	(void)state;
	for (version = 0; version <= NEWEST; version++)
		for (int i = 0; i < 2; i++) {
			terminals = i == 1;
			confine_aid_run(child_asks_for_what_the_version_has);
		}
}

static const struct failure {
	long call; /* 0: none of them, but nothing is enforced */
	const char *said;
} failures[] = {
    {SYS_landlock_create_ruleset,
	"cannot set Landlock up: Argument list too long"},
    {SYS_landlock_add_rule, "Landlock does not take /: Argument list too long"},
    {SYS_landlock_restrict_self,
	"cannot enforce Landlock: Argument list too long"},
    {0, "files can still be written in spite of Landlock"},
};
static const struct failure *failure;

static void child_is_refused(void)
{
	struct err err = {0};

	play(NEWEST);
	kernel.fails = failure->call;
	kernel.lies = failure->call == 0;
	CHECK(confine_has_files());
	CHECK(confine_files(readable, false, &err) == ERR_PERM);
	CHECK(strcmp(err.text, failure->said) == 0);
}

static void what_a_kernel_with_landlock_refuses_is_an_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
		failure = &failures[i];
		confine_aid_run(child_is_refused);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_that_a_version_can_refuse_is_refused),
	    cmocka_unit_test(what_a_kernel_with_landlock_refuses_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
	print_message("skipped: built with headers without Landlock\n");
	return 0;
}
#endif

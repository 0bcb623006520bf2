/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/steps.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Kernel headers before 5.13 have none: the program is built without it. */
#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (UINT64_C(1) << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (UINT64_C(1) << 15)
#endif
#define FIRST_ABI                                                              \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |          \
	    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |       \
	    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |   \
	    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |       \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |       \
	    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |     \
	    LANDLOCK_ACCESS_FS_MAKE_SYM)

/* Rights that the running kernel does not know are refused by it; versions 4
 * and 6 added none that concern files. */
static uint64_t rights_of(long abi)
{
	uint64_t rights = FIRST_ABI;

	if (abi >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		rights |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return rights;
}

static int allow_reading(
    int ruleset, uint64_t rights, const char *path, struct err *err)
{
	struct landlock_path_beneath_attr beneath = {.allowed_access = rights};
	struct stat st;
	int rc = 0;

	beneath.parent_fd = open(path, O_PATH | O_CLOEXEC);
	/* A path that is not there, or that this user cannot reach, needs no
	 * rule. */
	if (beneath.parent_fd < 0)
		return 0;
	if (fstat(beneath.parent_fd, &st) == 0 && S_ISDIR(st.st_mode))
		beneath.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		&beneath, 0) != 0)
		rc =
		    err_errno(err, ERR_PERM, "Landlock does not take %s", path);
	(void)close(beneath.parent_fd);
	return rc;
}

static int enforce_ruleset(int ruleset, struct err *err)
{
	int fd;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		return err_errno(err, ERR_PERM, "cannot enforce Landlock");
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return 0;
	(void)close(fd);
	return err_set(
	    err, ERR_PERM, "files can still be written in spite of Landlock");
}

/* 0: the kernel was built without Landlock, has it turned off, or a container's
 * filter refuses the call. */
static long find_abi(void)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 1 ? 0 : abi;
}

static int restrict_files(
    const char *const *readable, bool terminals, struct err *err)
{
	const long abi = find_abi();
	struct landlock_ruleset_attr attr = {
	    .handled_access_fs = rights_of(abi)};
	const uint64_t terminal = terminals ? LANDLOCK_ACCESS_FS_IOCTL_DEV : 0;
	/* Earlier kernels know no right for ioctl(2), and refuse none. */
	const uint64_t rights =
	    LANDLOCK_ACCESS_FS_READ_FILE | (terminal & attr.handled_access_fs);
	int ruleset, rc = 0;

	if (abi == 0)
		return 0;
	ruleset =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (ruleset < 0)
		return err_errno(err, ERR_PERM, "cannot set Landlock up");
	for (size_t i = 0; rc == 0 && readable[i] != NULL; i++)
		rc = allow_reading(ruleset, rights, readable[i], err);
	if (rc == 0)
		rc = enforce_ruleset(ruleset, err);
	(void)close(ruleset);
	return rc;
}

#define HAS_LANDLOCK 1
#endif

bool confine_has_files(void)
{
#ifdef HAS_LANDLOCK
	return find_abi() > 0;
#else
	return false;
#endif
}

int confine_files(const char *const *readable, bool terminals, struct err *err)
{
#ifdef HAS_LANDLOCK
	return restrict_files(readable, terminals, err);
#else
	(void)readable;
	(void)terminals;
	(void)err;
	return 0;
#endif
}

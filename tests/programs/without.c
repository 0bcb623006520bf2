/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run a program as a kernel without seccomp filters would, or qemu's emulation
 * of processes: it can set none of its own.  Or as one without Landlock, or
 * without both.
 *	without seccomp|landlock|seccomp,landlock PROGRAM [ARGUMENT ...]
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int refuse_prctl(scmp_filter_ctx filter, int what)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl),
	    1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)what, 0));
}

static int refuse_seccomp(scmp_filter_ctx filter)
{
	int rc = refuse_prctl(filter, PR_SET_SECCOMP);

	if (rc == 0)
		rc = refuse_prctl(filter, PR_GET_SECCOMP);
	if (rc == 0)
		rc = seccomp_rule_add(
		    filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0);
	return rc;
}

static int refuse_landlock(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
	    SCMP_SYS(landlock_create_ruleset), 0);
}

int main(int argc, char *argv[])
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = -1;

	if (argc < 3)
		return 64;
	if (filter != NULL)
		rc = 0;
	if (rc == 0 && strstr(argv[1], "landlock") != NULL)
		rc = refuse_landlock(filter);
	if (rc == 0 && strstr(argv[1], "seccomp") != NULL)
		rc = refuse_seccomp(filter);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (rc != 0) {
		(void)fputs("without: cannot set a filter\n", stderr);
		return 70;
	}
	(void)execv(argv[2], argv + 2);
	perror(argv[2]);
	return 70;
}

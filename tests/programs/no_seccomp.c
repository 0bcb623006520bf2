/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run a program as a kernel without seccomp filters would, or qemu's emulation
 * of processes: it can set none of its own.
 *	no_seccomp PROGRAM [ARGUMENT ...]
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static int refuse(scmp_filter_ctx filter, int what)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl),
	    1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)what, 0));
}

int main(int argc, char *argv[])
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = -1;

	if (argc < 2)
		return 64;
	if (filter != NULL)
		rc = refuse(filter, PR_SET_SECCOMP);
	if (rc == 0)
		rc = refuse(filter, PR_GET_SECCOMP);
	if (rc == 0)
		rc = seccomp_rule_add(
		    filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (rc != 0) {
		(void)fputs("no_seccomp: cannot set a filter\n", stderr);
		return 70;
	}
	(void)execv(argv[1], argv + 1);
	perror(argv[1]);
	return 70;
}

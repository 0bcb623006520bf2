/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/confine.h"

#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "confine/steps.h"

int confine_no_core(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return ERR_IO;
	return 0;
}

static int become_user(struct confine_half *half, struct err *err)
{
	int rc = 0;

	half->nobody = false;
	if (half->user != NULL)
		rc = confine_become(half->user, &half->nobody, err);
	/* A change of user makes a process dumpable again. */
	if (rc == 0 && confine_no_core() != 0)
		rc = err_errno(err, ERR_IO, "cannot turn core dumps off");
	return rc;
}

/* A kernel without seccomp filters is no reason to go without the other steps;
 * one without Landlock is treated likewise. */
static int restrict_calls(struct confine_half *half, struct err *err)
{
	const int rc = confine_calls(half->role, err);

	half->seccomp = rc != ERR_UNSUPPORTED;
	if (half->seccomp)
		return rc;
	err->code = 0;
	return 0;
}

/*
 * The order: the timer is first, because it has to end even a half that hangs
 * in a later step.  The user changes while root still has the capabilities
 * for it, and before Landlock closes /etc/passwd.  Landlock and seccomp need
 * the no-new-privs that the step of the capabilities sets.  Seccomp is last,
 * because it refuses the calls of all other steps.
 */
int confine_half(struct confine_half *half, struct err *err)
{
	int rc = 0;

	if (half->lifetime_ms > 0)
		rc = confine_lifetime(half->lifetime_ms, err);
	if (rc == 0)
		rc = become_user(half, err);
	if (rc == 0)
		rc = confine_capabilities(half->cap, err);
	if (rc == 0)
		rc = confine_limits(CONFINE_FILES, err);
	if (rc == 0)
		rc = confine_files(half->readable, &half->landlock, err);
	if (rc == 0)
		rc = restrict_calls(half, err);
	return rc;
}

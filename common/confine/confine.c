/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/confine.h"

#include <stdio.h>
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

static int become_user(
    const struct confine_half *half, bool *changed, struct err *err)
{
	int rc = 0;

	*changed = false;
	if (half->user != NULL)
		rc = confine_become(half, changed, err);
	/* A change of user makes a process dumpable again. */
	if (rc == 0 && confine_no_core() != 0)
		rc = err_errno(err, ERR_IO, "cannot turn core dumps off");
	if (rc == 0 && *changed && !confine_own_tie())
		rc =
		    err_errno(err, ERR_IO, "cannot tie this half to the other");
	return rc;
}

static int give_root_up(
    const struct confine_half *half, bool changed, struct err *err)
{
	const int rc = confine_capabilities(half->cap, err);

	if (rc == 0 && changed && !confine_root_is_gone())
		return err_set(err, ERR_PERM,
		    "root's rights could be had back after the change of user");
	return rc;
}

/* A kernel without filters is no reason to go without the other steps. */
static int restrict_calls(enum confine_role role, struct err *err)
{
	return confine_has_calls() ? confine_calls(role, err) : 0;
}

/*
 * The order: the timer is first, because it has to end even a half that hangs
 * in a later step.  The user changes while root still has the capabilities
 * for it, and before Landlock closes /etc/passwd.  Landlock and seccomp need
 * the no-new-privs that the step of the capabilities sets.  Seccomp is last,
 * because it refuses the calls of all other steps.
 */
int confine_half(const struct confine_half *half, struct err *err)
{
	bool changed = false;
	int rc = 0;

	if (half->lifetime_ms > 0)
		rc = confine_lifetime(half->lifetime_ms, err);
	if (rc == 0)
		rc = become_user(half, &changed, err);
	if (rc == 0)
		rc = give_root_up(half, changed, err);
	if (rc == 0)
		rc = confine_limits(CONFINE_FILES, CONFINE_MEMORY, err);
	if (rc == 0)
		rc = confine_files(half->readable, half->terminals, err);
	if (rc == 0)
		rc = restrict_calls(half->role, err);
	return rc;
}

static char *add_lack(struct confine_lacks *l)
{
	return l->text[l->n++];
}

static void find_missing_user(
    const char *user, const char *instead, struct confine_lacks *l)
{
	if (!confine_user_exists(user))
		(void)snprintf(add_lack(l), sizeof l->text[0],
		    "there is no user %s, and one half runs as %s: make it "
		    "with systemd-sysusers or useradd --system --user-group %s",
		    user, instead, user);
}

void confine_find_lacks(
    const char *offline_user, const char *online_user, struct confine_lacks *l)
{
	*l = (struct confine_lacks){.one_user = !confine_may_be_root()};
	if (!l->one_user) {
		find_missing_user(offline_user, "root without its rights", l);
		find_missing_user(online_user, "nobody", l);
	}
	l->users = l->n;
	if (!confine_has_files())
		(void)snprintf(add_lack(l), sizeof l->text[0],
		    "this kernel has no Landlock: the files that each half can "
		    "read are restricted by its user alone");
	if (!confine_has_calls())
		(void)snprintf(add_lack(l), sizeof l->text[0],
		    "this kernel has no seccomp filters: the system calls of "
		    "both halves are not restricted");
}

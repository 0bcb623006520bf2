/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/steps.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORDS      _LINUX_CAPABILITY_U32S_3
#define CAP_IN(n)  ((n) / 32)
#define CAP_BIT(n) (UINT32_C(1) << ((n) % 32))

/* Until the kernel knows no more.  EPERM: without CAP_SETPCAP it drops none,
 * and what is left is of no use to a process with no-new-privs: execve(2) gives
 * it nothing of the set. */
bool confine_drop_bounding_set(int keep)
{
	for (int cap = 0;; cap++) {
		if (cap == keep)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			return errno == EPERM ||
			       prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0;
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 0)
			return false;
	}
}

/* capget(2) or capset(2), by its number: libcap is not needed for these two. */
static long call_capabilities(
    long number, const struct __user_cap_data_struct data[static WORDS])
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(number, &head, data);
}

static bool has_only(const struct __user_cap_data_struct wanted[static WORDS])
{
	struct __user_cap_data_struct now[WORDS] = {{0}};

	if (call_capabilities(SYS_capget, now) != 0)
		return false;
	for (int i = 0; i < WORDS; i++)
		if (now[i].permitted != wanted[i].permitted ||
		    now[i].effective != wanted[i].effective ||
		    now[i].inheritable != 0)
			return false;
	return true;
}

/* What is ambient is inheritable, too (capabilities(7)), and nothing is. */
static bool others_are_gone(
    const struct __user_cap_data_struct wanted[static WORDS])
{
	struct __user_cap_data_struct more[WORDS];

	memset(more, 0xff, sizeof more);
	return has_only(wanted) && call_capabilities(SYS_capset, more) != 0 &&
	       has_only(wanted) && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static int keep_one(int cap, struct __user_cap_data_struct wanted[static WORDS],
    struct err *err)
{
	struct __user_cap_data_struct now[WORDS] = {{0}};

	if (cap < 0)
		return 0;
	if (cap >= 32 * WORDS)
		return err_set(err, ERR_INTERNAL, "no capability %d", cap);
	if (call_capabilities(SYS_capget, now) != 0)
		return err_errno(err, ERR_PERM, "cannot read capabilities");
	if ((now[CAP_IN(cap)].permitted & CAP_BIT(cap)) == 0)
		return err_set(err, ERR_PERM,
		    "capability %d is not there to keep: run as root, or let "
		    "the service have it (CapabilityBoundingSet)",
		    cap);
	wanted[CAP_IN(cap)].permitted = CAP_BIT(cap);
	wanted[CAP_IN(cap)].effective = CAP_BIT(cap);
	return 0;
}

int confine_capabilities(int cap, struct err *err)
{
	struct __user_cap_data_struct wanted[WORDS] = {{0}};
	int rc = keep_one(cap, wanted, err);

	if (rc != 0)
		return rc;
	if (!confine_drop_bounding_set(cap))
		return err_errno(err, ERR_PERM, "cannot drop the bounding set");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_errno(err, ERR_PERM, "cannot set no-new-privs");
	/* Set for a change of user that keeps one (capabilities(7)). */
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0)
		return err_errno(err, ERR_PERM, "cannot reset keep-caps");
	/* Old kernels (before 4.3) have no ambient set. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 &&
	    errno != EINVAL)
		return err_errno(
		    err, ERR_PERM, "cannot clear the ambient capabilities");
	if (call_capabilities(SYS_capset, wanted) != 0)
		return err_errno(err, ERR_PERM, "cannot drop capabilities");
	if (!others_are_gone(wanted))
		return err_set(
		    err, ERR_PERM, "dropped capabilities could be had back");
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

#define NOBODY     65534
#define ENTRY_MAX  4096 /* bytes of one entry of passwd(5) */
#define NO_ID      ((uid_t)-1)
#define WORDS      _LINUX_CAPABILITY_U32S_3
#define CAP_IN(n)  ((n) / 32)
#define CAP_BIT(n) (UINT32_C(1) << ((n) % 32))

struct ids {
	uid_t uid;
	gid_t gid;
};

/* Any of the three can be made the effective one again. */
static bool may_be_root(void)
{
	uid_t real, effective, saved;

	return getresuid(&real, &effective, &saved) != 0 || real == 0 ||
	       effective == 0 || saved == 0;
}

static bool look_up(const char *user, struct ids *ids)
{
	char space[ENTRY_MAX];
	struct passwd entry, *found = NULL;

	if (getpwnam_r(user, &entry, space, sizeof space, &found) != 0 ||
	    found == NULL)
		return false;
	*ids = (struct ids){found->pw_uid, found->pw_gid};
	return true;
}

/* Whether the user namespace has this id (user_namespaces(7)). */
static bool is_mapped(const char *map, unsigned long id)
{
	char text[ENTRY_MAX], *at = text, *end;
	size_t len = 0;

	/* Of a map that is longer the beginning will do. */
	(void)!file_read(map, text, sizeof text - 1, &len);
	text[len] = '\0';
	for (;;) {
		const unsigned long first = strtoul(at, &end, 10);
		unsigned long count;

		if (end == at)
			return len == 0; /* not told: to be tried */
		(void)strtoul(end, &at, 10);
		count = strtoul(at, &end, 10);
		if (id >= first && id - first < count)
			return true;
		at = end;
	}
}

/* PR_CAPBSET_READ fails for the first number that the kernel does not know.
 * What it refuses to drop (EPERM, without CAP_SETPCAP) is of no use to a
 * process with no-new-privs: execve(2) gives it nothing of the set. */
static bool drop_bounding_set(int keep)
{
	int there;

	for (int cap = 0; (there = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) >= 0;
	     cap++) {
		if (cap == keep || there == 0)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0
			? errno != EPERM
			: prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 0)
			return false;
	}
	return true;
}

/* A change of ids makes the kernel forget which signal the parent's death is
 * to send; if that happened meanwhile, the signal is overdue. */
static int keep_parent_death(int signal, pid_t parent, struct err *err)
{
	if (signal == 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) != 0)
		return err_errno(
		    err, ERR_PERM, "cannot ask for the parent's death");
	if (getppid() != parent)
		(void)kill(getpid(), signal);
	return 0;
}

static int change_ids(const struct ids *ids, struct err *err)
{
	/* Kept capabilities would make root regainable. */
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0 ||
	    setgroups(0, NULL) != 0 ||
	    setresgid(ids->gid, ids->gid, ids->gid) != 0 ||
	    setresuid(ids->uid, ids->uid, ids->uid) != 0)
		return err_errno(err, ERR_PERM,
		    "cannot become user %lu of group %lu",
		    (unsigned long)ids->uid, (unsigned long)ids->gid);
	return 0;
}

static bool root_is_gone(const struct ids *ids)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) != 0 ||
	    getresgid(&rgid, &egid, &sgid) != 0)
		return false;
	return ruid == ids->uid && euid == ids->uid && suid == ids->uid &&
	       rgid == ids->gid && egid == ids->gid && sgid == ids->gid &&
	       getgroups(0, NULL) == 0 && setresuid(NO_ID, 0, NO_ID) != 0 &&
	       setresgid(NO_ID, 0, NO_ID) != 0 && setuid(0) != 0 &&
	       setgid(0) != 0;
}

int confine_become(const char *user, bool *fallback, struct err *err)
{
	struct ids ids = {NOBODY, NOBODY};
	const pid_t parent = getppid();
	int signal = 0, rc;

	*fallback = false;
	if (!may_be_root())
		return 0;
	*fallback = !look_up(user, &ids);
	if (ids.uid == 0 || ids.gid == 0)
		return err_set(err, ERR_PERM,
		    "user %s has root's user or group id: give it its own",
		    user);
	if (!is_mapped("/proc/self/uid_map", ids.uid) ||
	    !is_mapped("/proc/self/gid_map", ids.gid)) {
		*fallback = false;
		return 0;
	}
	if (prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0) != 0)
		return err_errno(err, ERR_PERM, "cannot read PDEATHSIG");
	/* CAP_SETPCAP goes with the user id. */
	if (!drop_bounding_set(-1))
		return err_errno(err, ERR_PERM, "cannot drop capabilities");
	rc = change_ids(&ids, err);
	if (rc == 0)
		rc = keep_parent_death(signal, parent, err);
	if (rc == 0 && !root_is_gone(&ids))
		rc = err_set(err, ERR_PERM,
		    "root's rights could be had back after becoming user %lu",
		    (unsigned long)ids.uid);
	return rc;
}

/* libcap is not needed for two system calls. */
static int get_capabilities(struct __user_cap_data_struct data[static WORDS])
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};

	return (int)syscall(SYS_capget, &head, data);
}

static int set_capabilities(
    const struct __user_cap_data_struct data[static WORDS])
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};

	return (int)syscall(SYS_capset, &head, data);
}

static bool has_only(const struct __user_cap_data_struct wanted[static WORDS])
{
	struct __user_cap_data_struct now[WORDS] = {{0}};

	if (get_capabilities(now) != 0)
		return false;
	for (int i = 0; i < WORDS; i++)
		if (now[i].permitted != wanted[i].permitted ||
		    now[i].effective != wanted[i].effective ||
		    now[i].inheritable != 0)
			return false;
	return true;
}

static bool others_are_gone(
    const struct __user_cap_data_struct wanted[static WORDS])
{
	struct __user_cap_data_struct more[WORDS];

	for (int i = 0; i < WORDS; i++)
		more[i] = (struct __user_cap_data_struct){
		    UINT32_MAX, UINT32_MAX, UINT32_MAX};
	for (int cap = 0; cap < 32 * WORDS; cap++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) ==
		    1)
			return false;
	return has_only(wanted) && set_capabilities(more) != 0 &&
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
	if (get_capabilities(now) != 0)
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
	if (!drop_bounding_set(cap))
		return err_errno(err, ERR_PERM, "cannot drop the bounding set");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_errno(err, ERR_PERM, "cannot set no-new-privs");
	/* Old kernels (before 4.3) have no ambient set. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 &&
	    errno != EINVAL)
		return err_errno(
		    err, ERR_PERM, "cannot clear the ambient capabilities");
	if (set_capabilities(wanted) != 0)
		return err_errno(err, ERR_PERM, "cannot drop capabilities");
	if (!others_are_gone(wanted))
		return err_set(
		    err, ERR_PERM, "dropped capabilities could be had back");
	return 0;
}

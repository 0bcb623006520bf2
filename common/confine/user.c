/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/steps.h"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"

#define NOBODY    65534
#define ENTRY_MAX 4096 /* bytes of one entry of passwd(5) */
#define NO_ID     ((uid_t)-1)

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

static bool look_up_user(const char *user, struct ids *ids)
{
	char space[ENTRY_MAX];
	struct passwd entry, *found = NULL;

	if (getpwnam_r(user, &entry, space, sizeof space, &found) != 0 ||
	    found == NULL)
		return false;
	*ids = (struct ids){found->pw_uid, found->pw_gid};
	return true;
}

/* True if the user namespace has this id (user_namespaces(7)). */
static bool is_mapped(const char *map, unsigned long id)
{
	char text[ENTRY_MAX], *at = text, *end;
	size_t len = 0;

	/* A map that is longer is cut: an id in the rest counts as not
	 * mapped. */
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
	/* With capabilities that survive setresuid(2) the process could become
	 * root again. */
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
	*fallback = !look_up_user(user, &ids);
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
	/* The bounding set needs CAP_SETPCAP, which goes with the user id. */
	if (!confine_drop_bounding_set(-1))
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

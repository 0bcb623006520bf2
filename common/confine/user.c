/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/steps.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"

#define NOBODY    65534
#define ENTRY_MAX 4096 /* bytes of one entry of passwd(5) */
#define NO_ID     ((uid_t)-1)
#define USER_MAX  64 /* of a user, with its NUL */
#define ASKED_MAX 4  /* users that a program looks up */

struct ids {
	uid_t uid;
	gid_t gid;
};

/* Any of the three ids can be made the effective one again. */
bool confine_may_be_root(void)
{
	uid_t real, effective, saved;

	return getresuid(&real, &effective, &saved) != 0 || real == 0 ||
	       effective == 0 || saved == 0;
}

static bool ask_for_user(const char *user, struct ids *ids)
{
	char space[ENTRY_MAX];
	struct passwd entry, *found = NULL;

	if (getpwnam_r(user, &entry, space, sizeof space, &found) != 0 ||
	    found == NULL)
		return false;
	*ids = (struct ids){found->pw_uid, found->pw_gid};
	return true;
}

/* Each user is asked for once in a process and its children: a look-up may load
 * libraries and ask a service.  Whether there is one is then answered the same
 * way before the halves part and in each of them. */
static bool look_up_user(const char *user, struct ids *ids)
{
	static struct {
		char name[USER_MAX];
		bool found;
		struct ids ids;
	} asked[ASKED_MAX];
	size_t i = 0;

	while (i < ASKED_MAX && asked[i].name[0] != '\0' &&
	       strcmp(asked[i].name, user) != 0)
		i++;
	if (i == ASKED_MAX || strlen(user) >= USER_MAX)
		return ask_for_user(user, ids);
	if (asked[i].name[0] == '\0') {
		asked[i].found = ask_for_user(user, &asked[i].ids);
		(void)snprintf(asked[i].name, USER_MAX, "%s", user);
	}
	if (asked[i].found)
		*ids = asked[i].ids;
	return asked[i].found;
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

/* With capabilities that survive setresuid(2), confine_capabilities() has to
 * follow: until then the process could become root again. */
static int change_ids(const struct ids *ids, bool keeps, struct err *err)
{
	if (prctl(PR_SET_KEEPCAPS, keeps ? 1 : 0, 0, 0, 0) != 0 ||
	    setgroups(0, NULL) != 0 ||
	    setresgid(ids->gid, ids->gid, ids->gid) != 0 ||
	    setresuid(ids->uid, ids->uid, ids->uid) != 0)
		return err_errno(err, ERR_PERM,
		    "cannot become user %lu of group %lu",
		    (unsigned long)ids->uid, (unsigned long)ids->gid);
	return 0;
}

bool confine_user_exists(const char *user)
{
	struct ids ids;

	return look_up_user(user, &ids);
}

static int check_ids(const char *user, const struct ids *ids, struct err *err)
{
	if (ids->uid == 0 || ids->gid == 0)
		return err_set(err, ERR_PERM,
		    "user %s has root's user or group id: give it its own",
		    user);
	if (is_mapped("/proc/self/uid_map", ids->uid) &&
	    is_mapped("/proc/self/gid_map", ids->gid))
		return 0;
	return err_set(err, ERR_PERM,
	    "user %lu of group %lu, which one half has to become, is not "
	    "mapped in this user namespace: map it, or start the program as "
	    "another user than root",
	    (unsigned long)ids->uid, (unsigned long)ids->gid);
}

int confine_become(
    const struct confine_half *half, bool *changed, struct err *err)
{
	struct ids ids = {NOBODY, NOBODY};
	const bool found = look_up_user(half->user, &ids);
	int rc;

	*changed = false;
	if (!confine_may_be_root() || (!found && half->stays_root))
		return 0;
	rc = check_ids(half->user, &ids, err);
	if (rc != 0)
		return rc;
	/* The bounding set needs CAP_SETPCAP, which goes with the user id. */
	if (!confine_drop_bounding_set(half->cap))
		return err_errno(err, ERR_PERM, "cannot drop capabilities");
	*changed = true;
	return change_ids(&ids, half->cap >= 0, err);
}

/* Root that acts as another user has no capability in force until it is back
 * (capabilities(7)). */
int confine_as(const char *user, struct err *err)
{
	struct ids ids;

	if (geteuid() != 0 || !look_up_user(user, &ids))
		return 0;
	if (setegid(ids.gid) == 0 && seteuid(ids.uid) == 0)
		return 0;
	return err_errno(err, ERR_PERM, "cannot act as user %s", user);
}

int confine_as_root(struct err *err)
{
	if (getuid() != 0)
		return 0;
	/* A change of user makes a process dumpable again. */
	if (seteuid(0) == 0 && setegid(0) == 0 && confine_no_core() == 0)
		return 0;
	return err_errno(err, ERR_PERM, "cannot act as root again");
}

int confine_give(const char *path, const char *user, struct err *err)
{
	struct ids ids;

	if (geteuid() != 0 || !look_up_user(user, &ids) ||
	    lchown(path, ids.uid, ids.gid) == 0)
		return 0;
	return err_errno(
	    err, ERR_PERM, "cannot give %s to user %s", path, user);
}

bool confine_root_is_gone(void)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) != 0 ||
	    getresgid(&rgid, &egid, &sgid) != 0)
		return false;
	return euid != 0 && ruid == euid && suid == euid && egid != 0 &&
	       rgid == egid && sgid == egid && getgroups(0, NULL) == 0 &&
	       setresuid(NO_ID, 0, NO_ID) != 0 &&
	       setresgid(NO_ID, 0, NO_ID) != 0 && setuid(0) != 0 &&
	       setgid(0) != 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/steps.h"

#include <errno.h>
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

/* What getpwnam(3) says where it could not look, which is another answer than
 * that there is no such user.  A service of nsswitch.conf(5) that is not there
 * gives other errors. */
static bool was_hindered(int error)
{
	return error == EACCES || error == EAGAIN || error == EINTR ||
	       error == EIO || error == EMFILE || error == ENFILE ||
	       error == ENOMEM || error == ERANGE;
}

/* Of several services of nsswitch.conf(5) the last one answers getpwnam(3):
 * where "files" could not read passwd(5), the one behind it has no such user.
 * So that is believed only if the file says so, too. */
static int search_file(const char *user, struct ids *ids)
{
	char space[ENTRY_MAX];
	struct passwd entry, *found;
	FILE *file = fopen("/etc/passwd", "re");
	int rc = ERR_ABSENT, error = 0;

	if (file == NULL)
		return errno == ENOENT ? ERR_ABSENT : ERR_IO;
	while (rc == ERR_ABSENT && error == 0) {
		error = fgetpwent_r(file, &entry, space, sizeof space, &found);
		if (error == 0 && strcmp(entry.pw_name, user) == 0) {
			*ids = (struct ids){entry.pw_uid, entry.pw_gid};
			rc = 0;
		}
	}
	/* ENOENT: that was the last one. */
	if (ferror(file) != 0 || (rc != 0 && error != ENOENT))
		rc = ERR_IO;
	(void)fclose(file);
	if (rc == ERR_IO)
		errno = error == ENOENT ? EIO : error;
	return rc;
}

/* ERR_ABSENT: there is no such user.  ERR_IO: nobody knows, see errno. */
static int ask_for_user(const char *user, struct ids *ids)
{
	char space[ENTRY_MAX];
	struct passwd entry, *found = NULL;
	const int error = getpwnam_r(user, &entry, space, sizeof space, &found);

	if (was_hindered(error)) {
		errno = error;
		return ERR_IO;
	}
	if (error != 0 || found == NULL)
		return search_file(user, ids);
	*ids = (struct ids){found->pw_uid, found->pw_gid};
	return 0;
}

/* Each user is asked for once in a process and its children: a look-up may load
 * libraries and ask a service.  Whether there is one is then answered the same
 * way before the halves part and in each of them.  What is not known is asked
 * again. */
static int look_up_user(const char *user, struct ids *ids)
{
	static struct {
		char name[USER_MAX];
		int rc;
		struct ids ids;
	} asked[ASKED_MAX];
	size_t i = 0;

	while (i < ASKED_MAX && asked[i].name[0] != '\0' &&
	       strcmp(asked[i].name, user) != 0)
		i++;
	if (i == ASKED_MAX || strlen(user) >= USER_MAX)
		return ask_for_user(user, ids);
	if (asked[i].name[0] == '\0') {
		asked[i].rc = ask_for_user(user, &asked[i].ids);
		if (asked[i].rc == ERR_IO)
			return ERR_IO;
		(void)snprintf(asked[i].name, USER_MAX, "%s", user);
	}
	if (asked[i].rc == 0)
		*ids = asked[i].ids;
	return asked[i].rc;
}

/* Look up a user whom this process will be or give something to.  *found: there
 * is one. */
static int find_user(
    const char *user, struct ids *ids, bool *found, struct err *err)
{
	const int rc = look_up_user(user, ids);

	*found = rc == 0;
	if (rc == ERR_IO)
		return err_errno(err, rc, "cannot look up user %s", user);
	return 0;
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

	return look_up_user(user, &ids) != ERR_ABSENT;
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
	bool found;
	int rc;

	*changed = false;
	if (!confine_may_be_root())
		return 0;
	rc = find_user(half->user, &ids, &found, err);
	if (rc != 0 || (!found && half->stays_root))
		return rc;
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
	bool found = false;

	if (geteuid() == 0 && find_user(user, &ids, &found, err) != 0)
		return ERR_IO;
	if (!found)
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
	bool found = false;

	if (geteuid() == 0 && find_user(user, &ids, &found, err) != 0)
		return ERR_IO;
	if (!found || lchown(path, ids.uid, ids.gid) == 0)
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

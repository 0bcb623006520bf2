/* SPDX-License-Identifier: Apache-2.0 */
#include "sqs/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 8 /* from one to the next; the kernel follows 40 */

/* /run as a whole: /etc/resolv.conf is a link to a file of some manager of
 * networks there, which makes it, and the folder, when there is a network. */
static const char *const system_paths[] = {"/etc", "/usr", "/lib", "/lib64",
    "/bin", "/opt", "/nix", "/run", "/var/lib/ca-certificates", "/var/lib/sss",
    "/proc", "/sys/devices/system/cpu", "/dev/urandom", "/dev/random",
    "/dev/null"};

static void add_path(struct reach *r, const char *path)
{
	if (r->paths_n < REACH_PATHS_MAX)
		r->paths[r->paths_n++] = path;
}

/* NULL: there is no room, or no memory. */
static const char *keep_copy(struct reach *r, const char *path)
{
	char *own = r->own_n < REACH_OWN_MAX ? strdup(path) : NULL;

	if (own != NULL)
		r->own[r->own_n++] = own;
	return own;
}

static void add_copy(struct reach *r, const char *path)
{
	const char *own = keep_copy(r, path);

	if (own != NULL)
		add_path(r, own);
}

static bool is_same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* "" is the root, "." where there is no slash: whatever that may be, it was not
 * chosen for this file. */
static bool gives_too_much(const char *folder)
{
	const char *home = getenv("HOME");

	return folder[0] == '\0' || strcmp(folder, ".") == 0 ||
	       is_same(folder, "/") || (home != NULL && is_same(folder, home));
}

static void add_folder_of(struct reach *r, const char *file)
{
	char folder[PATH_MAX] = ".";
	const char *slash = strrchr(file, '/');

	if (slash != NULL)
		(void)snprintf(
		    folder, sizeof folder, "%.*s", (int)(slash - file), file);
	if (gives_too_much(folder))
		add_copy(r, file);
	else
		add_copy(r, folder);
}

/* Make path what the link at path leads to.  false: it is no link, or too
 * long. */
static bool follow_link(char path[static PATH_MAX])
{
	char target[PATH_MAX], whole[PATH_MAX];
	const char *slash = strrchr(path, '/');
	const ssize_t len = readlink(path, target, sizeof target - 1);
	int folder = 0;

	if (len <= 0)
		return false;
	target[len] = '\0';
	if (target[0] != '/' && slash != NULL)
		folder = (int)(slash - path) + 1;
	if (snprintf(whole, sizeof whole, "%.*s%s", folder, path, target) >=
	    PATH_MAX)
		return false;
	memcpy(path, whole, sizeof whole);
	return true;
}

void reach_add_system(struct reach *r)
{
	for (size_t i = 0; i < sizeof system_paths / sizeof system_paths[0];
	     i++)
		add_path(r, system_paths[i]);
}

void reach_add_file(struct reach *r, enum reach_kind kind, const char *path)
{
	char at[PATH_MAX];
	const char *own;

	if (path == NULL || path[0] == '\0' || strlen(path) >= sizeof at ||
	    r->files_n == REACH_FILES_MAX)
		return;
	own = keep_copy(r, path);
	if (own == NULL)
		return;
	r->files[r->files_n].kind = kind;
	r->files[r->files_n].there = access(path, F_OK) == 0;
	r->files[r->files_n++].path = own;
	memcpy(at, path, strlen(path) + 1);
	for (int k = 0; k <= LINKS_MAX; k++) {
		add_folder_of(r, at);
		if (!follow_link(at))
			return;
	}
}

static bool is_shut(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return errno == EACCES || errno == EPERM;
	(void)close(fd);
	return false;
}

void reach_look(struct reach *r)
{
	for (size_t i = 0; i < r->files_n; i++)
		r->files[i].shut = is_shut(r->files[i].path);
}

const char *reach_find_shut(
    const struct reach *r, enum reach_kind kind, enum reach_since since)
{
	for (size_t i = 0; i < r->files_n; i++) {
		const bool counts = since == REACH_EVER || !r->files[i].shut ||
				    (since == REACH_THERE && r->files[i].there);

		if (r->files[i].kind == kind && counts &&
		    is_shut(r->files[i].path))
			return r->files[i].path;
	}
	return NULL;
}

void reach_free(struct reach *r)
{
	for (size_t i = 0; i < r->own_n; i++)
		free(r->own[i]);
	*r = (struct reach){.paths_n = 0};
}

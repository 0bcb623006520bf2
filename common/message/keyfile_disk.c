/* SPDX-License-Identifier: Apache-2.0 */
#include "message/keyfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config/service_credential.h"

/* Permissions that others must not have. */
#define OTHERS_NONE  ((mode_t)(S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH))
/* A group right may stand for the one user of an access control list. */
#define OTHERS_CRED  ((mode_t)(S_IWGRP | S_IROTH | S_IWOTH))
#define OTHERS_READ  ((mode_t)(S_IWGRP | S_IWOTH))
#define OTHERS_WRITE ((mode_t)0) /* and be owned by anybody */

/* Refuse a file or directory that others could have changed.  ERR_CONFIG. */
static int check_access(
    const struct stat *st, mode_t forbidden, const char *path, struct err *err)
{
	const bool any_owner = forbidden == OTHERS_WRITE;

	if (!any_owner && !file_is_ours(st))
		return err_set(err, ERR_CONFIG,
		    "%s belongs to user %ju, who could change it: run chown "
		    "root %s",
		    path, (uintmax_t)st->st_uid, path);
	if ((st->st_mode & forbidden) == 0)
		return 0;
	if ((forbidden & S_IROTH) != 0)
		return err_set(err, ERR_CONFIG,
		    "%s is open to other users (mode %04o): run chmod "
		    "go-rwx %s",
		    path, (unsigned)st->st_mode & 07777u, path);
	return err_set(err, ERR_CONFIG,
	    "%s can be changed by other users (mode %04o): run chmod go-w %s",
	    path, (unsigned)st->st_mode & 07777u, path);
}

static int read_open_keys(int fd, struct keyfile_keys *keys, mode_t forbidden,
    const char *origin, struct err *err)
{
	char text[KEYFILE_SIZE_MAX];
	struct stat st;
	size_t len;
	int rc;

	if (fstat(fd, &st) != 0)
		return err_errno(err, ERR_CONFIG, "cannot look at %s", origin);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG,
		    "%s is no regular file, which a key must be in", origin);
	rc = check_access(&st, forbidden, origin, err);
	if (rc != 0)
		return rc;
	rc = file_read_open(fd, text, sizeof text, &len);
	if (rc == ERR_LIMIT)
		rc = err_set(err, ERR_CONFIG,
		    "%s is over %d bytes, which is no key file", origin,
		    KEYFILE_SIZE_MAX);
	else if (rc != 0)
		rc = err_errno(err, ERR_CONFIG, "cannot read %s", origin);
	else
		rc = keyfile_parse_keys(keys, text, len, origin, err);
	explicit_bzero(text, sizeof text);
	return rc;
}

/* Read path, relative to the directory dir_fd; origin is its name in messages.
 */
static int read_keys_at(int dir_fd, const char *path, struct keyfile_keys *keys,
    mode_t forbidden, const char *origin, struct err *err)
{
	/* O_NONBLOCK: to open a FIFO must not wait.  O_NOCTTY: a terminal must
	 * not become the controlling one. */
	int fd =
	    openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return err_errno(
		    err, ERR_CONFIG, "cannot open key file %s", origin);
	rc = read_open_keys(fd, keys, forbidden, origin, err);
	(void)close(fd);
	return rc;
}

int keyfile_read_keys(
    struct keyfile_keys *keys, const char *path, struct err *err)
{
	mode_t forbidden = OTHERS_WRITE;

	for (int kind = 0; kind < KEYFILE_KINDS; kind++)
		if (keys->at[kind] != NULL &&
		    keyfile_is_secret((enum keyfile_kind)kind))
			forbidden = service_credential_is(path) ? OTHERS_CRED
								: OTHERS_NONE;
	return read_keys_at(AT_FDCWD, path, keys, forbidden, path, err);
}

int keyfile_read(
    enum keyfile_kind kind, const char *path, uint8_t *key, struct err *err)
{
	struct keyfile_keys keys = {.several = false};

	keys.at[kind] = key;
	return keyfile_read_keys(&keys, path, err);
}

#define SUFFIX_LEN   (sizeof KEYFILE_SUFFIX - 1)
#define NAME_MAX_LEN (sizeof((struct keyfile_trusted_key *)NULL)->name - 1)

bool keyfile_is_trusted(const char *file)
{
	const size_t len = strlen(file);

	return file[0] != '.' && len > SUFFIX_LEN &&
	       strcmp(file + len - SUFFIX_LEN, KEYFILE_SUFFIX) == 0;
}

/* Where bad files are told to. */
struct refusals {
	keyfile_refused *tell;
	void *ctx;
};

static void refuse_file(const struct refusals *refusals, struct err *why)
{
	refusals->tell(refusals->ctx, why);
	*why = (struct err){.code = 0};
}

static int take_name(const char *file, const char *directory,
    struct keyfile_trusted *out, const struct refusals *refusals,
    struct err *err)
{
	const size_t len = strlen(file) - SUFFIX_LEN;

	if (len > NAME_MAX_LEN) {
		(void)err_set(err, ERR_CONFIG,
		    "%s/%s: its name is too long: leave it at most %zu "
		    "characters before \"" KEYFILE_SUFFIX "\"",
		    directory, file, NAME_MAX_LEN);
		refuse_file(refusals, err);
		return 0;
	}
	if (out->n == KEYFILE_TRUSTED_MAX)
		return err_set(err, ERR_CONFIG,
		    "%s holds over %d trusted keys: remove some", directory,
		    KEYFILE_TRUSTED_MAX);
	memcpy(out->at[out->n].name, file, len);
	out->at[out->n].name[len] = '\0';
	out->n++;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct keyfile_trusted_key *one = a, *other = b;

	return strcmp(one->name, other->name);
}

static int take_names(DIR *dir, const char *directory,
    struct keyfile_trusted *out, const struct refusals *refusals,
    struct err *err)
{
	const struct dirent *entry;
	int rc = 0;

	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
			break;
		if (keyfile_is_trusted(entry->d_name))
			rc = take_name(
			    entry->d_name, directory, out, refusals, err);
		if (rc != 0)
			return rc;
	}
	if (errno != 0)
		return err_errno(err, ERR_CONFIG, "cannot list %s", directory);
	qsort(out->at, out->n, sizeof out->at[0], compare_names);
	return 0;
}

static int read_one_trusted(int dir_fd, const char *directory,
    struct keyfile_trusted_key *at, struct err *err)
{
	char file[NAME_MAX_LEN + SUFFIX_LEN + 1];
	char origin[PATH_MAX + sizeof file];
	struct keyfile_keys keys = {.at = {[KEYFILE_SIGN_PUBLIC] = at->key}};
	int rc;

	(void)snprintf(file, sizeof file, "%s" KEYFILE_SUFFIX, at->name);
	(void)snprintf(origin, sizeof origin, "%s/%s", directory, file);
	rc = read_keys_at(dir_fd, file, &keys, OTHERS_READ, origin, err);
	if (rc == 0 && keyfile_id(at->key, at->id) != 0)
		rc = err_set(
		    err, ERR_INTERNAL, "OpenSSL refused to hash %s", origin);
	return rc;
}

/* Each name without a key gives its place to the next. */
static int read_keys(int dir_fd, const char *directory,
    struct keyfile_trusted *out, const struct refusals *refusals,
    struct err *err)
{
	const size_t names = out->n;

	out->n = 0;
	for (size_t i = 0; i < names; i++) {
		struct keyfile_trusted_key *at = &out->at[out->n];
		int rc;

		if (at != &out->at[i])
			*at = out->at[i];
		rc = read_one_trusted(dir_fd, directory, at, err);
		if (rc == 0)
			out->n++;
		else if (rc == ERR_CONFIG)
			refuse_file(refusals, err);
		else
			return rc;
	}
	memset(&out->at[out->n], 0, (names - out->n) * sizeof out->at[0]);
	return 0;
}

/* Whoever may add a file may add a key to trust. */
static int check_directory(int fd, const char *directory, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_errno(
		    err, ERR_CONFIG, "cannot look at %s", directory);
	return check_access(&st, OTHERS_READ, directory, err);
}

int keyfile_read_trusted(const char *directory, struct keyfile_trusted *out,
    keyfile_refused *refused, void *ctx, struct err *err)
{
	const struct refusals refusals = {refused, ctx};
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = NULL;
	int rc = 0;

	memset(out, 0, sizeof *out);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd >= 0)
		dir = fdopendir(fd);
	if (dir == NULL) {
		rc = err_errno(err, ERR_CONFIG,
		    "cannot open %s, the directory of the trusted keys",
		    directory);
		goto out;
	}
	rc = check_directory(fd, directory, err);
	if (rc == 0)
		rc = take_names(dir, directory, out, &refusals, err);
	if (rc == 0)
		rc = read_keys(fd, directory, out, &refusals, err);
out:
	if (rc != 0)
		memset(out, 0, sizeof *out);
	if (dir != NULL)
		(void)closedir(dir);
	else if (fd >= 0)
		(void)close(fd);
	return rc;
}

static int fail_writing(const char *what, const char *path, struct err *err)
{
	int rc = ERR_IO;

	if (errno == EEXIST || errno == EISDIR)
		return err_set(err, ERR_CONFIG,
		    "%s exists, and keys are never overwritten: choose "
		    "another name",
		    path);
	if (errno == EACCES || errno == EPERM || errno == EROFS)
		rc = ERR_PERM;
	else if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
		 errno == ENAMETOOLONG)
		rc = ERR_CONFIG;
	return err_errno(err, rc, "cannot %s %s", what, path);
}

/* openat(2) reduced the mode by the umask.  A file system that cannot sync a
 * directory answers EINVAL. */
static int fill_key_file(
    int fd, int dir_fd, mode_t mode, const char *line, const char **what)
{
	*what = "set the mode of";
	if (fchmod(fd, mode) != 0)
		return ERR_IO;
	*what = "write";
	if (file_write(fd, line, strlen(line)) != 0 || fsync(fd) != 0)
		return ERR_IO;
	*what = "sync the directory of";
	return fsync(dir_fd) != 0 && errno != EINVAL ? ERR_IO : 0;
}

int keyfile_create(enum keyfile_kind kind, const char *path, const uint8_t *key,
    struct err *err)
{
	const mode_t mode = keyfile_is_secret(kind) ? 0600 : 0644;
	char line[KEYFILE_LINE_MAX + 1] = {0};
	const char *what = "create", *name;
	int dir_fd, fd = -1, rc = 0;

	dir_fd = file_open_parent(path, &name);
	if (dir_fd >= 0)
		fd = openat(dir_fd, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, mode);
	if (fd < 0) {
		rc = fail_writing(what, path, err);
		goto out;
	}
	keyfile_format(kind, key, line);
	line[strlen(line)] = '\n';
	if (fill_key_file(fd, dir_fd, mode, line, &what) != 0) {
		rc = fail_writing(what, path, err);
		(void)unlinkat(dir_fd, name, 0);
	}
out:
	explicit_bzero(line, sizeof line);
	if (fd >= 0)
		(void)close(fd);
	if (dir_fd >= 0)
		(void)close(dir_fd);
	return rc;
}

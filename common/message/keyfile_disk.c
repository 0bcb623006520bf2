/* SPDX-License-Identifier: Apache-2.0 */
#include "message/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "config/service_credential.h"
#include "message/keyfile_internal.h"

/* ---- reading */

int keyfile_check_access(
    const struct stat *st, mode_t forbidden, const char *path, struct err *err)
{
	const bool any_owner = forbidden == KEYFILE_OTHERS_WRITE;

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

static int read_open_key(int fd, enum keyfile_kind kind, mode_t forbidden,
    const char *origin, uint8_t *key, struct err *err)
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
	rc = keyfile_check_access(&st, forbidden, origin, err);
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
		rc = keyfile_parse(kind, text, len, origin, key, err);
	explicit_bzero(text, sizeof text);
	return rc;
}

int keyfile_read_at(int dir_fd, const char *path, enum keyfile_kind kind,
    mode_t forbidden, const char *origin, uint8_t key[static KEYS_LEN],
    struct err *err)
{
	/* O_NONBLOCK: a FIFO must not hang it; O_NOCTTY: a terminal must not
	 * become its own. */
	int fd =
	    openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return err_errno(
		    err, ERR_CONFIG, "cannot open key file %s", origin);
	rc = read_open_key(fd, kind, forbidden, origin, key, err);
	(void)close(fd);
	return rc;
}

static bool is_secret(enum keyfile_kind kind)
{
	return kind == KEYFILE_SIGN_SECRET || kind == KEYFILE_SEAL_SECRET;
}

int keyfile_read(enum keyfile_kind kind, const char *path,
    uint8_t key[static KEYS_LEN], struct err *err)
{
	mode_t forbidden = KEYFILE_OTHERS_WRITE;

	if (is_secret(kind))
		forbidden = service_credential_is(path) ? KEYFILE_OTHERS_CRED
							: KEYFILE_OTHERS_NONE;
	return keyfile_read_at(AT_FDCWD, path, kind, forbidden, path, key, err);
}

/* ---- writing */

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

int keyfile_create(enum keyfile_kind kind, const char *path,
    const uint8_t key[static KEYS_LEN], struct err *err)
{
	const mode_t mode = is_secret(kind) ? 0600 : 0644;
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

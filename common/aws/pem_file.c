/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/pem_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* The group may be that of the online half, which reads the key again. */
#define OPEN_TO_OTHERS ((mode_t)(S_IWGRP | S_IRWXO))

static int check_pem_mode(
    const struct pem_file *f, const struct stat *st, struct err *err)
{
	if (!S_ISREG(st->st_mode))
		return err_set(err, ERR_CONFIG, "%s: %s is no regular file",
		    f->setting, f->path);
	if (f->secret && (st->st_mode & OPEN_TO_OTHERS) != 0)
		return err_set(err, ERR_CONFIG,
		    "%s: %s is open to other users (mode %04o): run chmod "
		    "g-w,o-rwx %s",
		    f->setting, f->path, (unsigned)st->st_mode & 07777u,
		    f->path);
	return 0;
}

static int check_pem_text(
    const struct pem_file *f, const struct buf *text, struct err *err)
{
	const char *kind = f->secret ? "PRIVATE KEY-----" : "CERTIFICATE-----";
	const char *s = buf_str(text);

	if (strlen(s) != buf_len(text) || strstr(s, "-----BEGIN ") == NULL ||
	    strstr(s, kind) == NULL)
		return err_set(err, ERR_CONFIG, "%s: %s holds no %s in PEM",
		    f->setting, f->path,
		    f->secret ? "private key" : "certificate");
	if (f->secret && strstr(s, "ENCRYPTED") != NULL)
		return err_set(err, ERR_CONFIG,
		    "%s: the key in %s has a pass phrase, which nobody can be "
		    "asked for: store it without one",
		    f->setting, f->path);
	return 0;
}

static int read_pem(
    const struct pem_file *f, int fd, struct buf *out, struct err *err)
{
	struct stat st;
	uint8_t *space;
	size_t len;
	int rc;

	if (fstat(fd, &st) != 0)
		return err_errno(err, ERR_CONFIG, "%s: cannot look at %s",
		    f->setting, f->path);
	rc = check_pem_mode(f, &st, err);
	if (rc != 0)
		return rc;
	buf_reset(out);
	rc = buf_extend(out, PEM_FILE_MAX, &space);
	if (rc != 0)
		return err_set(err, rc, "out of memory");
	rc = file_read_open(fd, space, PEM_FILE_MAX, &len);
	if (rc == ERR_LIMIT)
		rc = err_set(err, ERR_CONFIG, "%s: %s is over %d bytes",
		    f->setting, f->path, PEM_FILE_MAX);
	else if (rc != 0)
		rc = err_errno(
		    err, ERR_CONFIG, "%s: cannot read %s", f->setting, f->path);
	if (rc != 0) {
		buf_reset(out);
		return rc;
	}
	buf_truncate(out, len);
	return check_pem_text(f, out, err);
}

static int open_pem(const struct pem_file *f)
{
	return open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

int pem_file_read(const struct pem_file *f, struct buf *out, struct err *err)
{
	const int fd = open_pem(f);
	int rc;

	if (fd < 0 && errno == EACCES && f->kept != NULL)
		return buf_set(out, buf_data(f->kept), buf_len(f->kept)) == 0
			   ? 0
			   : err_set(err, ERR_NOMEM, "out of memory");
	if (fd < 0)
		return err_errno(
		    err, ERR_CONFIG, "%s: cannot open %s", f->setting, f->path);
	rc = read_pem(f, fd, out, err);
	(void)close(fd);
	return rc;
}

int pem_file_read_ahead(struct pem_file *f, struct err *err)
{
	struct stat st;
	int rc;

	pem_file_forget(f);
	/* Root follows no link that somebody else has made, to a file that is
	 * not this half's.  If the online half may, it reads the file later. */
	if (geteuid() == 0 && stat(f->path, &st) == 0 &&
	    !file_is_guarded(f->path))
		return check_pem_mode(f, &st, err);
	f->kept = buf_new(PEM_FILE_MAX);
	if (f->kept == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = pem_file_read(f, f->kept, err);
	if (rc != 0)
		pem_file_forget(f);
	return rc;
}

void pem_file_forget(struct pem_file *f)
{
	buf_free(f->kept);
	f->kept = NULL;
}

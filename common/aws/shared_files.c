/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/shared_files.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* Most files are much smaller than they may be. */
#define FIRST_ROOM ((size_t)16384)

struct shared_files {
	char *profile; /* "": none is configured */
	char *home;    /* "": none is known */
	struct kept_file {
		char path[SHARED_PATH_ROOM];
		bool known;       /* what it held, or that it was not there */
		bool withheld;    /* it is there, and root may not trust it */
		struct buf *text; /* NULL: it was not there */
	} kept[2];
};

static const struct {
	const char *variable, *standard;
} places[2] = {{"AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"},
    {"AWS_CONFIG_FILE", "~/.aws/config"}};

static const char *shared_variable(const char *name)
{
	const char *s = getenv(name);

	return s != NULL ? s : "";
}

/* ---- where the files are */

/* cloud-init and systemd start programs without HOME. */
static const char *find_home(void)
{
	const char *dir = shared_variable("HOME");
	const struct passwd *pw;

	if (dir[0] != '\0')
		return dir;
	pw = getpwuid(geteuid());
	return pw != NULL && pw->pw_dir != NULL ? pw->pw_dir : "";
}

/* The home that a path begins with: of its len bytes, "~" or "~USER".  NULL:
 * there is no such user. */
static const char *expand_tilde(
    const struct shared_files *f, const char *path, size_t len)
{
	char user[64];
	const struct passwd *pw;

	if (len == 1)
		return f->home;
	if (len > sizeof user)
		return NULL;
	(void)snprintf(user, sizeof user, "%.*s", (int)len - 1, path + 1);
	pw = getpwnam(user);
	return pw != NULL ? pw->pw_dir : NULL;
}

/* The value of the variable whose "$NAME" or "${NAME}" is at *s, which is moved
 * behind it; NULL: there is none. */
static const char *expand_variable(const char **s)
{
	const char *name = *s + 1;
	const bool braces = *name == '{';
	char text[64];
	size_t len;

	name += braces ? 1 : 0;
	len = braces ? strcspn(name, "}")
		     : strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				    "abcdefghijklmnopqrstuvwxyz0123456789");
	if (len == 0 || len >= sizeof text || (braces && name[len] == '\0'))
		return NULL;
	(void)snprintf(text, sizeof text, "%.*s", (int)len, name);
	if (getenv(text) != NULL)
		*s = name + len + (braces ? 1 : 0);
	return getenv(text);
}

/* botocore expands variables, too, which a unit file does not.  What is not set
 * stays as it is. */
static int expand_path(const char *given, struct buf *out)
{
	int rc = 0;

	while (rc == 0 && *given != '\0') {
		const size_t plain = strcspn(given, "$");
		const char *value = NULL;

		rc = buf_add(out, given, plain);
		given += plain;
		if (*given == '$')
			value = expand_variable(&given);
		if (rc == 0 && value != NULL)
			rc = buf_addstr(out, value);
		else if (rc == 0 && *given == '$')
			rc = buf_add(out, given++, 1);
	}
	return rc;
}

static int join_path(const struct shared_files *f, const char *given,
    char path[static SHARED_PATH_ROOM])
{
	const char *home = NULL;
	size_t word = 0;

	if (given[0] == '~') {
		word = strcspn(given, "/");
		home = expand_tilde(f, given, word);
	}
	return (size_t)snprintf(path, SHARED_PATH_ROOM, "%s%s",
		   home != NULL ? home : "",
		   home != NULL ? given + word : given) < SHARED_PATH_ROOM
		   ? 0
		   : ERR_LIMIT;
}

/* ERR_CONFIG, and path is "": it is too long. */
static int set_path(
    const struct shared_files *f, char path[static SHARED_PATH_ROOM], int which)
{
	const char *given = shared_variable(places[which].variable);
	struct buf *text = buf_new(SHARED_PATH_ROOM);
	int rc = text != NULL ? 0 : ERR_NOMEM;

	if (given[0] == '\0')
		given = places[which].standard;
	if (rc == 0)
		rc = expand_path(given, text);
	if (rc == 0)
		rc = join_path(f, buf_str(text), path);
	buf_free(text);
	if (rc != 0)
		path[0] = '\0';
	return rc == ERR_LIMIT ? ERR_CONFIG : rc;
}

/* ---- reading one */

/* *space is the text in *out.  ERR_IO (errno kept), ERR_LIMIT, ERR_NOMEM. */
static int read_bytes(int fd, size_t room, struct buf **out, uint8_t **space)
{
	struct buf *text = buf_new(room);
	size_t len;
	int rc = text != NULL ? buf_extend(text, room, space) : ERR_NOMEM;

	if (rc == 0)
		rc = file_read_open(fd, *space, room, &len);
	if (rc != 0) {
		const int saved = errno;

		buf_free(text);
		errno = saved;
		return rc;
	}
	buf_truncate(text, len);
	*out = text;
	return 0;
}

/* The one place where a file is read.  Or ERR_ABSENT, which takes no room. */
static int read_file(const char *path, struct buf **out, uint8_t **space)
{
	int fd, saved, rc = file_open(path, &fd);

	if (rc != 0)
		return rc;
	rc = read_bytes(fd, FIRST_ROOM, out, space);
	if (rc == ERR_LIMIT && lseek(fd, 0, SEEK_SET) == 0)
		rc = read_bytes(fd, SHARED_FILE_MAX, out, space);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return rc;
}

/* The file as it was when this process could still read it. */
static int recall_file(
    const struct kept_file *kept, struct buf **out, uint8_t **space)
{
	const size_t len = kept->text != NULL ? buf_len(kept->text) : 0;
	struct buf *text;

	if (kept->text == NULL)
		return ERR_ABSENT;
	text = buf_new(len);
	if (text == NULL || buf_extend(text, len, space) != 0) {
		buf_free(text);
		return ERR_NOMEM;
	}
	memcpy(*space, buf_data(kept->text), len);
	*out = text;
	return 0;
}

static int explain_unread(
    const struct shared_one *one, int which, int rc, struct err *err)
{
	if (rc == ERR_CONFIG)
		return err_set(err, rc, "the path in %s is too long",
		    places[which].variable);
	if (rc == ERR_NOMEM)
		return err_set(err, rc, "out of memory");
	if (rc == ERR_LIMIT)
		return err_set(err, ERR_CONFIG, "%.300s is over %zu bytes",
		    one->path, SHARED_FILE_MAX);
	return err_errno(err, ERR_CONFIG, "cannot read %.300s", one->path);
}

/* In a folder that this user may not search no file is to be seen: a home that
 * nobody chose, as ProtectHome= of systemd.exec(5) leaves it, is as good as
 * none, for botocore too. */
static bool is_out_of_sight(const char *path, int which)
{
	struct stat st;

	return shared_variable(places[which].variable)[0] == '\0' &&
	       stat(path, &st) != 0 && errno == EACCES;
}

int shared_files_load(const struct shared_files *f, struct shared_one *one,
    int which, struct err *err)
{
	const struct kept_file *kept = &f->kept[which];
	const char *why;
	uint8_t *space;
	int rc = set_path(f, one->path, which);
	int line;

	if (rc == 0)
		rc = read_file(one->path, &one->bytes, &space);
	if (rc == ERR_IO && errno == EACCES && kept->known)
		rc = recall_file(kept, &one->bytes, &space);
	else if (rc == ERR_IO && errno == EACCES && !kept->withheld &&
		 is_out_of_sight(one->path, which))
		rc = ERR_ABSENT;
	if (rc == ERR_ABSENT)
		return 0;
	if (rc == ERR_IO) {
		(void)explain_unread(one, which, rc, &one->unread);
		return 0;
	}
	if (rc != 0)
		return explain_unread(one, which, rc, err);
	line = shared_text_compile(&one->text, (char *)space,
	    buf_len(one->bytes), which == SHARED_CONFIG, &why);
	if (line == 0)
		return 0;
	return err_set(err, ERR_CONFIG,
	    "%.300s:%d: %s; write [SECTION], or KEY = VALUE in a section",
	    one->path, line, why);
}

/* ---- both */

struct shared_files *shared_files_new(const char *profile)
{
	struct shared_files *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->profile = strdup(profile != NULL ? profile : "");
	f->home = strdup(find_home());
	if (f->profile != NULL && f->home != NULL)
		return f;
	shared_files_free(f);
	return NULL;
}

void shared_files_free(struct shared_files *f)
{
	if (f == NULL)
		return;
	free(f->profile);
	free(f->home);
	buf_free(f->kept[0].text);
	buf_free(f->kept[1].text);
	free(f);
}

const char *shared_files_path(struct shared_files *f, enum shared_file which)
{
	(void)set_path(f, f->kept[which].path, (int)which);
	return f->kept[which].path;
}

/* Root follows no link that somebody else has made, to a file that is not this
 * half's. */
static bool may_read_ahead(const char *path)
{
	return geteuid() != 0 || access(path, F_OK) != 0 ||
	       file_is_guarded(path);
}

void shared_files_read_ahead(struct shared_files *f)
{
	for (int k = 0; k < 2; k++) {
		struct kept_file *kept = &f->kept[k];
		uint8_t *space;
		int rc = set_path(f, kept->path, k);

		buf_free(kept->text);
		kept->text = NULL;
		kept->withheld = rc == 0 && !may_read_ahead(kept->path);
		if (rc == 0 && !kept->withheld)
			rc = read_file(kept->path, &kept->text, &space);
		kept->known = kept->text != NULL || rc == ERR_ABSENT;
	}
}

int shared_files_choose(
    const struct shared_files *f, struct shared *s, struct err *err)
{
	const char *const from[] = {shared_variable("AWS_DEFAULT_PROFILE"),
	    shared_variable("AWS_PROFILE"), f->profile, "default"};
	size_t i = 0;

	while (from[i][0] == '\0')
		i++;
	s->asked = i < 3;
	s->profile = strdup(from[i]);
	return s->profile != NULL ? 0
				  : err_set(err, ERR_NOMEM, "out of memory");
}

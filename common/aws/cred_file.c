/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred_file.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"

#define FILE_MAX  ((size_t)65536)
#define PATH_ROOM 4096

struct cred_file {
	char *profile; /* "": none was given */
	char path[2][PATH_ROOM];
	bool ahead;          /* kept holds what was there then */
	struct buf *kept[2]; /* NULL: it could not be read, because */
	int ahead_rc[2], ahead_errno[2];
};

/* What one file says of one profile; the strings lie in text. */
struct view {
	struct buf *text;
	char path[PATH_ROOM];
	bool there; /* the file */
	bool found; /* the profile */
	const char *access_key, *secret_key, *token, *region;
};

/* ---- the AWS dialect of INI */

static char *trim_blanks(char *s)
{
	char *end;

	s += strspn(s, " \t\r");
	end = s + strlen(s);
	while (end > s && strchr(" \t\r", end[-1]) != NULL)
		end--;
	*end = '\0';
	return s;
}

/* A '#' or ';' after a blank begins a comment. */
static void cut_comment(char *s)
{
	for (; *s != '\0'; s++)
		if ((*s == ' ' || *s == '\t') && (s[1] == '#' || s[1] == ';'))
			*s = '\0';
}

/* Whether a section is the profile: "[NAME]", and in a configuration file
 * "[profile NAME]", where only "default" may stand without the word. */
static bool is_profile(char *section, bool config, const char *profile)
{
	size_t len;

	if (config && strncmp(section, "profile", 7) == 0 &&
	    (section[7] == ' ' || section[7] == '\t')) {
		section = trim_blanks(section + 8);
		len = strlen(section);
		if (len >= 2 && (section[0] == '"' || section[0] == '\'') &&
		    section[len - 1] == section[0]) {
			section[len - 1] = '\0';
			section++;
		}
	} else if (config && strcmp(section, "default") != 0) {
		return false;
	}
	return strcmp(section, profile) == 0;
}

static int take_section(
    char *line, bool config, const char *profile, bool *ours)
{
	char *end = strchr(line, ']');
	const char *rest;

	if (end == NULL)
		return ERR_FORMAT;
	*end = '\0';
	rest = trim_blanks(end + 1);
	if (*rest != '\0' && *rest != '#' && *rest != ';')
		return ERR_FORMAT;
	line = trim_blanks(line + 1);
	*ours = is_profile(line, config, profile);
	return line[0] != '\0' ? 0 : ERR_FORMAT;
}

static int take_property(struct view *v, char *line, bool ours)
{
	char *equals = strchr(line, '=');
	const char *key, *value;

	if (equals == NULL)
		return ERR_FORMAT;
	*equals = '\0';
	key = trim_blanks(line);
	cut_comment(equals + 1);
	value = trim_blanks(equals + 1);
	if (key[0] == '\0')
		return ERR_FORMAT;
	if (!ours)
		return 0;
	if (strcasecmp(key, "aws_access_key_id") == 0)
		v->access_key = value;
	else if (strcasecmp(key, "aws_secret_access_key") == 0)
		v->secret_key = value;
	else if (strcasecmp(key, "aws_session_token") == 0)
		v->token = value;
	else if (strcasecmp(key, "region") == 0)
		v->region = value;
	return 0;
}

/* 0, or the number of the first malformed line.  Indented lines belong to a
 * nested property, none of which is ours. */
static int parse_profile(
    struct view *v, char *text, bool config, const char *profile)
{
	bool section = false, ours = false;
	char *line;
	int number = 0;

	while ((line = strsep(&text, "\n")) != NULL) {
		int rc = 0;

		number++;
		if (line[0] == '\0' || line[0] == '#' || line[0] == ';' ||
		    line[0] == ' ' || line[0] == '\t' || line[0] == '\r')
			continue;
		if (line[0] == '[') {
			rc = take_section(line, config, profile, &ours);
			section = true;
			v->found = v->found || ours;
		} else {
			rc =
			    section ? take_property(v, line, ours) : ERR_FORMAT;
		}
		if (rc != 0)
			return number;
	}
	return 0;
}

/* ---- where the files are */

static const char *home_directory(void)
{
	const char *dir = getenv("HOME");
	const struct passwd *pw;

	if (dir != NULL && dir[0] != '\0')
		return dir;
	pw = getpwuid(geteuid());
	return pw != NULL && pw->pw_dir != NULL ? pw->pw_dir : "";
}

static int set_path(
    struct view *v, const char *variable, const char *name, struct err *err)
{
	const char *given = getenv(variable);
	int len;

	if (given != NULL && strncmp(given, "~/", 2) == 0)
		len = snprintf(v->path, sizeof v->path, "%s%s",
		    home_directory(), given + 1);
	else if (given != NULL && given[0] != '\0')
		len = snprintf(v->path, sizeof v->path, "%s", given);
	else
		len = snprintf(v->path, sizeof v->path, "%s/.aws/%s",
		    home_directory(), name);
	if ((size_t)len >= sizeof v->path)
		return err_set(
		    err, ERR_CONFIG, "the path in %s is too long", variable);
	return 0;
}

/* ---- one file, then both */

/* The file as it is, or as it was when this process could still read it. */
static int read_bytes(const struct cred_file *f, const struct view *v, int k,
    uint8_t *space, size_t *len)
{
	int rc = file_read(v->path, space, FILE_MAX, len);

	if (rc != ERR_IO || errno != EACCES || !f->ahead)
		return rc;
	errno = f->ahead_errno[k];
	if (f->ahead_rc[k] != 0)
		return f->ahead_rc[k];
	*len = buf_len(f->kept[k]);
	memcpy(space, buf_data(f->kept[k]), *len);
	return 0;
}

static int read_file(const struct cred_file *f, struct view *v, int k,
    const char *profile, struct err *err)
{
	uint8_t *space;
	size_t len = 0;
	int rc = buf_extend(v->text, FILE_MAX, &space);

	if (rc != 0)
		return err_set(err, rc, "out of memory");
	rc = read_bytes(f, v, k, space, &len);
	if (rc == ERR_ABSENT)
		return 0;
	if (rc == ERR_LIMIT)
		return err_set(
		    err, ERR_CONFIG, "%s is over %zu bytes", v->path, FILE_MAX);
	if (rc != 0)
		return err_errno(err, ERR_CONFIG, "cannot read %s", v->path);
	buf_truncate(v->text, len);
	v->there = true;
	if (memchr(space, '\0', len) != NULL)
		return err_set(err, ERR_CONFIG, "%s is no text file", v->path);
	rc = parse_profile(v, (char *)space, k == 1, profile);
	if (rc != 0)
		return err_set(err, ERR_CONFIG,
		    "%s:%d: neither [SECTION] nor KEY = VALUE in a section",
		    v->path, rc);
	return 0;
}

static const char *profile_of(const struct cred_file *f, bool *asked)
{
	const char *name = getenv("AWS_PROFILE");

	if (name == NULL || name[0] == '\0')
		name = f->profile;
	*asked = name[0] != '\0';
	return *asked ? name : "default";
}

/* v[0]: the credentials file, v[1]: the configuration file. */
static int set_view_path(struct view *v, int k, struct err *err)
{
	return k == 0 ? set_path(v, "AWS_SHARED_CREDENTIALS_FILE",
			    "credentials", err)
		      : set_path(v, "AWS_CONFIG_FILE", "config", err);
}

static int open_views(const struct cred_file *f, struct view v[static 2],
    const char *profile, struct err *err)
{
	int rc;

	for (int k = 0; k < 2; k++) {
		v[k].text = buf_new(FILE_MAX);
		if (v[k].text == NULL)
			return err_set(err, ERR_NOMEM, "out of memory");
		rc = set_view_path(&v[k], k, err);
		if (rc == 0)
			rc = read_file(f, &v[k], k, profile, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static bool is_given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static bool has_keys(const struct view *v)
{
	return v->access_key != NULL || v->secret_key != NULL;
}

static int take_profile_keys(const struct view *v, const char *profile,
    struct cred *out, struct err *err)
{
	int rc;

	if (!is_given(v->access_key) || !is_given(v->secret_key))
		return err_set(err, ERR_CONFIG,
		    "%s: profile %s has no %s: add it", v->path, profile,
		    is_given(v->access_key) ? "aws_secret_access_key"
					    : "aws_access_key_id");
	rc = cred_set(out, v->access_key, v->secret_key, v->token);
	if (rc == ERR_NOMEM)
		return err_set(err, rc, "out of memory");
	if (rc != 0)
		return err_set(err, ERR_CONFIG,
		    "%s: profile %s has a key or token that is malformed or "
		    "too long: copy it anew",
		    v->path, profile);
	return 0;
}

static int explain_absence(const struct view v[static 2], const char *profile,
    bool asked, struct err *err)
{
	if (v[0].found || v[1].found)
		return err_set(
		    err, ERR_ABSENT, "profile %s holds no keys", profile);
	if (asked)
		return err_set(err, ERR_CONFIG,
		    "there is no profile %s in %s or %s: add it, or change "
		    "AWS_PROFILE or \"profile\" in the configuration",
		    profile, v[0].path, v[1].path);
	if (v[0].there || v[1].there)
		return err_set(err, ERR_ABSENT, "no profile %s in %s", profile,
		    v[0].there ? v[0].path : v[1].path);
	return err_set(err, ERR_ABSENT, "no %s", v[0].path);
}

static int load_profile_keys(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	struct view *v = calloc(2, sizeof *v);
	const char *profile;
	bool asked;
	int rc;

	(void)deadline;
	if (v == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	profile = profile_of(ctx, &asked);
	rc = open_views(ctx, v, profile, err);
	/* Both keys of a pair, and their token, come from one file. */
	if (rc == 0 && has_keys(&v[0]))
		rc = take_profile_keys(&v[0], profile, out, err);
	else if (rc == 0 && has_keys(&v[1]))
		rc = take_profile_keys(&v[1], profile, out, err);
	else if (rc == 0)
		rc = explain_absence(v, profile, asked, err);
	buf_free(v[0].text);
	buf_free(v[1].text);
	free(v);
	return rc;
}

int cred_file_region(struct cred_file *f, char *region, size_t size)
{
	struct view *v = calloc(2, sizeof *v);
	const char *found = NULL;
	bool asked;
	int rc;

	if (v == NULL)
		return ERR_NOMEM;
	rc = open_views(f, v, profile_of(f, &asked), NULL);
	if (rc == 0)
		found = is_given(v[0].region) ? v[0].region : v[1].region;
	if (rc == 0 && !is_given(found))
		rc = ERR_ABSENT;
	if (rc == 0)
		(void)snprintf(region, size, "%s", found);
	buf_free(v[0].text);
	buf_free(v[1].text);
	free(v);
	return rc;
}

struct cred_file *cred_file_new(const char *profile)
{
	struct cred_file *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->profile = strdup(profile != NULL ? profile : "");
	if (f->profile == NULL) {
		free(f);
		return NULL;
	}
	return f;
}

void cred_file_free(struct cred_file *f)
{
	if (f == NULL)
		return;
	free(f->profile);
	buf_free(f->kept[0]);
	buf_free(f->kept[1]);
	free(f);
}

const char *cred_file_path(struct cred_file *f, int which)
{
	struct view v;

	if (set_view_path(&v, which, NULL) != 0)
		v.path[0] = '\0';
	memcpy(f->path[which], v.path, sizeof v.path);
	return f->path[which];
}

/* A failure and its errno are kept by the caller as well. */
static int keep_file(const char *path, struct buf **kept)
{
	struct buf *b = buf_new(FILE_MAX);
	uint8_t *space;
	size_t len = 0;
	int rc = ERR_NOMEM;

	if (b != NULL)
		rc = buf_extend(b, FILE_MAX, &space);
	if (rc == 0)
		rc = file_read(path, space, FILE_MAX, &len);
	if (rc != 0) {
		const int saved = errno;

		buf_free(b);
		errno = saved;
		return rc;
	}
	buf_truncate(b, len);
	*kept = b;
	return 0;
}

void cred_file_read_ahead(struct cred_file *f)
{
	for (int k = 0; k < 2; k++) {
		buf_free(f->kept[k]);
		f->kept[k] = NULL;
		f->ahead_rc[k] = keep_file(cred_file_path(f, k), &f->kept[k]);
		f->ahead_errno[k] = errno;
	}
	f->ahead = true;
}

struct cred_source cred_file_source(struct cred_file *f)
{
	return (struct cred_source){
	    .name = "shared file", .load = load_profile_keys, .ctx = f};
}

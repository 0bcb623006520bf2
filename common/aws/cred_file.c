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

/* One file as it was found. */
struct shared_file {
	char path[PATH_ROOM];
	struct buf *text;
	char *bytes; /* of text, for the parser to cut */
	size_t len;
	int rc, saved_errno; /* of the attempt to read it */
};

struct cred_file {
	char *profile;              /* "": none was given */
	struct shared_file kept[2]; /* without text: not read ahead */
};

/* What one file says of one profile; the strings lie in its text. */
struct view {
	struct shared_file file;
	bool found; /* the profile */
	const char *access_key, *secret_key, *token, *region;
};

/* The credentials file and the configuration file. */
static const char *const path_variables[2] = {
    "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"};
static const char *const file_names[2] = {"credentials", "config"};

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

/* ERR_CONFIG, and path is "": it is too long. */
static int set_path(char path[static PATH_ROOM], int k)
{
	const char *given = getenv(path_variables[k]);
	int len;

	if (given != NULL && strncmp(given, "~/", 2) == 0)
		len = snprintf(
		    path, PATH_ROOM, "%s%s", home_directory(), given + 1);
	else if (given != NULL && given[0] != '\0')
		len = snprintf(path, PATH_ROOM, "%s", given);
	else
		len = snprintf(path, PATH_ROOM, "%s/.aws/%s", home_directory(),
		    file_names[k]);
	if (len < PATH_ROOM)
		return 0;
	path[0] = '\0';
	return ERR_CONFIG;
}

/* ---- one file, then both */

static void read_shared_file(struct shared_file *s, int k)
{
	uint8_t *space;

	s->len = 0;
	s->text = buf_new(FILE_MAX);
	s->rc = set_path(s->path, k);
	if (s->rc == 0 && s->text == NULL)
		s->rc = ERR_NOMEM;
	if (s->rc == 0)
		s->rc = buf_extend(s->text, FILE_MAX, &space);
	if (s->rc != 0)
		return;
	s->bytes = (char *)space;
	s->rc = file_read(s->path, space, FILE_MAX, &s->len);
	s->saved_errno = errno;
}

/* The file as it was when this process could still read it. */
static void recall_file(struct shared_file *s, const struct shared_file *kept)
{
	s->rc = kept->rc;
	s->saved_errno = kept->saved_errno;
	if (s->rc != 0)
		return;
	s->len = kept->len;
	memcpy(s->bytes, kept->bytes, kept->len);
}

static int explain_unread(const struct shared_file *s, int k, struct err *err)
{
	if (s->rc == ERR_CONFIG)
		return err_set(err, s->rc, "the path in %s is too long",
		    path_variables[k]);
	if (s->rc == ERR_NOMEM)
		return err_set(err, s->rc, "out of memory");
	if (s->rc == ERR_LIMIT)
		return err_set(
		    err, ERR_CONFIG, "%s is over %zu bytes", s->path, FILE_MAX);
	errno = s->saved_errno;
	return err_errno(err, ERR_CONFIG, "cannot read %s", s->path);
}

static int open_view(const struct cred_file *f, struct view *v, int k,
    const char *profile, struct err *err)
{
	struct shared_file *s = &v->file;
	int line;

	read_shared_file(s, k);
	if (s->rc == ERR_IO && s->saved_errno == EACCES &&
	    f->kept[k].text != NULL)
		recall_file(s, &f->kept[k]);
	if (s->rc == ERR_ABSENT)
		return 0;
	if (s->rc != 0)
		return explain_unread(s, k, err);
	buf_truncate(s->text, s->len);
	if (memchr(s->bytes, '\0', s->len) != NULL)
		return err_set(err, ERR_CONFIG, "%s is no text file", s->path);
	line = parse_profile(v, s->bytes, k == 1, profile);
	if (line != 0)
		return err_set(err, ERR_CONFIG,
		    "%s:%d: neither [SECTION] nor KEY = VALUE in a section",
		    s->path, line);
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

/* Both files, which the caller frees after a failure, too; NULL when memory is
 * short. */
static struct view *open_views(
    const struct cred_file *f, const char *profile, int *rc, struct err *err)
{
	struct view *v = calloc(2, sizeof *v);

	if (v == NULL) {
		*rc = err_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	*rc = 0;
	for (int k = 0; k < 2 && *rc == 0; k++)
		*rc = open_view(f, &v[k], k, profile, err);
	return v;
}

static void free_views(struct view *v)
{
	for (int k = 0; k < 2 && v != NULL; k++)
		buf_free(v[k].file.text);
	free(v);
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
		    "%s: profile %s has no %s: add it", v->file.path, profile,
		    is_given(v->access_key) ? "aws_secret_access_key"
					    : "aws_access_key_id");
	rc = cred_set(out, v->access_key, v->secret_key, v->token);
	if (rc == ERR_NOMEM)
		return err_set(err, rc, "out of memory");
	if (rc != 0)
		return err_set(err, ERR_CONFIG,
		    "%s: profile %s has a key or token that is malformed or "
		    "too long: copy it anew",
		    v->file.path, profile);
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
		    profile, v[0].file.path, v[1].file.path);
	for (int k = 0; k < 2; k++)
		if (v[k].file.rc == 0)
			return err_set(err, ERR_ABSENT, "no profile %s in %s",
			    profile, v[k].file.path);
	return err_set(err, ERR_ABSENT, "no %s", v[0].file.path);
}

static int load_profile_keys(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	bool asked;
	const char *profile = profile_of(ctx, &asked);
	int rc;
	struct view *v = open_views(ctx, profile, &rc, err);

	(void)deadline;
	/* Both keys of a pair, and their token, come from one file. */
	if (rc == 0 && has_keys(&v[0]))
		rc = take_profile_keys(&v[0], profile, out, err);
	else if (rc == 0 && has_keys(&v[1]))
		rc = take_profile_keys(&v[1], profile, out, err);
	else if (rc == 0)
		rc = explain_absence(v, profile, asked, err);
	free_views(v);
	return rc;
}

int cred_file_region(struct cred_file *f, char *region, size_t size)
{
	const char *found = NULL;
	bool asked;
	int rc;
	struct view *v = open_views(f, profile_of(f, &asked), &rc, NULL);

	if (rc == 0)
		found = is_given(v[0].region) ? v[0].region : v[1].region;
	if (rc == 0 && !is_given(found))
		rc = ERR_ABSENT;
	if (rc == 0)
		(void)snprintf(region, size, "%s", found);
	free_views(v);
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
	buf_free(f->kept[0].text);
	buf_free(f->kept[1].text);
	free(f);
}

const char *cred_file_path(struct cred_file *f, int which)
{
	(void)set_path(f->kept[which].path, which);
	return f->kept[which].path;
}

/* Root follows no link that somebody else has made, to a file that is not this
 * half's. */
static bool may_read_ahead(const char *path)
{
	return geteuid() != 0 || access(path, F_OK) != 0 ||
	       file_is_guarded(path);
}

void cred_file_read_ahead(struct cred_file *f)
{
	for (int k = 0; k < 2; k++) {
		buf_free(f->kept[k].text);
		f->kept[k].text = NULL;
		if (set_path(f->kept[k].path, k) == 0 &&
		    may_read_ahead(f->kept[k].path))
			read_shared_file(&f->kept[k], k);
	}
}

struct cred_source cred_file_source(struct cred_file *f)
{
	return (struct cred_source){
	    .name = "shared file", .load = load_profile_keys, .ctx = f};
}

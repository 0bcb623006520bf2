/* SPDX-License-Identifier: Apache-2.0 */
/* A step of --setup: credentials where the service reads them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/cred_iot.h"
#include "aws/shared.h"
#include "confine/confine.h"
#include "producer/halves.h"
#include "producer/setup/setup.h"
#include "producer/setup/unit.h"
#include "producer/setup/write.h"

#define FILE_MAX ((size_t)65536)

/* The two files of the service's user. */
struct shared_pair {
	struct buf *credentials, *config;
};

static int open_pair(struct shared_pair *p, struct err *err)
{
	p->credentials = buf_new(FILE_MAX);
	p->config = buf_new(FILE_MAX);
	if (p->credentials == NULL || p->config == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

static void close_pair(struct shared_pair *p)
{
	buf_free(p->credentials);
	buf_free(p->config);
}

static int add_key(
    struct buf *to, const char *key, const char *value, struct err *err)
{
	int rc = 0;

	if (buf_len(to) == 0)
		rc = buf_addstr(to, "[default]\n");
	if (rc == 0)
		rc = buf_addstr(to, key);
	if (rc == 0)
		rc = buf_addstr(to, " = ");
	if (rc == 0)
		rc = buf_addstr(to, value);
	if (rc == 0)
		rc = buf_addstr(to, "\n");
	return rc == 0 ? 0 : err_set(err, rc, "%s: too long", key);
}

/* ---- where there are some */

static bool has_content(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 1;
}

/* What the service finds; NULL: nothing. */
static const char *find_service_credentials(const struct conf *conf)
{
	static const char *const variables[] = {"AWS_ACCESS_KEY_ID",
	    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"};
	const struct cred_iot_config iot = PROGRAM_IOT(&conf->common);

	if (cred_iot_is_set(&iot))
		return "AWS IoT, as the configuration says";
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
		if (unit_has_variable(variables[i]))
			return variables[i];
	if (has_content(UNIT_AWS "/credentials"))
		return UNIT_AWS "/credentials";
	if (has_content(UNIT_AWS "/config"))
		return UNIT_AWS "/config";
	return NULL;
}

/* ---- the ways to give some */

static int paste_line(struct buf *to, const char *key, const char *question,
    bool secret, bool needed, struct err *err)
{
	struct buf *value = buf_new(ASK_LINE_MAX);
	int rc;

	if (value == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = needed ? ask_needed(question, secret, value, err)
		    : ask_line(question, secret, value, err);
	if (rc == 0 && buf_len(value) > 0)
		rc = add_key(to, key, buf_str(value), err);
	buf_free(value);
	return rc;
}

static int paste_keys(struct shared_pair *p, struct err *err)
{
	int rc = paste_line(p->credentials, "aws_access_key_id",
	    "access key id", false, true, err);

	if (rc == 0)
		rc = paste_line(p->credentials, "aws_secret_access_key",
		    "secret access key (not shown)", true, true, err);
	if (rc == 0)
		rc = paste_line(p->credentials, "aws_session_token",
		    "session token, if there is one (not shown)", true, false,
		    err);
	return rc;
}

static int paste_process(struct shared_pair *p, struct err *err)
{
	return paste_line(p->config, "credential_process",
	    "command that prints credentials (credential_process)", false, true,
	    err);
}

/* What a profile may have and says all: no other profile. */
static int copy_keys(
    struct shared_pair *p, const struct shared *s, struct err *err)
{
	static const char *const secret[] = {
	    "aws_access_key_id", "aws_secret_access_key", "aws_session_token"};
	static const char *const plain[] = {"credential_process", "role_arn",
	    "web_identity_token_file", "role_session_name", "credential_source",
	    "external_id", "duration_seconds"};
	const char *profile = shared_profile(s), *value;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < 3; i++) {
		value = shared_get(s, profile, secret[i]);
		if (value != NULL)
			rc = add_key(p->credentials, secret[i], value, err);
	}
	for (size_t i = 0; rc == 0 && i < sizeof plain / sizeof plain[0]; i++) {
		value = shared_get(s, profile, plain[i]);
		if (value != NULL)
			rc = add_key(p->config, plain[i], value, err);
	}
	return rc;
}

static int copy_profile(struct shared_pair *p, struct err *err)
{
	struct buf *name = buf_new(ASK_LINE_MAX);
	struct shared_files *files = NULL;
	struct shared *s = NULL;
	int rc = name == NULL ? err_set(err, ERR_NOMEM, "out of memory")
			      : ask_needed("profile of root's AWS files", false,
				    name, err);

	if (rc != 0)
		goto out;
	(void)unsetenv("AWS_DEFAULT_PROFILE");
	(void)unsetenv("AWS_PROFILE");
	files = shared_files_new(buf_str(name));
	rc = files == NULL ? err_set(err, ERR_NOMEM, "out of memory")
			   : shared_read(files, &s, err);
	if (rc == 0 && !shared_has(s, shared_profile(s)))
		rc = err_set(err, ERR_CONFIG,
		    "there is no profile %.128s in %.200s: choose another, or "
		    "name the file by AWS_SHARED_CREDENTIALS_FILE",
		    buf_str(name), shared_path(s, SHARED_CREDENTIALS));
	if (rc == 0 &&
	    shared_get(s, shared_profile(s), "source_profile") != NULL)
		rc = err_set(err, ERR_CONFIG,
		    "profile %.128s needs another one (source_profile): copy "
		    "both to " UNIT_AWS " yourself",
		    buf_str(name));
	if (rc == 0)
		rc = copy_keys(p, s, err);
	if (rc == 0 && buf_len(p->credentials) + buf_len(p->config) == 0)
		rc = err_set(err, ERR_CONFIG,
		    "profile %.128s holds nothing that gives credentials: "
		    "choose another",
		    buf_str(name));
out:
	shared_free(s);
	shared_files_free(files);
	buf_free(name);
	return rc;
}

static int ask_way(struct shared_pair *p, struct err *err)
{
	struct buf *way = buf_new(ASK_LINE_MAX);
	int rc;

	if (way == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = ask_needed("credentials: paste a \"key\", give the command of a "
			"\"process\", or copy a \"profile\" of root's",
	    false, way, err);
	if (rc == 0 && strcmp(buf_str(way), "key") == 0)
		rc = paste_keys(p, err);
	else if (rc == 0 && strcmp(buf_str(way), "process") == 0)
		rc = paste_process(p, err);
	else if (rc == 0 && strcmp(buf_str(way), "profile") == 0)
		rc = copy_profile(p, err);
	else if (rc == 0)
		rc = err_set(err, ERR_USAGE,
		    "the answer is none of key, process and profile: start "
		    "again");
	buf_free(way);
	return rc;
}

/* ---- the files */

static int make_home(const char *path, struct err *err)
{
	if (access(path, F_OK) == 0)
		return 0;
	if (mkdir(path, 0700) != 0)
		return err_errno(err, ERR_PERM, "cannot make %s", path);
	return confine_give(path, PRODUCER_ONLINE_USER, err);
}

/* The directories are another user's, who could have made links of what is in
 * them: root writes nothing there, that user does. */
static int write_pair(const struct shared_pair *p, struct err *err)
{
	struct err why = {0};
	bool changed;
	int rc = make_home(UNIT_HOME, err);

	if (rc == 0)
		rc = confine_as(PRODUCER_ONLINE_USER, err);
	if (rc != 0)
		return rc;
	(void)mkdir(UNIT_AWS, 0700);
	if (buf_len(p->credentials) > 0)
		rc = write_whole(UNIT_AWS "/credentials", p->credentials, 0600,
		    false, &changed, err);
	if (rc == 0 && buf_len(p->config) > 0)
		rc = write_whole(
		    UNIT_AWS "/config", p->config, 0600, false, &changed, err);
	if (confine_as_root(&why) != 0) {
		*err = why;
		return ERR_INTERNAL;
	}
	return rc;
}

int setup_credentials(struct setup *s, struct err *err)
{
	const char *found = find_service_credentials(&s->conf);
	struct shared_pair pair;
	int rc;

	if (found != NULL) {
		findings_ok(&s->all, "credentials", "there by %s", found);
		return 0;
	}
	rc = open_pair(&pair, err);
	if (rc == 0)
		rc = ask_way(&pair, err);
	if (rc == 0)
		rc = write_pair(&pair, err);
	if (rc == 0)
		findings_ok(&s->all, "credentials",
		    "written to " UNIT_AWS ", of " PRODUCER_ONLINE_USER
		    " alone");
	s->changed = true;
	close_pair(&pair);
	return rc;
}

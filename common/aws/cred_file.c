/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred_file.h"

#include <stdbool.h>
#include <stdio.h>

static bool is_given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

/* botocore lets the old name go first. */
static const char *find_token(
    const struct shared *s, enum shared_file which, const char *profile)
{
	const char *old =
	    shared_get_from(s, which, profile, "aws_security_token");

	return old != NULL
		   ? old
		   : shared_get_from(s, which, profile, "aws_session_token");
}

int cred_file_take(const struct shared *s, enum shared_file which,
    const char *profile, struct cred *out, struct err *err)
{
	const char *access =
	    shared_get_from(s, which, profile, "aws_access_key_id");
	const char *secret =
	    shared_get_from(s, which, profile, "aws_secret_access_key");
	int rc;

	if (access == NULL && secret == NULL)
		return err_set(err, ERR_ABSENT, "no keys in %.160s",
		    shared_path(s, which));
	if (!is_given(access) || !is_given(secret))
		return err_set(err, ERR_CONFIG,
		    "%.200s: profile %.100s has no %s: add it",
		    shared_path(s, which), profile,
		    is_given(access) ? "aws_secret_access_key"
				     : "aws_access_key_id");
	rc = cred_set(out, access, secret, find_token(s, which, profile));
	if (rc == ERR_NOMEM)
		return err_set(err, rc, "out of memory");
	if (rc != 0)
		return err_set(err, ERR_CONFIG,
		    "%.200s: profile %.100s has a key or token that is "
		    "malformed or too long: copy it anew",
		    shared_path(s, which), profile);
	out->source = "shared file";
	out->stored = true;
	(void)snprintf(out->origin, sizeof out->origin,
	    "profile %.100s of %.200s", profile, shared_path(s, which));
	return 0;
}

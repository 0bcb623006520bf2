/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred_file.h"

#include <stdbool.h>
#include <stdio.h>

static bool is_given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static bool has_keys(const struct shared *s, enum shared_file which)
{
	const char *profile = shared_profile(s);

	return shared_get_from(s, which, profile, "aws_access_key_id") !=
		   NULL ||
	       shared_get_from(s, which, profile, "aws_secret_access_key") !=
		   NULL;
}

static int take_profile_keys(const struct shared *s, enum shared_file which,
    struct cred *out, struct err *err)
{
	const char *profile = shared_profile(s);
	const char *access =
	    shared_get_from(s, which, profile, "aws_access_key_id");
	const char *secret =
	    shared_get_from(s, which, profile, "aws_secret_access_key");
	int rc;

	if (!is_given(access) || !is_given(secret))
		return err_set(err, ERR_CONFIG,
		    "%.200s: profile %.100s has no %s: add it",
		    shared_path(s, which), profile,
		    is_given(access) ? "aws_secret_access_key"
				     : "aws_access_key_id");
	rc = cred_set(out, access, secret,
	    shared_get_from(s, which, profile, "aws_session_token"));
	if (rc == ERR_NOMEM)
		return err_set(err, rc, "out of memory");
	if (rc != 0)
		return err_set(err, ERR_CONFIG,
		    "%.200s: profile %.100s has a key or token that is "
		    "malformed or too long: copy it anew",
		    shared_path(s, which), profile);
	return 0;
}

static int explain_absence(const struct shared *s, struct err *err)
{
	const char *profile = shared_profile(s);

	if (shared_has(s, profile))
		return err_set(
		    err, ERR_ABSENT, "profile %.100s holds no keys", profile);
	if (shared_profile_asked(s))
		return err_set(err, ERR_CONFIG,
		    "there is no profile %.100s in %.120s or %.120s: add it, "
		    "or change AWS_PROFILE or \"profile\" in the configuration",
		    profile, shared_path(s, SHARED_CREDENTIALS),
		    shared_path(s, SHARED_CONFIG));
	for (int k = 0; k < 2; k++)
		if (shared_is_there(s, k))
			return err_set(err, ERR_ABSENT, "no profile %s in %s",
			    profile, shared_path(s, k));
	return err_set(
	    err, ERR_ABSENT, "no %s", shared_path(s, SHARED_CREDENTIALS));
}

static int load_profile_keys(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	struct shared *s;
	int rc = shared_read(ctx, &s, err);

	(void)deadline;
	if (rc != 0)
		return rc;
	/* Both keys of a pair, and their token, come from one file. */
	if (has_keys(s, SHARED_CREDENTIALS))
		rc = take_profile_keys(s, SHARED_CREDENTIALS, out, err);
	/* Between the two comes credential_process (cred_process.h). */
	else if (has_keys(s, SHARED_CONFIG) &&
		 shared_get(s, shared_profile(s), "credential_process") == NULL)
		rc = take_profile_keys(s, SHARED_CONFIG, out, err);
	else
		rc = explain_absence(s, err);
	shared_free(s);
	return rc;
}

int cred_file_region(struct shared_files *f, char *region, size_t size)
{
	const char *found;
	struct shared *s;
	int rc = shared_read(f, &s, NULL);

	if (rc != 0)
		return rc;
	found = shared_get(s, shared_profile(s), "region");
	if (is_given(found))
		(void)snprintf(region, size, "%s", found);
	else
		rc = ERR_ABSENT;
	shared_free(s);
	return rc;
}

struct cred_source cred_file_source(struct shared_files *f)
{
	return (struct cred_source){
	    .name = "shared file", .load = load_profile_keys, .ctx = f};
}

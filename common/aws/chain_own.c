/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/chain_own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/chain_sts.h"
#include "aws/cred_file.h"

/* ---- a web identity */

static bool is_given_text(const char *s)
{
	return s != NULL && s[0] != '\0';
}

bool chain_has_key(
    const struct chain_walk *w, const char *profile, const char *key)
{
	return shared_get(w->s, profile, key) != NULL;
}

/* The value of the variable, if with_env is set, else that of the profile's
 * key. */
static const char *choose_web(const struct shared *s, const char *profile,
    bool with_env, const char *variable, const char *key)
{
	const char *set = with_env ? getenv(variable) : NULL;

	return is_given_text(set) ? set : shared_get(s, profile, key);
}

static int load_web_identity(struct chain_walk *w, const char *profile,
    bool with_env, struct cred *out, struct err *err)
{
	const char *file = choose_web(w->s, profile, with_env,
	    "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
	const struct sts_role role = {.arn = choose_web(w->s, profile, with_env,
					  "AWS_ROLE_ARN", "role_arn"),
	    .session_name = choose_web(w->s, profile, with_env,
		"AWS_ROLE_SESSION_NAME", "role_session_name")};
	int rc;

	if (!is_given_text(file))
		return err_set(err, ERR_ABSENT,
		    with_env ? "no AWS_WEB_IDENTITY_TOKEN_FILE"
			     : "no web_identity_token_file");
	if (!is_given_text(role.arn))
		return err_set(err, ERR_CONFIG,
		    "profile %.100s: the web identity token %.160s is for no "
		    "role: set role_arn in the profile, or AWS_ROLE_ARN",
		    profile, file);
	rc = chain_sts_place(w->p, w->s, false, err);
	if (rc == 0 && !w->p->dry)
		rc = sts_assume_role_with_web_identity(
		    &w->p->sts, file, &role, w->deadline, out, err);
	if (rc != 0)
		return rc;
	out->source = "web identity";
	(void)snprintf(out->origin, sizeof out->origin,
	    "role %.180s by the web identity token %.128s", role.arn, file);
	return 0;
}

/* ---- what is not supported */

static int refuse_sign_in(
    const struct chain_walk *w, const char *profile, struct err *err)
{
	static const char *const keys[] = {"sso_account_id", "sso_role_name"};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (chain_has_key(w, profile, keys[i]))
			return err_set(err, ERR_CONFIG,
			    "profile %.100s has %s: a sign-in by IAM Identity "
			    "Center (SSO) is for people and is not supported: "
			    "give this machine a role, keys or a "
			    "credential_process",
			    profile, keys[i]);
	return err_set(err, ERR_ABSENT, "no sso_account_id");
}

static int refuse_login(
    const struct chain_walk *w, const char *profile, struct err *err)
{
	if (!chain_has_key(w, profile, "login_session"))
		return err_set(err, ERR_ABSENT, "no login_session");
	return err_set(err, ERR_CONFIG,
	    "profile %.100s has login_session: what \"aws login\" signs in is "
	    "a person and is not supported: give this machine a role, keys or "
	    "a credential_process",
	    profile);
}

/* ---- what a profile holds itself */

static int run_process(struct chain_walk *w, const char *profile,
    struct cred *out, struct err *err)
{
	int rc;

	if (!chain_has_key(w, profile, "credential_process"))
		return err_set(err, ERR_ABSENT, "no credential_process");
	if (w->p->dry)
		rc = cred_process_check(w->p->cfg.process, profile, err);
	else
		rc = cred_process_load(
		    w->p->cfg.process, profile, out, w->deadline, err);
	if (rc != 0)
		return rc == ERR_ABSENT ? ERR_NOCRED : rc;
	out->source = "credential_process";
	(void)snprintf(out->origin, sizeof out->origin,
	    "credential_process of profile %.100s", profile);
	return 0;
}

/* Each of them in the order of botocore. */
static int load_step(struct chain_walk *w, int step, const char *profile,
    bool with_env, struct cred *out, struct err *err)
{
	switch (step) {
	case 0:
		return load_web_identity(w, profile, with_env, out, err);
	case 1:
		return refuse_sign_in(w, profile, err);
	case 2:
		return cred_file_take(
		    w->s, SHARED_CREDENTIALS, profile, out, err);
	case 3:
		return refuse_login(w, profile, err);
	case 4:
		return run_process(w, profile, out, err);
	default:
		return cred_file_take(w->s, SHARED_CONFIG, profile, out, err);
	}
}

/* One line that leaves room for what other sources say. */
static int explain_own(
    const struct shared *s, const char *profile, struct err *err)
{
	if (shared_has(s, profile))
		return err_set(
		    err, ERR_ABSENT, "profile %.100s holds no keys", profile);
	for (enum shared_file k = SHARED_CREDENTIALS; k <= SHARED_CONFIG; k++)
		if (shared_is_there(s, k))
			return err_set(err, ERR_ABSENT,
			    "no profile %.100s in %.200s", profile,
			    shared_path(s, k));
	return err_set(
	    err, ERR_ABSENT, "no %.200s", shared_path(s, SHARED_CREDENTIALS));
}

int chain_own_load(struct chain_walk *w, const char *profile, bool with_env,
    struct cred *out, struct err *err)
{
	char story[ERR_TEXT_MAX] = "";
	size_t len = 0;

	for (int step = 0; step <= 5; step++) {
		struct err why = {0};
		int rc = load_step(w, step, profile, with_env, out, &why);

		if (rc == 0)
			return 0;
		if (rc != ERR_ABSENT) {
			*err = why;
			return rc;
		}
		(void)snprintf(story + len, sizeof story - len, "%s%.170s",
		    len > 0 ? ", " : "", why.text);
		len = strlen(story);
	}
	if (!w->p->dry)
		return explain_own(w->s, profile, err);
	return err_set(err, ERR_ABSENT, "profile %.64s has %s", profile, story);
}

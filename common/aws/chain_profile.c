/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/chain_profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/chain_own.h"
#include "aws/chain_sts.h"
#include "base/text.h"

#define DURATION_MAX 43200

static int load_source_profile(struct chain_walk *w, const char *profile,
    struct cred *out, struct err *err);

static bool is_filled(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static const char *get_key(
    const struct chain_walk *w, const char *profile, const char *key)
{
	return shared_get(w->s, profile, key);
}

/* A failure of what a profile asks for. */
static int blame_profile(
    const char *profile, int rc, const struct err *why, struct err *err)
{
	return err_set(err, rc, "profile %.100s: %s", profile, why->text);
}

/* ---- by STS */

static int read_duration(const struct chain_walk *w, const char *profile,
    struct sts_role *role, struct err *err)
{
	const char *text = get_key(w, profile, "duration_seconds");
	uint64_t seconds;

	if (text == NULL)
		return 0;
	if (!text_read_number(text, strlen(text), DURATION_MAX, &seconds) ||
	    seconds == 0)
		return err_set(err, ERR_CONFIG,
		    "profile %.100s: duration_seconds is not 1 to %d", profile,
		    DURATION_MAX);
	role->duration = (int)seconds;
	return 0;
}

static int assume_role(struct chain_walk *w, const char *profile,
    const struct cred *by, struct cred *out, struct err *err)
{
	struct sts_role role = {.arn = get_key(w, profile, "role_arn"),
	    .session_name = get_key(w, profile, "role_session_name"),
	    .external_id = get_key(w, profile, "external_id")};
	struct err why = {0};
	int rc = read_duration(w, profile, &role, err);

	if (rc != 0)
		return rc;
	rc = chain_sts_place(w->p, w->s, true, &why);
	if (rc == 0 && !w->p->dry)
		rc = sts_assume_role(
		    &w->p->sts, by, &role, w->deadline, out, &why);
	if (rc != 0)
		return blame_profile(profile, rc, &why, err);
	out->source = "role";
	(void)snprintf(out->origin, sizeof out->origin,
	    "role %.160s of profile %.48s, by %.150s", role.arn, profile,
	    by->origin);
	return 0;
}

/* ---- roles */

/* In a dry run a source of the machine is only looked at. */
static int ask_named_source(struct chain_walk *w,
    const struct cred_source *source, struct cred *out, struct err *err)
{
	char url[CONTAINER_URL_MAX];

	if (w->p->dry && source == &w->p->container)
		return cred_container_url(url, err);
	if (w->p->dry && source == &w->p->cfg.metadata)
		return 0;
	return source->load(source->ctx, out, w->deadline, err);
}

static int load_named_source(struct chain_walk *w, const char *profile,
    const char *name, struct cred *out, struct err *err)
{
	const struct {
		const char *name;
		const struct cred_source *source;
	} known[] = {{"Environment", &w->p->environment},
	    {"EcsContainer", &w->p->container},
	    {"Ec2InstanceMetadata", &w->p->cfg.metadata}};
	const struct cred_source *source = NULL;
	struct err why = {0};
	int rc;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(known[i].name, name) == 0)
			source = known[i].source;
	if (source == NULL)
		return err_set(err, ERR_CONFIG,
		    "profile %.100s: there is no credential_source %.64s: set "
		    "Environment, EcsContainer or Ec2InstanceMetadata",
		    profile, name);
	rc = ask_named_source(w, source, out, &why);
	if (rc != 0)
		return err_set(err, rc == ERR_ABSENT ? ERR_NOCRED : rc,
		    "profile %.100s: credential_source %s: %s", profile, name,
		    why.text);
	out->source = source->name;
	(void)snprintf(
	    out->origin, sizeof out->origin, "credential_source %s", name);
	return 0;
}

/* A profile may name itself, if it has keys to ask for its role by. */
static int check_visit(struct chain_walk *w, const char *profile,
    const char *next, struct err *err)
{
	bool seen = false;

	if (!shared_has(w->s, next))
		return err_set(err, ERR_CONFIG,
		    "profile %.100s: there is no source_profile %.100s: add "
		    "it, or correct the name",
		    profile, next);
	for (size_t i = 0; i < w->n; i++)
		seen = seen || strcmp(w->visited[i], next) == 0;
	if (seen &&
	    (strcmp(next, profile) != 0 || !shared_has_keys(w->s, next)))
		return err_set(err, ERR_CONFIG,
		    "profile %.100s: source_profile %.100s leads back to "
		    "itself: let the last one have keys",
		    profile, next);
	if (w->n == SHARED_DEPTH_MAX)
		return err_set(err, ERR_CONFIG,
		    "profile %.100s: over %d profiles lead to each other by "
		    "source_profile",
		    profile, SHARED_DEPTH_MAX);
	w->visited[w->n++] = next;
	return 0;
}

static int check_role(const struct chain_walk *w, const char *profile,
    const char *next, const char *named, struct err *err)
{
	if (!is_filled(get_key(w, profile, "role_arn")))
		return err_set(err, ERR_CONFIG,
		    "profile %.100s: role_arn is empty: write the role's ARN",
		    profile);
	if ((next != NULL) == (named != NULL))
		return err_set(err, ERR_CONFIG,
		    "profile %.100s: role_arn needs %s", profile,
		    next != NULL ? "one of source_profile and "
				   "credential_source, not both"
				 : "source_profile or credential_source: add "
				   "one, or web_identity_token_file");
	if (chain_has_key(w, profile, "mfa_serial"))
		return err_set(err, ERR_CONFIG,
		    "profile %.100s: mfa_serial needs a person who types a "
		    "code: use a role that asks for none",
		    profile);
	return 0;
}

/* check_visit() bounds the depth.
 * NOLINTNEXTLINE(misc-no-recursion) */
static int load_role_of(struct chain_walk *w, const char *profile,
    struct cred *out, struct err *err)
{
	const char *next = get_key(w, profile, "source_profile");
	const char *named = get_key(w, profile, "credential_source");
	struct cred *by;
	int rc = check_role(w, profile, next, named, err);

	if (rc == 0 && next != NULL)
		rc = check_visit(w, profile, next, err);
	if (rc != 0)
		return rc;
	by = cred_new();
	if (by == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = next != NULL ? load_source_profile(w, next, by, err)
			  : load_named_source(w, profile, named, by, err);
	if (rc == 0)
		rc = assume_role(w, profile, by, out, err);
	cred_free(by);
	return rc;
}

/* NOLINTNEXTLINE(misc-no-recursion): the same */
static int load_source_profile(struct chain_walk *w, const char *profile,
    struct cred *out, struct err *err)
{
	struct err why = {0};
	int rc;

	if (shared_has_role(w->s, profile) && !shared_has_keys(w->s, profile))
		return load_role_of(w, profile, out, err);
	rc = chain_own_load(w, profile, false, out, &why);
	if (rc == ERR_ABSENT)
		return err_set(err, ERR_CONFIG,
		    "profile %.100s is a source_profile and has no "
		    "credentials: give it keys, a role or a "
		    "credential_process",
		    profile);
	if (rc != 0)
		*err = why;
	return rc;
}

/* ---- the profile in force */

int chain_profile_check(const struct shared *s, struct err *err)
{
	const char *profile = shared_profile(s);

	if (!shared_profile_asked(s) || shared_has(s, profile))
		return 0;
	return err_set(err, ERR_CONFIG,
	    "there is no profile %.100s in %.120s or %.120s: add it, or change "
	    "AWS_PROFILE or \"profile\" in the configuration",
	    profile, shared_path(s, SHARED_CREDENTIALS),
	    shared_path(s, SHARED_CONFIG));
}

static int check_ambiguity(const struct shared *s, struct err *err)
{
	if (!shared_is_ambiguous(s) ||
	    strcmp(shared_profile(s), "default") != 0)
		return 0;
	return err_set(err, ERR_CONFIG,
	    "%.300s has [profile default] and behind it [default], of which "
	    "each SDK takes another one: remove one of them",
	    shared_path(s, SHARED_CONFIG));
}

/* What only makes sense with a role: whoever asked for this profile wants to be
 * somebody else than the machine.  And keys of the tools that came before the
 * AWS CLI, which botocore still reads. */
static int refuse_leftover(
    const struct chain_walk *w, const char *profile, struct err *err)
{
	static const struct {
		const char *key, *advice;
	} keys[] = {{"source_profile", "no role_arn: add it"},
	    {"credential_source", "no role_arn: add it"},
	    {"mfa_serial", "no role_arn: add it"},
	    {"external_id", "no role_arn: add it"},
	    {"sso_session", "is for a person who signs in: use another"},
	    {"sso_start_url", "is for a person who signs in: use another"}};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (shared_profile_asked(w->s) &&
		    chain_has_key(w, profile, keys[i].key))
			return err_set(err, ERR_CONFIG,
			    "profile %.100s has %s and %s", profile,
			    keys[i].key, keys[i].advice);
	if (is_filled(getenv("AWS_CREDENTIAL_FILE")))
		return err_set(err, ERR_CONFIG,
		    "AWS_CREDENTIAL_FILE is of the old EC2 tools and is not "
		    "read: put the keys into ~/.aws/credentials, or the file "
		    "of AWS_SHARED_CREDENTIALS_FILE");
	return ERR_ABSENT;
}

static int load_in_force(
    struct chain_walk *w, struct cred *out, struct err *err)
{
	const char *profile = shared_profile(w->s);
	int rc = shared_check_read(w->s, err);

	if (rc == 0)
		rc = chain_profile_check(w->s, err);
	if (rc == 0)
		rc = check_ambiguity(w->s, err);
	if (rc != 0)
		return rc;
	w->visited[w->n++] = profile;
	if (shared_has_role(w->s, profile))
		return load_role_of(w, profile, out, err);
	rc = chain_own_load(w, profile, true, out, err);
	return rc == ERR_ABSENT ? refuse_leftover(w, profile, err) : rc;
}

static int load_profile(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	struct chain_profile *p = ctx;
	struct chain_walk w = {.p = p, .deadline = deadline};
	struct shared *s;
	int rc = shared_read(p->cfg.files, &s, err);

	w.s = s;
	if (rc == 0)
		rc = load_in_force(&w, out, err);
	shared_free(s);
	return rc;
}

struct cred_source chain_profile_source(struct chain_profile *p)
{
	return (struct cred_source){
	    .name = "profile", .load = load_profile, .ctx = p};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred_env.h"

#include <stdlib.h>
#include <string.h>

#include "base/date.h"

/* The variable; "" also for nothing but blanks, which is what some shells and
 * unit files make of an empty one. */
static const char *read_variable(const char *name)
{
	const char *s = getenv(name);

	return s != NULL && s[strspn(s, " \t")] != '\0' ? s : "";
}

/* botocore lets the old name go first. */
static const char *read_token(void)
{
	const char *old = read_variable("AWS_SECURITY_TOKEN");

	return old[0] != '\0' ? old : read_variable("AWS_SESSION_TOKEN");
}

static int take_expiration(struct cred *out, struct err *err)
{
	const char *text = read_variable("AWS_CREDENTIAL_EXPIRATION");

	if (text[0] == '\0' || date_parse_rfc3339(text, &out->expires) == 0)
		return 0;
	return err_set(err, ERR_CONFIG,
	    "AWS_CREDENTIAL_EXPIRATION is no time such as "
	    "2026-11-22T08:00:00Z: correct it, or unset it");
}

static int load_environment(
    void *ctx, struct cred *out, int64_t deadline, struct err *err)
{
	const char *access = read_variable("AWS_ACCESS_KEY_ID");
	const char *secret = read_variable("AWS_SECRET_ACCESS_KEY");
	int rc;

	(void)ctx;
	(void)deadline;
	if (access[0] == '\0' && secret[0] == '\0')
		return err_set(err, ERR_ABSENT, "AWS_ACCESS_KEY_ID is not set");
	if (access[0] == '\0' || secret[0] == '\0')
		return err_set(err, ERR_CONFIG,
		    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together: "
		    "set both or none");
	rc = cred_set(out, access, secret, read_token());
	if (rc == ERR_NOMEM)
		return err_set(err, rc, "out of memory");
	if (rc != 0)
		return err_set(err, ERR_CONFIG,
		    "the AWS credentials in the environment hold a space or "
		    "another character that they cannot have, or are too "
		    "long: set them anew");
	return take_expiration(out, err);
}

struct cred_source cred_env(void)
{
	return (struct cred_source){
	    .name = "environment", .load = load_environment};
}

void cred_env_forget(void)
{
	/* Whoever knows the path at an ECS host has the credentials there. */
	static const char *const names[] = {"AWS_SECRET_ACCESS_KEY",
	    "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
	    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	    "AWS_CONTAINER_CREDENTIALS_FULL_URI"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char *value = getenv(names[i]);

		if (value != NULL)
			explicit_bzero(value, strlen(value));
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/cred_env.h"

#include <stdlib.h>
#include <string.h>

static const char *read_variable(const char *name)
{
	const char *s = getenv(name);

	return s != NULL ? s : "";
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
	rc = cred_set(out, access, secret, read_variable("AWS_SESSION_TOKEN"));
	if (rc == ERR_NOMEM)
		return err_set(err, rc, "out of memory");
	if (rc != 0)
		return err_set(err, ERR_CONFIG,
		    "the AWS credentials in the environment hold a space or "
		    "another character that they cannot have, or are too "
		    "long: set them anew");
	return 0;
}

struct cred_source cred_env(void)
{
	return (struct cred_source){
	    .name = "environment", .load = load_environment};
}

void cred_env_forget(void)
{
	static const char *const names[] = {"AWS_SECRET_ACCESS_KEY",
	    "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char *value = getenv(names[i]);

		if (value != NULL)
			explicit_bzero(value, strlen(value));
	}
}

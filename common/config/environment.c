/* SPDX-License-Identifier: Apache-2.0 */
#include "config/environment.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

static const char *const shown[] = {"AWS_CA_BUNDLE", "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CREDENTIAL_EXPIRATION",
    "AWS_DEFAULT_PROFILE", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_SSM",
    "AWS_ENDPOINT_URL_STS", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "AWS_METADATA_SERVICE_TIMEOUT",
    "AWS_PROFILE", "AWS_REGION", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
    "AWS_SHARED_CREDENTIALS_FILE", "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT",
    "AWS_WEB_IDENTITY_TOKEN_FILE", "CREDENTIALS_DIRECTORY", "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
    "no_proxy", "NO_PROXY"};

/* The path at a container's host is as good as a password. */
static const char *const secret[] = {"AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static const char *read_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *environment_first(const char *const *names)
{
	for (; names != NULL && *names != NULL; names++)
		if (read_set(*names) != NULL)
			return *names;
	return NULL;
}

static void show_secret(const char *name, FILE *to)
{
	(void)fprintf(to, "# %s is set  # environment\n", name);
}

static void show_variable(const char *name, FILE *to)
{
	const char *value = read_set(name);

	if (value == NULL)
		return;
	/* "https://user:password@host" */
	if (strchr(value, '@') != NULL) {
		show_secret(name, to);
		return;
	}
	(void)fprintf(to, "# %s = \"", name);
	text_print(to, value);
	(void)fputs("\"  # environment\n", to);
}

static bool is_among(const char *variable, const char *const *names, size_t n)
{
	const size_t len = strcspn(variable, "=");

	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) == len &&
		    strncmp(names[i], variable, len) == 0)
			return true;
	return false;
}

/* The name alone: nobody knows whether its value is a secret. */
static void show_unknown(const char *variable, FILE *to)
{
	char name[64];

	if (strncmp(variable, "AWS_", 4) != 0 ||
	    is_among(variable, shown, COUNT(shown)) ||
	    is_among(variable, secret, COUNT(secret)))
		return;
	(void)snprintf(
	    name, sizeof name, "%.*s", (int)strcspn(variable, "="), variable);
	(void)fputs("# ignored ", to);
	text_print(to, name);
	(void)fputs(": these programs read no variable of this name\n", to);
}

void environment_show(FILE *to)
{
	for (size_t i = 0; i < COUNT(shown); i++)
		show_variable(shown[i], to);
	for (size_t i = 0; i < COUNT(secret); i++)
		if (read_set(secret[i]) != NULL)
			show_secret(secret[i], to);
	for (char **at = environ; at != NULL && *at != NULL; at++)
		show_unknown(*at, to);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/runner.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLES_MAX 128
#define DEFAULT_PATH  "PATH=/usr/local/bin:/usr/bin:/bin"

/* A '*' at the end stands for anything. */
static const char *const kept[] = {"PATH", "LANG", "LANGUAGE", "LC_*", "TZ",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY",
    "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "AWS_*"};

/* Whoever gets them has no use for them, or is not to have them. */
static const char *const dropped[] = {"AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN"};

static bool is_named(const char *variable, const char *name)
{
	const size_t len = strcspn(name, "*");

	return strncmp(variable, name, len) == 0 &&
	       (name[len] == '*' || variable[len] == '=');
}

static bool is_kept(const char *variable)
{
	bool keep = false;

	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
		keep = keep || is_named(variable, kept[i]);
	for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
		keep = keep && !is_named(variable, dropped[i]);
	return keep;
}

static char *make_variable(const char *name, const char *value)
{
	const size_t len = strlen(name) + strlen(value) + 2;
	char *s = malloc(len);

	if (s != NULL)
		(void)snprintf(s, len, "%s=%s", name, value);
	return s;
}

/* HOME of who started the program is not that of the user that root became.
 * False when memory is short. */
static bool add_user(char **to, size_t *n, bool changed)
{
	const struct passwd *entry = getpwuid(geteuid());
	const char *home = getenv("HOME");

	if (changed || home == NULL || home[0] == '\0')
		home = entry != NULL ? entry->pw_dir : "/nonexistent";
	to[*n] = make_variable("HOME", home);
	if (entry == NULL)
		return to[(*n)++] != NULL;
	to[*n + 1] = make_variable("USER", entry->pw_name);
	to[*n + 2] = make_variable("LOGNAME", entry->pw_name);
	*n += 3;
	return to[*n - 3] != NULL && to[*n - 2] != NULL && to[*n - 1] != NULL;
}

char **runner_environment(bool changed)
{
	static char path[] = DEFAULT_PATH;
	char **to = calloc(VARIABLES_MAX + 8, sizeof *to);
	size_t n = 0;

	if (to == NULL)
		return NULL;
	for (char **from = environ;
	     from != NULL && *from != NULL && n < VARIABLES_MAX; from++)
		if (is_kept(*from))
			to[n++] = *from;
	if (getenv("PATH") == NULL)
		to[n++] = path;
	if (add_user(to, &n, changed))
		return to;
	/* What is left over ends with the process that asked. */
	free(to);
	return NULL;
}

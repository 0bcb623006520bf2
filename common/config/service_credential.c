/* SPDX-License-Identifier: Apache-2.0 */
#include "config/service_credential.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* bytes: systemd takes no SetCredential= shorter than a line feed */
#define EMPTY 1

static const char *directory(void)
{
	const char *given = getenv("CREDENTIALS_DIRECTORY");

	return given != NULL && given[0] == '/' ? given : NULL;
}

bool service_credential_find(const char *name, char *path, size_t size)
{
	char found[PATH_MAX];
	struct stat st;
	int len;

	if (directory() == NULL)
		return false;
	len = snprintf(found, sizeof found, "%s/%s", directory(), name);
	if (len < 0 || (size_t)len >= sizeof found || (size_t)len >= size)
		return false;
	if (stat(found, &st) != 0) {
		/* One that cannot be looked at is there: to open it will tell
		 * what is wrong. */
		if (errno == ENOENT || errno == ENOTDIR)
			return false;
	} else if (S_ISREG(st.st_mode) && st.st_size <= EMPTY) {
		return false;
	}
	memcpy(path, found, (size_t)len + 1);
	return true;
}

bool service_credential_is(const char *path)
{
	const char *name, *in = directory();
	size_t len;

	if (in == NULL)
		return false;
	len = strlen(in);
	if (strncmp(path, in, len) != 0 || path[len] != '/')
		return false;
	name = path + len + 1;
	return strchr(name, '/') == NULL;
}

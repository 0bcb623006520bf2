/* SPDX-License-Identifier: Apache-2.0 */
#include "config/service_credential.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define VARIABLE "CREDENTIALS_DIRECTORY"

/* bytes: systemd takes no SetCredential= shorter than a line feed */
#define EMPTY    1

bool service_credential_find(const char *name, char *path, size_t size)
{
	const char *in = file_directory(VARIABLE, NULL);
	char found[PATH_MAX];
	struct stat st;
	int len;

	if (in == NULL)
		return false;
	len = snprintf(found, sizeof found, "%s/%s", in, name);
	if (len < 0 || (size_t)len >= sizeof found || (size_t)len >= size)
		return false;
	if (stat(found, &st) != 0) {
		/* The file is there but cannot be looked at.  Whoever opens it
		 * will tell why. */
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
	const char *in = file_directory(VARIABLE, NULL);
	size_t len;

	if (in == NULL)
		return false;
	len = strlen(in);
	return strncmp(path, in, len) == 0 && path[len] == '/' &&
	       strchr(path + len + 1, '/') == NULL;
}

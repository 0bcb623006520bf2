/* SPDX-License-Identifier: Apache-2.0 */
/* The variables that systemd gives the unit, so that what is tried is what the
 * unit does. */
#include "doctor/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/unit_variables.h"

#define PATH_BYTES 128

static int set_unit_variable(void *ctx, const char *name, const char *value)
{
	int *n = ctx;

	if (setenv(name, value, 1) != 0)
		return ERR_NOMEM;
	++*n;
	return 0;
}

static void take_environment_file(struct findings *all, const char *path)
{
	int n = 0;
	const int rc = unit_variables_read(path, set_unit_variable, &n);

	if (rc == 0)
		findings_ok(all, "environment",
		    "as the unit's, with %d variables of %s", n, path);
	else if (rc != ERR_ABSENT)
		findings_warn(all, "environment", "run it as root",
		    "%s, which the unit has its variables from, cannot be "
		    "read: %s",
		    path, rc == ERR_IO ? strerror(errno) : err_text(rc));
}

void doctor_environment(struct findings *all, const char *name)
{
	static const char *const folders[] = {"default", "sysconfig"};
	char path[PATH_BYTES];

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		(void)snprintf(
		    path, sizeof path, "/etc/%s/%s", folders[i], name);
		take_environment_file(all, path);
	}
}

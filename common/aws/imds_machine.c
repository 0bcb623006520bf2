/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/imds_machine.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"

/* True if the file was read; *yes if it begins so, in any case. */
static bool read_mark(
    const char *sysfs, const char *name, const char *mark, bool *yes)
{
	char path[PATH_MAX], text[256] = "";
	size_t len;
	int rc;

	(void)snprintf(path, sizeof path, "%s/%s", sysfs, name);
	rc = file_read(path, text, sizeof text - 1, &len);
	if (rc != 0 || len == 0)
		return false;
	if (strncasecmp(text, mark, strlen(mark)) == 0)
		*yes = true;
	return true;
}

static bool has_device_tree(const char *sysfs)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/firmware/devicetree/base", sysfs);
	return access(path, F_OK) == 0;
}

enum imds_machine imds_machine_find(const char *sysfs)
{
	bool yes = false;
	bool known;

	known = read_mark(sysfs, "class/dmi/id/sys_vendor", "Amazon EC2", &yes);
	(void)read_mark(sysfs, "class/dmi/id/product_uuid", "ec2", &yes);
	(void)read_mark(sysfs, "hypervisor/uuid", "ec2", &yes);
	if (yes)
		return IMDS_MACHINE_EC2;
	return known || has_device_tree(sysfs) ? IMDS_MACHINE_OTHER
					       : IMDS_MACHINE_UNKNOWN;
}

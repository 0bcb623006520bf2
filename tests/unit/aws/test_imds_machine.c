/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/imds_machine.h"

static char sysfs[] = "/tmp/sysfs-XXXXXX";

static void put(const char *path, const char *text)
{
	char full[256];
	FILE *f;

	(void)snprintf(full, sizeof full, "%s/%s", sysfs, path);
	for (char *p = full + sizeof sysfs; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void)mkdir(full, 0700);
		*p = '/';
	}
	if (text == NULL) {
		(void)mkdir(full, 0700);
		return;
	}
	f = fopen(full, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* NULL: there is no such file. */
static void expect_machine(enum imds_machine machine, const char *vendor,
    const char *uuid, const char *hypervisor)
{
	char command[64];

	assert_non_null(mkdtemp(strcpy(sysfs, "/tmp/sysfs-XXXXXX")));
	if (vendor != NULL)
		put("class/dmi/id/sys_vendor", vendor);
	if (uuid != NULL)
		put("class/dmi/id/product_uuid", uuid);
	if (hypervisor != NULL)
		put("hypervisor/uuid", hypervisor);
	assert_int_equal(imds_machine_find(sysfs), machine);
	if (vendor == NULL) {
		put("firmware/devicetree/base", NULL);
		assert_int_equal(imds_machine_find(sysfs),
		    machine == IMDS_MACHINE_EC2 ? machine : IMDS_MACHINE_OTHER);
	}
	(void)snprintf(command, sizeof command, "rm -r %s", sysfs);
	assert_int_equal(system(command), 0);
}

static void an_instance_is_known_by_its_vendor_or_uuid(void **state)
{
	(void)state;
	expect_machine(IMDS_MACHINE_EC2, "Amazon EC2\n", NULL, NULL);
	expect_machine(IMDS_MACHINE_EC2, "Xen\n", "EC2E1916-9099\n", NULL);
	expect_machine(IMDS_MACHINE_EC2, "Xen\n", NULL, "ec2e1916-9099\n");
	expect_machine(IMDS_MACHINE_EC2, NULL, NULL, "ec2e1916-9099\n");
	expect_machine(IMDS_MACHINE_OTHER, "QEMU\n", "0ec20000-1\n", NULL);
	expect_machine(IMDS_MACHINE_OTHER, "Amazon\n", NULL, NULL);
	expect_machine(IMDS_MACHINE_UNKNOWN, NULL, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_instance_is_known_by_its_vendor_or_uuid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

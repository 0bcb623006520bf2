/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_AWS_IMDS_MACHINE_H
#define SQS_ENTROPY_AWS_IMDS_MACHINE_H

/* Whether this machine is an EC2 instance, so that a metadata service that does
 * not answer is late and not absent. */
enum imds_machine {
	IMDS_MACHINE_UNKNOWN, /* such as a container without /sys */
	IMDS_MACHINE_EC2,
	IMDS_MACHINE_OTHER
};

/*
 * What the hypervisor and DMI say below sysfs, "/sys" (EC2 User Guide, "Detect
 * whether a host is an EC2 instance"): a UUID that begins with ec2, or the
 * vendor "Amazon EC2".  A machine with a device tree and no DMI, such as a
 * Raspberry Pi, is another one: EC2's ARM instances have DMI as well.  Only
 * root can read the UUID of DMI.
 */
enum imds_machine imds_machine_find(const char *sysfs);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQS_ENTROPY_PRODUCER_ASSESS_DEVICES_H
#define SQS_ENTROPY_PRODUCER_ASSESS_DEVICES_H

#include <stdbool.h>
#include <stddef.h>

/* What of this machine is a source of random bytes, may be one, or is taken for
 * one. */
#define DEVICES_MAX 24

enum device_kind {
	DEVICE_SOURCE, /* a hardware generator that gives bytes */
	DEVICE_MAYBE,  /* a serial device: only people know what it is */
	DEVICE_NONE    /* no source, and why */
};

struct device {
	char path[32];
	enum device_kind kind;
	char what[256]; /* for people, printable */
};

/* Find those below root ("" but for tests): its /dev and /sys are looked at,
 * nothing is opened.  Returns their number. */
size_t devices_find(const char *root, struct device list[static DEVICES_MAX]);

/* Describe a path that is, or is not, in the list: never NULL. */
const char *devices_describe(
    const struct device *list, size_t n, const char *path);

#endif

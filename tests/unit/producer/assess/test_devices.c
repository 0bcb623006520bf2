/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "producer/assess/devices.h"

static char root[] = "/tmp/devices-XXXXXX";
static struct device list[DEVICES_MAX];

static const char *in_root(const char *path)
{
	static char full[PATH_MAX];

	(void)snprintf(full, sizeof full, "%s%s", root, path);
	return full;
}

/* A file below the root, with the directories above it. */
static void put(const char *path, const char *text)
{
	char full[PATH_MAX];
	FILE *to;

	(void)snprintf(full, sizeof full, "%s%s", root, path);
	for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		(void)mkdir(full, 0755);
		*at = '/';
	}
	to = fopen(full, "w");
	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
}

#define HWRNG "/sys/class/misc/hw_random/"

static void what_each_device_is_is_told(void **state)
{
	static const struct {
		const char *path;
		enum device_kind kind;
		const char *what;
	} all[] = {
	    {"/dev/hwrng", DEVICE_SOURCE,
		"hardware generator bcm2835 (that of a Raspberry Pi), chosen "
		"of: bcm2835 tpm-rng-0"},
	    {"/dev/ttyACM1", DEVICE_MAYBE,
		"USB serial device True?RNG: a source if it is a generator"},
	    {"/dev/ttyUSB0", DEVICE_MAYBE,
		"USB serial device: a source if it is a generator"},
	    {"/dev/tpm0", DEVICE_NONE,
		"TPM: its generator is read through /dev/hwrng"},
	    {"/dev/random", DEVICE_NONE,
		"the kernel's own generator: not a source"}};
	const size_t n = sizeof all / sizeof all[0];

	(void)state;
	assert_int_equal(devices_find(root, list), 0);
	for (size_t i = 0; i < n; i++)
		put(all[i].path, "");
	put(HWRNG "rng_current", "bcm2835\n");
	put(HWRNG "rng_available", "bcm2835 tpm-rng-0\n");
	put("/sys/class/tty/ttyACM1/product", "True\x1bRNG\n");
	put("/sys/class/tty/ttyACM1/device/x", "");
	assert_int_equal(devices_find(root, list), n);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(list[i].path, all[i].path);
		assert_int_equal(list[i].kind, all[i].kind);
		assert_string_equal(list[i].what, all[i].what);
	}
	assert_string_equal(
	    devices_describe(list, n, "/dev/random"), all[4].what);
	assert_string_equal(devices_describe(list, n, "/dev/rand"), "");
}

static void without_a_driver_hwrng_is_no_source(void **state)
{
	static const struct {
		const char *now, *all, *what;
		enum device_kind kind;
	} cases[] = {
	    {"none\n", "\n", "no hardware generator is behind it", DEVICE_NONE},
	    {"", "", "no hardware generator is behind it", DEVICE_NONE},
	    {"tpm-rng-0\n", "tpm-rng-0\n",
		"hardware generator tpm-rng-0 (that of the TPM)",
		DEVICE_SOURCE},
	    {"ath9k\n", "ath9k\n", "hardware generator ath9k", DEVICE_SOURCE}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		put(HWRNG "rng_current", cases[i].now);
		put(HWRNG "rng_available", cases[i].all);
		assert_true(devices_find(root, list) > 0);
		assert_string_equal(list[0].what, cases[i].what);
		assert_int_equal(list[0].kind, cases[i].kind);
	}
	assert_int_equal(unlink(in_root(HWRNG "rng_current")), 0);
	assert_true(devices_find(root, list) > 0);
	assert_int_equal(list[0].kind, DEVICE_SOURCE);
	assert_string_equal(
	    list[0].what, "a hardware generator that sysfs does not name");
}

static int make_root(void **state)
{
	(void)state;
	return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof command, "rm -rf %s", root);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_each_device_is_is_told),
	    cmocka_unit_test(without_a_driver_hwrng_is_no_source),
	};

	return cmocka_run_group_tests_name(
	    "devices", tests, make_root, remove_root);
}

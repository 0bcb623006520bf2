/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/assess/devices.h"

#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#define HWRNG     "/dev/hwrng"
#define MISC      "/sys/class/misc/hw_random/"
#define WORD_MAX  96 /* of a file of sysfs */
#define PORTS_MAX 8  /* serial devices of a kind */

struct found {
	const char *root;
	struct device *list;
	size_t n;
};

/* The one line of a file of sysfs; false, and "", where it cannot be read. */
static bool read_word(const char *root, const char *path, char out[WORD_MAX])
{
	char full[PATH_MAX];
	size_t len = 0;
	bool read;

	(void)snprintf(full, sizeof full, "%s%s", root, path);
	read = file_read(full, out, WORD_MAX - 1, &len) == 0;
	out[read ? len : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	text_make_printable(out, strlen(out));
	return read;
}

static bool is_there(const char *root, const char *path)
{
	char full[PATH_MAX];

	(void)snprintf(full, sizeof full, "%s%s", root, path);
	return access(full, F_OK) == 0;
}

__attribute__((format(printf, 4, 5))) static void note_device(struct found *f,
    const char *path, enum device_kind kind, const char *format, ...)
{
	struct device *d;
	va_list args;

	if (f->n == DEVICES_MAX)
		return;
	d = &f->list[f->n++];
	d->kind = kind;
	(void)snprintf(d->path, sizeof d->path, "%s", path);
	va_start(args, format);
	(void)vsnprintf(d->what, sizeof d->what, format, args);
	va_end(args);
}

/* What the kernel's drivers call the generators that are met most. */
static const char *explain_driver(const char *name)
{
	static const struct {
		const char *begin, *means;
	} known[] = {{"bcm2835", " (that of a Raspberry Pi)"},
	    {"iproc-rng200", " (that of a Raspberry Pi)"},
	    {"tpm-rng", " (that of the TPM)"},
	    {"virtio_rng", " (bytes of the virtual machine's host)"}};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strncmp(name, known[i].begin, strlen(known[i].begin)) == 0)
			return known[i].means;
	return "";
}

/* hwrng is one device for all drivers, of which one is chosen. */
static void find_hwrng(struct found *f)
{
	char now[WORD_MAX], all[WORD_MAX];

	if (!is_there(f->root, HWRNG))
		return;
	(void)read_word(f->root, MISC "rng_available", all);
	/* A container may have the device and no sysfs. */
	if (!read_word(f->root, MISC "rng_current", now))
		note_device(f, HWRNG, DEVICE_SOURCE,
		    "a hardware generator that sysfs does not name");
	else if (now[0] == '\0' || strcmp(now, "none") == 0)
		note_device(f, HWRNG, DEVICE_NONE,
		    "no hardware generator is behind it");
	else if (strchr(all, ' ') != NULL)
		note_device(f, HWRNG, DEVICE_SOURCE,
		    "hardware generator %s%s, chosen of: %s", now,
		    explain_driver(now), all);
	else
		note_device(f, HWRNG, DEVICE_SOURCE, "hardware generator %s%s",
		    now, explain_driver(now));
}

static void find_ports(struct found *f, const char *name)
{
	for (unsigned i = 0; i < PORTS_MAX; i++) {
		char path[32], place[128], product[WORD_MAX];

		(void)snprintf(path, sizeof path, "/dev/%s%u", name, i);
		if (!is_there(f->root, path))
			continue;
		(void)snprintf(place, sizeof place,
		    "/sys/class/tty/%s%u/device/../product", name, i);
		(void)read_word(f->root, place, product);
		note_device(f, path, DEVICE_MAYBE,
		    "USB serial device%s%s: a source if it is a generator",
		    product[0] != '\0' ? " " : "", product);
	}
}

size_t devices_find(const char *root, struct device list[static DEVICES_MAX])
{
	struct found f = {.root = root, .list = list};

	find_hwrng(&f);
	find_ports(&f, "ttyACM");
	find_ports(&f, "ttyUSB");
	if (is_there(root, "/dev/tpm0"))
		note_device(&f, "/dev/tpm0", DEVICE_NONE,
		    "TPM: its generator is read through " HWRNG);
	if (is_there(root, "/dev/random"))
		note_device(&f, "/dev/random", DEVICE_NONE,
		    "the kernel's own generator: not a source");
	return f.n;
}

const char *devices_describe(
    const struct device *list, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].path, path) == 0)
			return list[i].what;
	return "";
}

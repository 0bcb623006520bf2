/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run by the first unit of a boot: injects with the agent's own code before
 * anything has read the generator, and tells whether that made it ready.
 */
#include <errno.h>
#include <linux/random.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "agent/offline/inject.h"

#define BYTES  512
#define CREDIT 256

/* GRND_NONBLOCK does not start the kernel's jitter loop, which would make it
 * ready without us. */
static int ready(void)
{
	uint8_t byte;

	return getrandom(&byte, 1, GRND_NONBLOCK) == 1;
}

static double boottime(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void tell(const char *name, int fd, const char *end)
{
	int count = -1;

	(void)ioctl(fd, RNDGETENTCNT, &count);
	printf("\"%s\": {\"boottime\": %.6f, \"ready\": %s, \"count\": %d}%s",
	    name, boottime(), ready() ? "true" : "false", count, end);
}

static int step(int fd, unsigned bits, struct err *err)
{
	uint8_t *at;
	struct buf *bytes = buf_new_zero(BYTES, &at);
	int rc = ERR_NOMEM;

	/* They need not be random: the kernel takes the word for it. */
	if (bytes != NULL) {
		memset(at, 0x5a, BYTES);
		rc = inject(fd, bytes, bits, true, err);
	}
	buf_free(bytes);
	return rc;
}

int main(void)
{
	struct err err = {0};
	int fd = -1;
	int rc = inject_open(&fd, &err);

	if (rc == 0) {
		printf("{");
		tell("before", fd, ", ");
		rc = step(fd, 0, &err);
		tell("uncredited", fd, ", ");
	}
	if (rc == 0) {
		rc = step(fd, CREDIT, &err);
		tell("credited", fd, "}\n");
	}
	if (rc != 0)
		(void)fprintf(stderr, "early: %s\n", err.text);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

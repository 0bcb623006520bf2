/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>

#include "base/file.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

int64_t clock_read(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void clock_boot(char boot[static CLOCK_BOOT_MAX])
{
	char text[CLOCK_BOOT_MAX] = "";
	size_t len;

	if (file_read(BOOT_ID, text, sizeof text - 1, &len) == 0)
		text[strcspn(text, "\n")] = '\0';
	memcpy(boot, text, sizeof text);
}

static int64_t system_mono(void *ctx)
{
	(void)ctx;
	return clock_read(CLOCK_MONOTONIC);
}

static int64_t system_wall(void *ctx)
{
	(void)ctx;
	return clock_read(CLOCK_REALTIME);
}

/* Looks at cancel_fd even when there is nothing to sleep. */
static int system_sleep(void *ctx, int64_t ms)
{
	const int *cancel_fd = ctx;
	struct pollfd p = {
	    .fd = cancel_fd != NULL ? *cancel_fd : -1, .events = POLLIN};
	const int64_t until = system_mono(NULL) + ms;
	int64_t left = ms;

	do {
		int n = poll(&p, 1, left > 60000 ? 60000 : (int)left);

		if (n > 0)
			return ERR_CANCELED;
		if (n < 0 && errno != EINTR)
			return ERR_IO;
		left = until - system_mono(NULL);
	} while (left > 0);
	return 0;
}

/* At boot the kernel's generator may not be ready.  Jitter is not worth a wait
 * for it: the low bits of the clock are good enough. */
static double system_chance(void *ctx)
{
	uint32_t r;
	struct timespec ts;

	(void)ctx;
	if (getrandom(&r, sizeof r, GRND_NONBLOCK) != (ssize_t)sizeof r) {
		(void)clock_gettime(CLOCK_MONOTONIC, &ts);
		r = (uint32_t)ts.tv_nsec * 2654435761U;
	}
	return r / 4294967296.0;
}

struct clock clock_system(const int *cancel_fd)
{
	/* The sleeper only reads what ctx points to. */
	return (struct clock){.mono = system_mono,
	    .wall = system_wall,
	    .sleep = system_sleep,
	    .chance = system_chance,
	    .ctx = (void *)cancel_fd};
}

int64_t clock_mono(const struct clock *c)
{
	return c->mono(c->ctx);
}

int64_t clock_wall(const struct clock *c)
{
	return c->wall(c->ctx);
}

int clock_sleep(const struct clock *c, int64_t ms)
{
	return c->sleep(c->ctx, ms);
}

double clock_chance(const struct clock *c)
{
	return c->chance(c->ctx);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/err.h"

int64_t clock_read(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
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

/* The pool may not be ready at boot, and jitter is worth no wait: without
 * random bytes the clock's low bits serve. */
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
	/* The sleeper only reads it. */
	union {
		const int *in;
		void *out;
	} ctx = {.in = cancel_fd};

	return (struct clock){.mono = system_mono,
	    .wall = system_wall,
	    .sleep = system_sleep,
	    .chance = system_chance,
	    .ctx = ctx.out};
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

static bool in_calendar(const struct tm *tm)
{
	return tm->tm_year >= 70 && tm->tm_year < 8100 && tm->tm_mon >= 0 &&
	       tm->tm_mon < 12 && tm->tm_mday >= 1 && tm->tm_mday <= 31 &&
	       tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* timegm() carries 30 February over into March. */
static int to_wall(const struct tm *given, int64_t *wall)
{
	struct tm tm = *given;
	time_t t;

	if (!in_calendar(given))
		return ERR_FORMAT;
	t = timegm(&tm);
	if (tm.tm_mday != given->tm_mday && given->tm_sec != 60)
		return ERR_FORMAT;
	*wall = (int64_t)t * 1000;
	return 0;
}

/* Decimal digits alone: sscanf() would take signs and white space. */
static int digits(const char *s, int n, int *out)
{
	*out = 0;
	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return ERR_FORMAT;
		*out = *out * 10 + (s[i] - '0');
	}
	return 0;
}

static int hms(const char *s, struct tm *tm)
{
	if (s[2] != ':' || s[5] != ':' || digits(s, 2, &tm->tm_hour) != 0 ||
	    digits(s + 3, 2, &tm->tm_min) != 0 ||
	    digits(s + 6, 2, &tm->tm_sec) != 0)
		return ERR_FORMAT;
	return 0;
}

int clock_parse_rfc3339(const char *s, int64_t *wall)
{
	struct tm tm = {0};
	const char *end;

	if (strlen(s) < 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T')
		return ERR_FORMAT;
	if (digits(s, 4, &tm.tm_year) != 0 ||
	    digits(s + 5, 2, &tm.tm_mon) != 0 ||
	    digits(s + 8, 2, &tm.tm_mday) != 0 || hms(s + 11, &tm) != 0)
		return ERR_FORMAT;
	end = s + 19;
	if (*end == '.') {
		size_t n = strspn(end + 1, "0123456789");

		if (n == 0)
			return ERR_FORMAT;
		end += 1 + n;
	}
	if (strcmp(end, "Z") != 0 && strcmp(end, "+00:00") != 0)
		return ERR_FORMAT;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return to_wall(&tm, wall);
}

int clock_parse_http(const char *s, int64_t *wall)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = {0};
	char name[4] = {0};
	const char *found;

	if (strlen(s) != 29 || memcmp(s + 3, ", ", 2) != 0 || s[7] != ' ' ||
	    s[11] != ' ' || s[16] != ' ' || strcmp(s + 25, " GMT") != 0)
		return ERR_FORMAT;
	memcpy(name, s + 8, 3);
	found = strstr(months, name);
	if (found == NULL || (found - months) % 3 != 0)
		return ERR_FORMAT;
	if (digits(s + 5, 2, &tm.tm_mday) != 0 ||
	    digits(s + 12, 4, &tm.tm_year) != 0 || hms(s + 17, &tm) != 0)
		return ERR_FORMAT;
	tm.tm_mon = (int)((found - months) / 3);
	tm.tm_year -= 1900;
	return to_wall(&tm, wall);
}

void clock_format_amz(int64_t wall, char out[static CLOCK_AMZ_MAX])
{
	time_t t = (time_t)(wall / 1000);
	struct tm tm = {0};

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, CLOCK_AMZ_MAX, "%Y%m%dT%H%M%SZ", &tm) == 0)
		memcpy(out, "19700101T000000Z", CLOCK_AMZ_MAX);
}

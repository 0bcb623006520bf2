/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/imds_fetch.h"

/* A young instance has its role's credentials about two seconds after the
 * first question for them. */
#define ABSENT_MS    3000
#define PAUSE_MS     100 /* the first one, by a quarter more or less */
#define PAUSE_MAX_MS 800
#define ROUTE_MS     100 /* and up to 1.5 times as much more, by chance */
/* An attempt that had less says nothing about who did not answer. */
#define SILENCE_MS   1000

struct imds_patience imds_patience_begin(
    const struct imds_peer *p, int64_t deadline)
{
	return (struct imds_patience){
	    .deadline = deadline, .began = clock_mono(p->clock)};
}

static int64_t sooner_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool is_foreign(const struct imds_peer *p)
{
	return p->machine == IMDS_MACHINE_OTHER && !p->answered &&
	       !p->settings.configured && p->settings.tries == 0;
}

/* A failure that another attempt may not meet. */
static bool passes_by_itself(int rc)
{
	return rc == ERR_TIMEOUT || rc == ERR_UNREACHABLE ||
	       rc == ERR_CONNECT || rc == ERR_NET || rc == ERR_SERVICE ||
	       rc == ERR_THROTTLED || rc == ERR_FORMAT || rc == ERR_LIMIT ||
	       rc == ERR_ABSENT || rc == ERR_DENIED;
}

static bool is_last(
    const struct imds_peer *p, const struct imds_patience *s, int rc)
{
	const int64_t now = clock_mono(p->clock);

	if (p->settings.tries > 0 && s->failures >= p->settings.tries)
		return true;
	return now >= imds_patience_end(p, s) || is_foreign(p) ||
	       (rc == ERR_ABSENT && now >= s->absent_by);
}

/* What an earlier attempt met tells more than that time was up; but silence
 * since the route came is no lack of a route. */
static bool tells_more(const struct imds_peer *p, const struct imds_patience *s)
{
	if (p->wait_for_route && s->before.code == ERR_UNREACHABLE)
		return clock_mono(p->clock) - s->began < SILENCE_MS;
	return s->before.code != 0;
}

static bool end_patience(const struct imds_peer *p,
    const struct imds_patience *s, int *rc, struct err *err)
{
	if (*rc == ERR_TIMEOUT && tells_more(p, s)) {
		*err = s->before;
		*rc = s->before.code;
	}
	if (is_foreign(p))
		*rc = err_set(err, ERR_ABSENT,
		    "nobody answers as IMDS at %s, and this machine is no EC2 "
		    "instance; for another metadata service set "
		    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
		    p->host);
	return false;
}

static int64_t choose_pause(
    const struct imds_peer *p, const struct imds_patience *s)
{
	const double chance = clock_chance(p->clock);
	int64_t ms = PAUSE_MS;

	for (int k = 1; k < s->failures && ms < PAUSE_MAX_MS; k++)
		ms *= 2;
	return (int64_t)((double)ms * (0.75 + chance / 2));
}

/* False when told to stop, or when there is no time for another attempt. */
static bool pause_until(const struct imds_peer *p, int64_t until,
    const struct imds_patience *s, int *rc, struct err *err)
{
	const int64_t end = imds_patience_end(p, s);
	const int64_t left = sooner_of(until, end) - clock_mono(p->clock);
	int told = clock_sleep(p->clock, left > 0 ? left : 0);

	if (told != 0) {
		*rc = err_set(err, told, "IMDS at %s: told to stop", p->host);
		return false;
	}
	return clock_mono(p->clock) < end || end_patience(p, s, rc, err);
}

/* The route comes at once or after minutes: growing pauses would miss it. */
static bool wait_for_route(const struct imds_peer *p, struct imds_patience *s,
    int *rc, struct err *err)
{
	const double more = clock_chance(p->clock) * ROUTE_MS * 1.5;
	const int64_t now = clock_mono(p->clock);

	s->began = now;
	return pause_until(p, now + ROUTE_MS + (int64_t)more, s, rc, err);
}

bool imds_again(const struct imds_peer *p, struct imds_patience *s, int *rc,
    struct err *err)
{
	const int64_t now = clock_mono(p->clock);
	int64_t until;

	if (*rc == 0 || s->over || !passes_by_itself(*rc))
		return false;
	if (*rc == ERR_UNREACHABLE && p->wait_for_route) {
		s->before = *err;
		return wait_for_route(p, s, rc, err);
	}
	s->failures++;
	if (*rc == ERR_ABSENT && s->absent_by == 0)
		s->absent_by = now + ABSENT_MS;
	if (is_last(p, s, *rc))
		return end_patience(p, s, rc, err);
	s->before = *err;
	until = now + choose_pause(p, s);
	if (*rc == ERR_ABSENT)
		until = sooner_of(until, s->absent_by);
	return pause_until(p, until, s, rc, err);
}

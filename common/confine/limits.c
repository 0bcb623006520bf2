/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/steps.h"

#include <signal.h>
#include <time.h>

/* The hard limit too: the soft one alone could be raised again. */
static int set_limit(__rlimit_resource_t resource, const char *name,
    rlim_t wanted, struct err *err)
{
	struct rlimit limit, now;

	if (getrlimit(resource, &limit) != 0)
		return err_errno(err, ERR_IO, "cannot read the limit %s", name);
	if (limit.rlim_max > wanted)
		limit.rlim_max = wanted;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(resource, &limit) != 0 || getrlimit(resource, &now) != 0)
		return err_errno(err, ERR_IO, "cannot set the limit %s", name);
	if (now.rlim_cur != limit.rlim_cur || now.rlim_max != limit.rlim_max)
		return err_set(
		    err, ERR_INTERNAL, "the limit %s was not kept", name);
	return 0;
}

int confine_limits(rlim_t files, struct err *err)
{
	/* write(2) beyond a limit of the caller's is to fail, not to kill. */
	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return err_errno(err, ERR_IO, "cannot ignore SIGXFSZ");
	return set_limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", files, err);
}

int confine_lifetime(long ms, struct err *err)
{
	struct sigevent kill = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	const struct itimerspec once = {
	    .it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}};
	timer_t timer;

	if (ms <= 0)
		return err_set(err, ERR_INTERNAL, "no time left to live");
	if (timer_create(CLOCK_MONOTONIC, &kill, &timer) != 0 ||
	    timer_settime(timer, 0, &once, NULL) != 0)
		return err_errno(err, ERR_IO, "cannot set a timer");
	return 0;
}

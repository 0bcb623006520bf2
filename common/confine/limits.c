/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/steps.h"

#include <signal.h>
#include <time.h>

int confine_limits(rlim_t files, struct err *err)
{
	struct rlimit limit, now;

	/* write(2) beyond a limit of the caller's is to fail, not to kill. */
	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return err_errno(err, ERR_IO, "cannot ignore SIGXFSZ");
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return err_errno(
		    err, ERR_IO, "cannot read the limit RLIMIT_NOFILE");
	if (limit.rlim_max > files)
		limit.rlim_max = files;
	/* The soft limit alone could be raised again. */
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    getrlimit(RLIMIT_NOFILE, &now) != 0)
		return err_errno(
		    err, ERR_IO, "cannot set the limit RLIMIT_NOFILE");
	if (now.rlim_cur != limit.rlim_cur || now.rlim_max != limit.rlim_max)
		return err_set(
		    err, ERR_INTERNAL, "the limit RLIMIT_NOFILE was not kept");
	return 0;
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

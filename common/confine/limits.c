/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/steps.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/sanitized.h"

#define STACK ((size_t)1 << 20) /* bytes, of a thread that looks up a name */

static int lower_limit(__rlimit_resource_t resource, const char *name,
    rlim_t most, bool may_be_forgotten, struct err *err)
{
	struct rlimit limit, now;

	if (getrlimit(resource, &limit) != 0)
		return err_errno(err, ERR_IO, "cannot read the limit %s", name);
	if (limit.rlim_max > most)
		limit.rlim_max = most;
	/* The soft limit alone could be raised again. */
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(resource, &limit) != 0 || getrlimit(resource, &now) != 0)
		return err_errno(err, ERR_IO, "cannot set the limit %s", name);
	if (!may_be_forgotten &&
	    (now.rlim_cur != limit.rlim_cur || now.rlim_max != limit.rlim_max))
		return err_set(
		    err, ERR_INTERNAL, "the limit %s was not kept", name);
	return 0;
}

/* The C library makes stacks of threads as large as RLIMIT_STACK, which a
 * caller may have set beyond the ceiling of memory. */
static void limit_stacks(void)
{
	pthread_attr_t attr;

	if (pthread_attr_init(&attr) != 0)
		return;
	if (pthread_attr_setstacksize(&attr, STACK) == 0)
		(void)pthread_setattr_default_np(&attr);
	(void)pthread_attr_destroy(&attr);
}

int confine_limits(rlim_t files, rlim_t memory, struct err *err)
{
	int rc;

	limit_stacks();
	/* write(2) beyond a limit of the caller's is to fail, not to kill. */
	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return err_errno(err, ERR_IO, "cannot ignore SIGXFSZ");
	rc = lower_limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", files, false, err);
#if !SANITIZED
	/* An emulator of processes, which has no filters either, needs memory
	 * for itself: qemu-user acknowledges this limit and forgets it. */
	if (rc == 0)
		rc = lower_limit(RLIMIT_DATA, "RLIMIT_DATA", memory,
		    !confine_has_calls(), err);
#else
	(void)memory;
#endif
	return rc;
}

int confine_lifetime(long ms, struct err *err)
{
	struct sigevent kill = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	const struct itimerspec once = {
	    .it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}};
	struct itimerspec left = {0};
	timer_t timer;

	if (ms <= 0)
		return err_set(err, ERR_INTERNAL, "no time left to live");
	if (timer_create(CLOCK_MONOTONIC, &kill, &timer) != 0 ||
	    timer_settime(timer, 0, &once, NULL) != 0)
		return err_errno(err, ERR_IO, "cannot set a timer");
	if (timer_gettime(timer, &left) != 0 ||
	    (left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0))
		return err_set(err, ERR_INTERNAL, "the timer does not run");
	return 0;
}

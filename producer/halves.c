/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/halves.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/cred_env.h"
#include "base/clock.h"
#include "base/log.h"
#include "confine/confine.h"
#include "confine/split.h"

/* SIGTERM ends the whole within a second; a half that ends by itself may take
 * longer over its connections. */
#define STOP_MS   500
#define END_MS    5000

/* Neither half can open a file for writing; what it was given to write to may
 * be a log of any size, which a limit on files' sizes would silence. */
#define FILE_SIZE RLIM_INFINITY

/* Never root: what needs root is open by now. */
int halves_confine_offline(struct err *err)
{
	static const char *const readable[] = {"/dev", NULL};
	struct confine_half half = {.role = CONFINE_PRODUCER_OFFLINE,
	    .user = HALVES_USER,
	    .cap = -1,
	    .readable = readable,
	    .limits = {.files = 64, .file_size = FILE_SIZE}};
	const int rc = confine_half(&half, err);

	if (rc == 0 && !half.seccomp)
		log_warning("this kernel has no seccomp filters: the system "
			    "calls of both halves are not restricted");
	return rc;
}

int halves_confine_online(
    const char *const *readable, bool *nobody, struct err *err)
{
	struct confine_half half = {.role = CONFINE_ONLINE,
	    .user = HALVES_USER,
	    .cap = -1,
	    .readable = readable,
	    .limits = {.files = 64, .file_size = FILE_SIZE}};
	const int rc = confine_half(&half, err);

	*nobody = half.nobody;
	return rc;
}

static int online_half(
    int fd, halves_online *online, const struct conf *conf, int64_t watchdog_ms)
{
	int cancel_fd;

	if (split_stop_fd(&cancel_fd) != 0)
		return ERR_IO;
	return online(fd, conf, cancel_fd, watchdog_ms);
}

static int offline_half(int fd, struct offline *o, struct err *err)
{
	int cancel_fd;
	int rc = split_stop_fd(&cancel_fd);

	cred_env_forget();
	if (rc == 0)
		rc = halves_confine_offline(err);
	if (rc == 0)
		rc = offline_run(o, fd, cancel_fd, err);
	if (rc != 0 && rc != ERR_CANCELED && rc != ERR_SOURCE &&
	    rc != ERR_ABSENT && err->code == 0)
		return err_set(
		    err, rc, "the offline half failed: %s", err_text(rc));
	return rc;
}

/* The half that was killed could not say so itself. */
static void say_killed(int status, bool late)
{
	const int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (late)
		log_error("the half that talks to the network hung when it "
			  "should have ended");
	else if (number > 0)
		log_error("the half that talks to the network was ended by "
			  "signal %d (%s)%s",
		    number, strsignal(number),
		    number == SIGKILL ? ", out of memory?" : "");
}

/* The exit code of the online half, that of the whole program. */
static int end_online(pid_t child)
{
	const struct clock clock = clock_system(NULL);
	const int64_t deadline = clock_mono(&clock) + END_MS;
	const int status = split_reap(child, deadline);

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	say_killed(status, clock_mono(&clock) >= deadline);
	return err_exit(ERR_INTERNAL);
}

static void stop_online(pid_t child)
{
	const struct clock clock = clock_system(NULL);

	(void)kill(child, SIGTERM);
	(void)split_reap(child, clock_mono(&clock) + STOP_MS);
}

int halves_run(struct offline *o, halves_online *online, struct err *err)
{
	pid_t child;
	int fd, rc;

	if (split_fork(&fd, &child) != 0) {
		err_errno(err, ERR_IO, "cannot start the online half");
		return err_exit(ERR_IO);
	}
	if (child == 0) {
		const struct conf *conf = o->conf;
		const int64_t watchdog_ms = o->notify.watchdog_ms;

		offline_close(o);
		/* No exit handlers: they would wait for a name look-up. */
		_exit(err_exit(online_half(fd, online, conf, watchdog_ms)));
	}
	rc = offline_half(fd, o, err);
	(void)close(fd);
	if (rc == 0)
		return end_online(child);
	stop_online(child);
	return rc == ERR_CANCELED ? 0 : err_exit(rc);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/halves.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <unistd.h>

#include "aws/cred_env.h"
#include "base/clock.h"
#include "base/log.h"
#include "confine/confine.h"
#include "confine/split.h"

/* The online half ends itself by the deadline; one that hangs (in a name
 * look-up, or in TLS waiting for the generator) is ended this much later. */
#define GRACE_MS  300
#define REAP_MS   200

/* Neither half can open a file for writing; what it was given to write to may
 * be a log of any size, which a limit on files' sizes would silence. */
#define FILE_SIZE RLIM_INFINITY

/* Of all of root's powers the one that RNDADDENTROPY needs. */
int halves_confine_offline(const struct conf *conf, struct err *err)
{
	static const char *const nothing[] = {NULL};
	struct confine_half half = {.role = CONFINE_AGENT_OFFLINE,
	    .cap = conf->output[0] == '\0' ? CAP_SYS_ADMIN : -1,
	    .readable = nothing,
	    .limits = {.files = 64, .file_size = FILE_SIZE}};
	const int rc = confine_half(&half, err);

	if (rc == 0 && !half.seccomp)
		log_warning("this kernel has no seccomp filters: the system "
			    "calls of both halves are not restricted");
	return rc;
}

int halves_confine_online(const char *const *readable, int64_t deadline,
    bool *nobody, struct err *err)
{
	const struct clock clock = clock_system(NULL);
	const int64_t left = deadline + GRACE_MS + REAP_MS - clock_mono(&clock);
	struct confine_half half = {.role = CONFINE_ONLINE,
	    .user = HALVES_USER,
	    .cap = -1,
	    .readable = readable,
	    .limits = {.files = 64, .file_size = FILE_SIZE},
	    /* The other half, without CAP_KILL, could not end this one. */
	    .lifetime_ms = left > 1 ? (long)left : 1};
	const int rc = confine_half(&half, err);

	*nobody = half.nobody;
	return rc;
}

int halves_run(
    struct offline *o, halves_online *online, int64_t deadline, struct err *err)
{
	pid_t child;
	int fd, rc;

	if (split_fork(&fd, &child) != 0)
		return err_errno(err, ERR_IO, "cannot start the online half");
	if (child == 0) {
		const struct conf *conf = o->conf;

		offline_close(o);
		/* No exit handlers: they would wait for a name look-up. */
		_exit(err_exit(online(fd, conf, deadline)));
	}
	cred_env_forget();
	rc = halves_confine_offline(o->conf, err);
	if (rc == 0)
		rc = offline_run(o, fd, deadline + GRACE_MS);
	(void)close(fd);
	(void)split_reap(child, deadline + GRACE_MS + REAP_MS);
	return rc;
}

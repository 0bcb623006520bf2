/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/arn.h"
#include "base/file.h"
#include "confine/confine.h"

#define LINE_BYTES 1024
#define LINES_MAX  20000 /* of the kernel's log, which others may fill */

/* ---- the kernel */

/* "6,359,4216012,-;random: crng init done": the third is in us since boot. */
static bool read_ready_time(const char *line, double *seconds)
{
	const char *at = strchr(line, ',');

	if (strstr(line, "random: crng init done") == NULL &&
	    strstr(line, "random: crng done") == NULL)
		return false;
	at = at != NULL ? strchr(at + 1, ',') : NULL;
	if (at == NULL)
		return false;
	*seconds = (double)strtoull(at + 1, NULL, 10) / 1e6;
	return true;
}

/* When the generator became ready, by the kernel's log, which not everybody may
 * read and which forgets its beginning. */
static bool find_ready_time(double *seconds)
{
	const int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char line[LINE_BYTES];
	bool found = false;

	for (int i = 0; fd >= 0 && !found && i < LINES_MAX; i++) {
		const ssize_t len = read(fd, line, sizeof line - 1);

		/* EPIPE: the kernel has just forgotten some. */
		if (len < 0 && errno != EPIPE)
			break;
		line[len > 0 ? len : 0] = '\0';
		found = read_ready_time(line, seconds);
	}
	if (fd >= 0)
		(void)close(fd);
	return found;
}

/* True if the file has that word. */
static bool has_word(const char *path, const char *word)
{
	static char text[65536];
	size_t len = 0;
	char *at;
	const size_t n = strlen(word);

	/* A longer one is cut. */
	(void)!file_read(path, text, sizeof text - 1, &len);
	text[len < sizeof text ? len : 0] = '\0';
	for (at = text; (at = strstr(at, word)) != NULL; at += n)
		if ((at == text || strchr(" \t\n", at[-1]) != NULL) &&
		    strchr(" \t\n", at[n]) != NULL)
			return true;
	return false;
}

static const char *name_cpu(void)
{
	if (has_word("/proc/cpuinfo", "rdrand"))
		return "the CPU has RDRAND";
	if (has_word("/proc/cpuinfo", "rng"))
		return "the CPU has RNDR";
	return "the CPU has no generator";
}

void doctor_kernel(struct findings *all)
{
	uint8_t byte;
	double since;

	if (getrandom(&byte, 1, GRND_NONBLOCK) != 1)
		findings_warn(all, "kernel",
		    "systemctl start sqs-entropy-agent",
		    "its generator is not ready, and who asks it waits; %s",
		    name_cpu());
	else if (find_ready_time(&since))
		findings_ok(all, "kernel",
		    "its generator is ready since %.1f s after the boot; %s",
		    since, name_cpu());
	else
		findings_ok(all, "kernel",
		    "its generator is ready, since when is not told; %s",
		    name_cpu());
}

/* ---- the clock */

void doctor_clock(struct findings *all)
{
	struct timex t = {.modes = 0};
	const int state = adjtimex(&t);

	if (state < 0)
		findings_not_asked(all, "clock",
		    "whether it is kept right is not told: %s",
		    strerror(errno));
	else if (state == TIME_ERROR || (t.status & STA_UNSYNC) != 0)
		findings_warn(all, "clock", "timedatectl set-ntp true",
		    "nothing keeps it right");
	else
		findings_ok(all, "clock", "kept right, within %lld ms",
		    (long long)t.maxerror / 1000);
}

/* ---- confinement */

void doctor_confinement(
    struct findings *all, const char *offline_user, const char *online_user)
{
	struct confine_lacks lacks;

	confine_find_lacks(offline_user, online_user, &lacks);
	if (lacks.one_user)
		findings_warn(all, "users", "run it as root, as the unit does",
		    "%s", CONFINE_ONE_USER);
	for (size_t i = 0; i < lacks.n; i++)
		findings_warn(all, i < lacks.users ? "users" : "confinement",
		    NULL, "%s", lacks.text[i]);
	if (!lacks.one_user && lacks.n == 0)
		findings_ok(all, "confinement",
		    "users %s and %s, Landlock, seccomp", offline_user,
		    online_user);
}

/* ---- queues */

void doctor_arns(struct findings *all, const char (*queues)[LIMIT_URL])
{
	for (size_t i = 0; i < arn_count_queues(queues); i++)
		if (arn_is_missing(queues[i]))
			findings_warn(all, "ARN",
			    "write the queue as SQS tells its URL",
			    "%s: " ARN_MISSING
			    ": no message of it earns credit",
			    queues[i]);
}

/* ---- the state */

/* With access(2) of another user than the real one a C library may look at
 * modes alone. */
static bool is_writable(const char *path)
{
	struct statvfs fs;

	if (eaccess(path, W_OK) != 0)
		return false;
	errno = EROFS;
	return statvfs(path, &fs) != 0 || (fs.f_flag & ST_RDONLY) == 0;
}

void doctor_state(struct findings *all, const char *name, const char *directory,
    const char *file)
{
	char path[PATH_MAX];
	const char *what = path;

	(void)snprintf(path, sizeof path, "%s/%s", directory, file);
	if (access(path, F_OK) != 0)
		what = directory;
	if (access(what, F_OK) != 0)
		findings_warn(all, name, "systemd-tmpfiles --create",
		    "there is no %s", what);
	else if (!is_writable(what))
		findings_fail(all, ERR_PERM, name, NULL,
		    "%s cannot be written (%s): give it to its user, on a "
		    "file system that is not read-only",
		    what, strerror(errno));
	else
		findings_ok(all, name, "%s can be written", what);
}

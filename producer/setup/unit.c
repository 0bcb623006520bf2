/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/setup/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/unit_variables.h"

/* Seconds: a start may take the unit's TimeoutStartSec=, which is 600, because
 * the start-up test of a slow source takes minutes. */
#define UNIT_PATIENCE "660"

/* In the order of EnvironmentFile=. */
const char *const unit_files[] = {"/etc/default/sqs-entropy-producer",
    "/etc/sysconfig/sqs-entropy-producer", NULL};

bool unit_has_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

static void become_systemctl(const char *word, const char *unit, bool quiet)
{
	const int null = quiet ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;

	/* Standard output is for the user-data. */
	(void)dup2(null >= 0 ? null : STDERR_FILENO, STDOUT_FILENO);
	if (null >= 0)
		(void)dup2(null, STDERR_FILENO);
	(void)execlp("timeout", "timeout", UNIT_PATIENCE, "systemctl", word,
	    unit, (char *)NULL);
	_exit(127);
}

int unit_systemctl(const char *word, const char *unit, bool quiet)
{
	const pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		become_systemctl(word, unit, quiet);
	if (pid < 0)
		return 127;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

/* ---- the files of variables */

struct search {
	const char *name;
	bool found;
};

static int find_variable(void *ctx, const char *name, const char *value)
{
	struct search *search = ctx;

	if (strcmp(name, search->name) == 0)
		search->found = value[0] != '\0';
	return 0;
}

bool unit_has_variable(const char *name)
{
	struct search search = {.name = name, .found = false};

	for (size_t i = 0; unit_files[i] != NULL; i++)
		(void)!unit_variables_read(
		    unit_files[i], find_variable, &search);
	return search.found;
}

static bool belongs_to_service(const char *name, size_t len)
{
	return strncmp(name, "AWS_", 4) == 0 ||
	       (len > 6 && strncasecmp(name + len - 6, "_proxy", 6) == 0);
}

/* This shell's variables are not the service's. */
static int drop_variables(void)
{
	char name[256];

	for (char **at = environ; at != NULL && *at != NULL;) {
		const size_t len = strcspn(*at, "=");

		if (!belongs_to_service(*at, len) || len >= sizeof name) {
			at++;
			continue;
		}
		memcpy(name, *at, len);
		name[len] = '\0';
		if (unsetenv(name) != 0)
			return ERR_IO;
		at = environ;
	}
	return 0;
}

static int set_variable(void *ctx, const char *name, const char *value)
{
	(void)ctx;
	return setenv(name, value, 1) == 0 ? 0 : ERR_NOMEM;
}

int unit_take_environment(struct err *err)
{
	int rc = drop_variables();

	if (rc == 0 && setenv("HOME", UNIT_HOME, 1) != 0)
		rc = ERR_NOMEM;
	for (size_t i = 0; rc == 0 && unit_files[i] != NULL; i++) {
		rc = unit_variables_read(unit_files[i], set_variable, NULL);
		if (rc != ERR_NOMEM)
			rc = 0;
	}
	if (rc != 0)
		return err_set(err, rc, "environment: %s", err_text(rc));
	return 0;
}

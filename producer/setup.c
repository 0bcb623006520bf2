/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/setup.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "producer/halves.h"
#include "producer/setup/setup.h"
#include "producer/setup/unit.h"

/* Files are made for these users, and the halves become them. */
static int find_users(struct setup *s, struct err *err)
{
	static const char *const users[] = {
	    PRODUCER_OFFLINE_USER, PRODUCER_ONLINE_USER};

	for (size_t i = 0; i < 2; i++)
		if (getpwnam(users[i]) == NULL)
			return err_set(err, ERR_CONFIG,
			    "there is no user %s: install the package, or run "
			    "systemd-sysusers",
			    users[i]);
	findings_ok(&s->all, "users", "%s reads and signs, %s sends", users[0],
	    users[1]);
	return 0;
}

static const struct {
	const char *name;
	int (*take)(struct setup *s, struct err *err);
} steps[] = {{"users", find_users}, {"configuration", setup_configuration},
    {"key", setup_key}, {"source", setup_source},
    {"credentials", setup_credentials}, {"clock", setup_clock},
    {"message", setup_message}, {"service", setup_service},
    {"user-data", setup_user_data}};

static int take_steps(struct setup *s, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof steps / sizeof steps[0]; i++) {
		rc = steps[i].take(s, err);
		if (rc != 0)
			findings_err(&s->all, steps[i].name, err);
	}
	*err = (struct err){.code = 0};
	return findings_close(&s->all, err);
}

int setup(const struct conf *conf,
    int (*run)(const struct conf *conf, struct err *err), struct err *err)
{
	struct setup *s;
	int rc;

	if (geteuid() != 0)
		return err_set(err, ERR_PERM,
		    "--setup writes root's files and starts a service: run it "
		    "as root");
	if (conf->common.file != conf_program.file && unit_has_systemd())
		return err_set(err, ERR_USAGE,
		    "the service reads %s: start --setup without --config",
		    conf_program.file);
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_set(err, ERR_NOMEM, "out of memory");
	s->asked = conf;
	s->ask.yes = conf->yes;
	s->run = run;
	(void)umask(022);
	rc = findings_open(&s->all, stderr, false, err);
	if (rc == 0)
		rc = take_steps(s, err);
	free(s);
	return rc;
}

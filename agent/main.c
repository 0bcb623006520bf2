/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "conf.h"
#include "confine.h"
#include "halves.h"
#include "log.h"
#include "offline.h"
#include "online.h"
#include "status.h"

#define NAME "sqs-entropy-agent"

static int run(const struct conf *conf, struct err *err)
{
	const struct clock clock = clock_system(NULL);
	const int64_t deadline = clock_mono(&clock) + conf->timeout * 1000;
	struct offline offline;
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);
	if (confine_no_core() != 0)
		return err_errno(err, ERR_IO, "cannot turn core dumps off");
	rc = offline_open(&offline, conf, deadline, err);
	if (rc != 0)
		return rc;
	rc = halves_run(&offline, online_run, deadline, err);
	offline_close(&offline);
	return rc;
}

static int act(const struct conf *conf, struct err *err)
{
	switch (conf->action) {
	case CONF_HELP:
		conf_print_help();
		return 0;
	case CONF_VERSION:
		(void)puts(NAME " " SQS_ENTROPY_VERSION);
		return 0;
	case CONF_CHECK:
		(void)printf("%s: %s\n", conf->file,
		    access(conf->file, F_OK) == 0
			? "valid"
			: "not there, the defaults apply");
		return 0;
	case CONF_STATUS:
		return status_print(conf->json, err);
	case CONF_RUN:
		break;
	}
	return run(conf, err);
}

int main(int argc, char *argv[])
{
	struct conf conf;
	struct err err = {0};
	int rc;

	log_open(NAME, LOG_LEVEL_NOTICE);
	rc = conf_load(&conf, argc, argv, &err);
	log_open(NAME, conf.log_level);
	if (rc == 0)
		rc = act(&conf, &err);
	if (err.code != 0)
		log_error("%s", err.text);
	return conf.best_effort ? 0 : err_exit(rc);
}

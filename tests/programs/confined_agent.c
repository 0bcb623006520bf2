/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One half of the agent, confined as always, tries what it may not do.
 *	confined_agent online|offline [AGENT'S OPTIONS]
 * A credential_process, which is no half, tries what REACH names.
 *	confined_agent command
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/conf.h"
#include "agent/halves.h"
#include "agent/offline/offline.h"
#include "base/clock.h"
#include "base/log.h"
#include "confine/confine.h"
#include "forbidden_aid.h"
#include "sqs/session.h"

#define TIME_MS 60000

static int online(const struct conf *conf, int64_t deadline, struct err *err)
{
	const struct clock clock = clock_system(NULL);
	const struct session_config cfg = {.queues = conf->common.queues,
	    .region = conf->common.region,
	    .endpoint_url = conf->common.endpoint_url,
	    .profile = conf->common.profile,
	    .ca_bundle = conf->common.ca_bundle,
	    .cancel_fd = -1};
	struct session session;
	int rc = session_init(&session, &cfg, &clock, err);

	if (rc == 0)
		rc = agent_confine_online(
		    session_readable(&session), deadline, err);
	if (rc == 0) {
		forbidden_try();
		forbidden_try_entropy();
	}
	return rc;
}

static int offline(const struct conf *conf, int64_t deadline, struct err *err)
{
	struct agent_offline o;
	int rc = agent_offline_open(&o, conf, deadline, err);

	if (rc == 0)
		agent_offline_recall(&o);
	if (rc == 0)
		rc = agent_confine_offline(conf, err);
	if (rc == 0) {
		forbidden_try();
		forbidden_try_network();
	}
	return rc;
}

int main(int argc, char *argv[])
{
	const struct clock clock = clock_system(NULL);
	const int64_t deadline = clock_mono(&clock) + TIME_MS;
	struct conf conf;
	struct err err = {0};
	int rc = ERR_USAGE;

	log_open("confined_agent", LOG_LEVEL_NOTICE);
	forbidden_open_pool();
	if (argc > 1 && strcmp(argv[1], "command") == 0) {
		forbidden_try();
		return err_exit(ERR_INTERNAL);
	}
	if (argc > 1 && confine_no_core() == 0)
		rc = program_load(
		    &conf_program, &conf, argc - 1, argv + 1, &err);
	if (rc == 0)
		rc = strcmp(argv[1], "online") == 0
			 ? online(&conf, deadline, &err)
			 : offline(&conf, deadline, &err);
	if (err.code != 0)
		log_error("%s", err.text);
	return err_exit(rc);
}

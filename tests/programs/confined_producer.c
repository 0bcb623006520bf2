/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One half of the producer, confined as always, tries what it may not do.
 *	confined_producer online|offline [PRODUCER'S OPTIONS]
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "confine/confine.h"
#include "forbidden_aid.h"
#include "producer/conf.h"
#include "producer/halves.h"
#include "producer/offline/offline.h"
#include "sqs/session.h"

static int online(const struct conf *conf, struct err *err)
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
		rc = producer_confine_online(session_readable(&session), err);
	if (rc == 0) {
		forbidden_try();
		forbidden_try_entropy();
	}
	return rc;
}

static int offline(const struct conf *conf, struct err *err)
{
	struct producer_offline o;
	int rc = producer_offline_open(&o, conf, err);

	if (rc == 0)
		rc = producer_confine_offline(err);
	if (rc == 0) {
		forbidden_try();
		forbidden_try_network();
		forbidden_try_entropy();
	}
	return rc;
}

int main(int argc, char *argv[])
{
	struct conf conf;
	struct err err = {0};
	int rc = ERR_USAGE;

	log_open("confined_producer", LOG_LEVEL_NOTICE);
	forbidden_open_pool();
	if (argc > 1 && confine_no_core() == 0)
		rc = program_load(
		    &conf_program, &conf, argc - 1, argv + 1, &err);
	if (rc == 0)
		rc = strcmp(argv[1], "online") == 0 ? online(&conf, &err)
						    : offline(&conf, &err);
	if (err.code != 0)
		log_error("%s", err.text);
	return err_exit(rc);
}

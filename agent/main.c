/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "agent/conf.h"
#include "agent/doctor.h"
#include "agent/halves.h"
#include "agent/offline/last_seed.h"
#include "agent/offline/offline.h"
#include "agent/offline/status.h"
#include "agent/offline/verify.h"
#include "agent/online/online.h"
#include "base/arn.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "confine/confine.h"

#define LEAST_MS 500 /* with less time left another try is of no use */

/* The end of the time-out.  The time that a run which failed a moment ago has
 * waited counts as if this run had waited. */
static int find_deadline(const struct conf *conf, const struct last_seed *last,
    int64_t *deadline, struct err *err)
{
	int64_t left = (int64_t)conf->timeout * 1000;

	if (conf->unless_seeded > 0 && !conf->strict && conf->output[0] == '\0')
		left -= last_seed_waited(last, clock_read(CLOCK_BOOTTIME));
	if (left < LEAST_MS)
		return err_set(err, ERR_TIMEOUT,
		    "not tried again within %d s of a run that waited in vain "
		    "for the network (--unless-seeded)",
		    LAST_SEED_AGAIN_MS / 1000);
	*deadline = clock_read(CLOCK_MONOTONIC) + left;
	return 0;
}

static int run_halves(
    struct agent_offline *offline, int64_t deadline, struct err *err)
{
	if (descriptors_let_go() != 0)
		return err_errno(err, ERR_IO, "cannot open /dev/null");
	return agent_halves_run(offline, agent_online_run, deadline, err);
}

/* What this boot's runs did, they did for the template too, so that it counts
 * for none of its clones. */
static void forget_seeds(void)
{
	if (last_seed_forget() != 0)
		log_warning("cannot note that this machine was cloned: a later "
			    "run with --unless-seeded may take it for seeded "
			    "(is %s writable?)",
		    status_directory());
}

static int run_agent(const struct conf *conf, struct err *err)
{
	struct agent_offline offline;
	struct last_seed last;
	int64_t deadline = 0;
	int rc;

	if (conf->forked)
		forget_seeds();
	last_seed_read(&last);
	if (agent_offline_is_done(conf, &last))
		return 0;
	rc = find_deadline(conf, &last, &deadline, err);
	if (rc == 0)
		rc = agent_limit_lifetime(deadline, err);
	if (rc != 0)
		return rc;
	agent_say_lacks();
	(void)signal(SIGPIPE, SIG_IGN);
	rc = agent_offline_open(&offline, conf, deadline, err);
	if (rc == 0)
		rc = run_halves(&offline, deadline, err);
	if (rc != 0 && !offline.told && conf->output[0] == '\0')
		status_write_failure(rc);
	agent_offline_close(&offline);
	return rc;
}

static int check_agent(const struct conf *conf, struct err *err)
{
	struct verify verify;
	int rc =
	    verify_open(&verify, conf->trusted_producers, conf->seal_key, err);

	if (rc != 0)
		return rc;
	rc = agent_online_check(conf, err);
	if (rc == 0)
		verify_show(
		    &verify, conf->trusted_producers, conf->seal_key, stdout);
	verify_close(&verify);
	if (rc != 0)
		return rc;
	agent_say_lacks();
	for (size_t i = 0; i < arn_count_queues(conf->common.queues); i++)
		if (arn_is_missing(conf->common.queues[i]))
			log_warning("%s: " ARN_MISSING
				    ": no message of it earns "
				    "credit",
			    conf->common.queues[i]);
	return 0;
}

static int do_agent_action(const struct conf *conf, struct err *err)
{
	if (conf->common.action == CONF_STATUS)
		return status_print(conf, err);
	if (confine_no_core() != 0)
		return err_errno(err, ERR_IO, "cannot turn core dumps off");
	if (conf->common.action == CONF_DOCTOR)
		return agent_doctor(conf, err);
	return conf->common.action == PROGRAM_CHECK ? check_agent(conf, err)
						    : run_agent(conf, err);
}

static void tell_refusal(const struct conf *conf, int code)
{
	if (code == ERR_CONFIG && conf->common.action == PROGRAM_RUN &&
	    conf->output[0] == '\0')
		status_write_failure(code);
}

int main(int argc, char *argv[])
{
	static const struct program_work work = {do_agent_action, tell_refusal};
	struct conf conf;
	const int code = program_main(&conf_program, &work, &conf, argc, argv);

	program_end(conf.best_effort ? 0 : code);
}

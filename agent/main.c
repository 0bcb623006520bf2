/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/conf.h"
#include "agent/halves.h"
#include "agent/offline/last_seed.h"
#include "agent/offline/offline.h"
#include "agent/offline/status.h"
#include "agent/offline/verify.h"
#include "agent/online/online.h"
#include "base/clock.h"
#include "base/log.h"
#include "confine/confine.h"

#define NAME     "sqs-entropy-agent"

#define LEAST_MS 500 /* that make another try worth while */

/* What --unless-seeded asks.  With --strict a run without credit does not
 * count, or it would pass for one with credit. */
static bool is_done(const struct conf *conf, const struct last_seed *last)
{
	const int64_t age = last_seed_age(last, conf->strict, last_seed_now());

	if (conf->output[0] != '\0' || age < 0 ||
	    age >= (int64_t)conf->unless_seeded * 1000)
		return false;
	log_notice("the kernel was seeded %lld s ago: nothing to do "
		   "(--unless-seeded %ld)",
	    (long long)age / 1000, conf->unless_seeded);
	return true;
}

/* The time-out, less what a run that failed a moment ago has had of it. */
static int find_deadline(const struct conf *conf, const struct last_seed *last,
    int64_t *deadline, struct err *err)
{
	const struct clock clock = clock_system(NULL);
	int64_t left = (int64_t)conf->timeout * 1000;

	if (conf->unless_seeded > 0 && !conf->strict && conf->output[0] == '\0')
		left -= last_seed_waited(last, last_seed_now());
	if (left < LEAST_MS)
		return err_set(err, ERR_TIMEOUT,
		    "not tried again within %d s of a run that waited in vain "
		    "for the network (--unless-seeded)",
		    LAST_SEED_AGAIN_MS / 1000);
	*deadline = clock_mono(&clock) + left;
	return 0;
}

static int run(const struct conf *conf, struct err *err)
{
	struct offline offline;
	struct last_seed last;
	int64_t deadline = 0;
	int rc;

	last_seed_read(&last);
	if (is_done(conf, &last))
		return 0;
	rc = find_deadline(conf, &last, &deadline, err);
	if (rc != 0)
		return rc;
	(void)signal(SIGPIPE, SIG_IGN);
	if (confine_no_core() != 0)
		return err_errno(err, ERR_IO, "cannot turn core dumps off");
	rc = offline_open(&offline, conf, deadline, err);
	/* Again: another run may have held the lock until now. */
	if (rc == 0 && !is_done(conf, &offline.last_seed))
		rc = halves_run(&offline, online_run, deadline, err);
	if (rc != 0 && !offline.told && conf->output[0] == '\0')
		status_write_failure(rc);
	offline_close(&offline);
	return rc;
}

static int check(const struct conf *conf, struct err *err)
{
	struct verify verify;
	int rc;

	if (confine_no_core() != 0)
		return err_errno(err, ERR_IO, "cannot turn core dumps off");
	rc = verify_open(&verify, conf->trusted_producers, conf->seal_key, err);
	if (rc != 0)
		return rc;
	verify_close(&verify);
	rc = online_check(conf, err);
	if (rc != 0)
		return rc;
	(void)printf("%s: %s\n", conf->file,
	    access(conf->file, F_OK) == 0 ? "valid"
					  : "not there, the defaults apply");
	return 0;
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
		return check(conf, err);
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
	else if (rc == ERR_CONFIG && conf.action == CONF_RUN &&
		 conf.output[0] == '\0')
		status_write_failure(rc);
	if (err.code != 0 && !err.told)
		log_error("%s", err.text);
	return conf.best_effort ? 0 : err_exit(rc);
}

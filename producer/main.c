/* SPDX-License-Identifier: Apache-2.0 */
#include "base/descriptors.h"
#include "base/log.h"
#include "confine/confine.h"
#include "producer/conf.h"
#include "producer/genkey.h"
#include "producer/halves.h"
#include "producer/offline/offline.h"
#include "producer/online/online.h"

/* Three calls to SQS, each of the usual half a minute, fit into it. */
#define WATCHDOG_GOOD_MS 90000

static void say_once(const struct producer_offline *o)
{
	for (size_t i = 0; i < o->blocks.n; i++)
		if (o->blocks.sources[i].regular)
			log_warning("%s is a regular file: good for trials "
				    "only, its bytes come again at each start",
			    o->blocks.sources[i].path);
	if (o->conf->signing_key[0] == '\0')
		log_notice("messages are not signed, and earn no credit: make "
			   "a key with --genkey and set signing-key");
}

static void say_watchdog(int64_t ms)
{
	if (ms > 0 && ms < WATCHDOG_GOOD_MS)
		log_notice("WatchdogSec= is %lld s: a call to SQS may take no "
			   "more than a third of it; 90 s leave it the usual "
			   "time",
		    (long long)ms / 1000);
}

static int run_producer(const struct conf *conf, struct err *err)
{
	struct producer_offline offline;
	int rc = producer_offline_open(&offline, conf, err);

	if (rc != 0)
		return rc;
	producer_say_lacks();
	say_once(&offline);
	say_watchdog(offline.notify.watchdog_ms);
	if (descriptors_let_go() != 0)
		rc = err_errno(err, ERR_IO, "cannot open /dev/null");
	else
		rc = producer_halves_run(&offline, producer_online_run, err);
	producer_offline_close(&offline);
	return rc;
}

static int check_producer(const struct conf *conf, struct err *err)
{
	int rc = signer_check(conf, err);

	if (rc == 0)
		rc = producer_online_check(conf, err);
	if (rc == 0)
		producer_say_lacks();
	return rc;
}

static int do_producer_action(const struct conf *conf, struct err *err)
{
	if (confine_no_core() != 0)
		return err_errno(err, ERR_IO, "cannot turn core dumps off");
	switch (conf->common.action) {
	case CONF_GENKEY:
		return genkey(conf->key_file, conf->seal, err);
	case PROGRAM_CHECK:
		return check_producer(conf, err);
	default:
		return run_producer(conf, err);
	}
}

int main(int argc, char *argv[])
{
	static const struct program_work work = {.act = do_producer_action};
	struct conf conf;

	return program_main(&conf_program, &work, &conf, argc, argv);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/descriptors.h"
#include "base/log.h"
#include "confine/confine.h"
#include "producer/assess.h"
#include "producer/conf.h"
#include "producer/doctor.h"
#include "producer/genkey.h"
#include "producer/halves.h"
#include "producer/offline/offline.h"
#include "producer/online/online.h"
#include "producer/setup.h"
#include "producer/show_status.h"

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
	producer_offline_end(&offline, rc, err);
	producer_offline_close(&offline);
	return rc;
}

/* Whoever may not read the service's key cannot judge it. */
static void say_hidden_key(const struct conf *conf)
{
	if (conf->signing_key[0] == '\0' &&
	    conf->common.file == conf_program.file &&
	    access(CONF_UNIT_KEY, F_OK) == 0)
		log_notice("%s is the service's signing key, and this user may "
			   "not read it: run --check as root",
		    CONF_UNIT_KEY);
}

static int check_producer(const struct conf *conf, struct err *err)
{
	struct signer signer;
	int rc = signer_check(&signer, conf, err);

	if (rc != 0)
		return rc;
	rc = blocks_check(conf->device, err);
	if (rc == 0)
		rc = producer_online_check(conf, err);
	if (rc == 0) {
		signer_show(&signer, conf, stdout);
		producer_say_lacks();
		say_hidden_key(conf);
	}
	signer_close(&signer);
	return rc;
}

static int do_producer_action(const struct conf *conf, struct err *err)
{
	if (conf->common.action == CONF_STATUS)
		return producer_status_print(conf, err);
	if (confine_no_core() != 0)
		return err_errno(err, ERR_IO, "cannot turn core dumps off");
	switch (conf->common.action) {
	case CONF_GENKEY:
		return genkey(conf->key_file, conf->seal, err);
	case CONF_PUBKEY:
		return genkey_print(conf->key_file, err);
	case CONF_DOCTOR:
		return producer_doctor(conf, err);
	case CONF_ASSESS:
		return assess(conf, err);
	case CONF_SETUP:
		return setup(conf, run_producer, err);
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

	program_end(program_main(&conf_program, &work, &conf, argc, argv));
}

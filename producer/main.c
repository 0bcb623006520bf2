/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "confine/confine.h"
#include "producer/conf.h"
#include "producer/genkey.h"
#include "producer/halves.h"
#include "producer/offline/offline.h"
#include "producer/online/online.h"

#define NAME             "sqs-entropy-producer"
/* Half a minute for a call, three times. */
#define WATCHDOG_GOOD_MS 90000

static void say_once(const struct offline *o)
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

/* Returns an exit code. */
static int run(const struct conf *conf, struct err *err)
{
	struct offline offline;
	int rc;

	if (confine_no_core() != 0) {
		err_errno(err, ERR_IO, "cannot turn core dumps off");
		return err_exit(ERR_IO);
	}
	rc = offline_open(&offline, conf, err);
	if (rc != 0)
		return err_exit(rc);
	say_once(&offline);
	say_watchdog(offline.notify.watchdog_ms);
	rc = halves_run(&offline, online_run, err);
	offline_close(&offline);
	return err_exit(rc);
}

static int check(const struct conf *conf, struct err *err)
{
	int rc = ERR_IO;

	if (confine_no_core() != 0)
		return err_errno(err, rc, "cannot turn core dumps off");
	rc = signer_check(conf, err);
	if (rc == 0)
		rc = online_check(conf, err);
	if (rc == 0)
		(void)printf("%s: %s\n", conf->file,
		    access(conf->file, F_OK) == 0
			? "valid"
			: "not there, the defaults apply");
	return rc;
}

/* Returns an exit code. */
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
		return err_exit(check(conf, err));
	case CONF_GENKEY:
		if (confine_no_core() != 0)
			return err_exit(ERR_IO);
		return err_exit(genkey(conf->key_file, conf->seal, err));
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
	rc = rc == 0 ? act(&conf, &err) : err_exit(rc);
	if (err.code != 0 && !err.told)
		log_error("%s", err.text);
	return rc;
}

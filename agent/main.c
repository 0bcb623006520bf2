/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "conf.h"
#include "confine.h"
#include "io.h"
#include "log.h"
#include "message.h"
#include "offline.h"
#include "online.h"

#define NAME     "sqs-entropy-agent"

/* The online half ends itself by the deadline; one that hangs (in a name
 * look-up, or in TLS waiting for the generator) is ended this much later. */
#define GRACE_MS 300
#define REAP_MS  200

static int run_halves(struct sink *sink, const struct conf *conf,
    int64_t deadline, struct err *err)
{
	pid_t child;
	int fd, rc;

	if (io_split(&fd, &child) != 0)
		return err_errno(err, ERR_IO, "cannot start the online half");
	if (child == 0) {
		sink_close(sink);
		/* No exit handlers: they would wait for a name look-up. */
		_exit(err_exit(online_run(fd, conf, deadline)));
	}
	rc = offline_run(fd, sink, conf, deadline + GRACE_MS);
	(void)close(fd);
	(void)io_reap(child, deadline + GRACE_MS + REAP_MS);
	return rc;
}

static int run(const struct conf *conf, struct err *err)
{
	const struct clock clock = clock_system(NULL);
	const int64_t deadline = clock_mono(&clock) + conf->timeout * 1000;
	struct sink sink;
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);
	if (confine_no_core() != 0)
		return err_errno(err, ERR_IO, "cannot turn core dumps off");
	rc = sink_open(&sink, conf->output,
	    (size_t)conf->messages * MESSAGE_PAYLOAD_MAX, err);
	if (rc != 0)
		return rc;
	rc = run_halves(&sink, conf, deadline, err);
	sink_close(&sink);
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
